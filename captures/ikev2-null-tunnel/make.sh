#!/usr/bin/env bash
. "$(dirname "$0")/../lib/ipsec.sh"
proposal=aes128-sha256-ecp256 child=null-sha256 seconds=12
make_ipsec_capture
