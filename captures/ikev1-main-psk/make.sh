#!/usr/bin/env bash
. "$(dirname "$0")/../lib/ipsec.sh"
version=1 proposal=aes256-sha256-modp2048 child=aes256-sha256
make_ipsec_capture
