#!/usr/bin/env bash
. "$(dirname "$0")/../lib/ipsec.sh"
version=1 aggressive=yes proposal=aes128-sha256-modp1536 child=aes128-sha1
make_ipsec_capture
