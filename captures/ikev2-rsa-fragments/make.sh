#!/usr/bin/env bash
. "$(dirname "$0")/../lib/ipsec.sh"
auth=rsa fragment=yes proposal=aes256-sha512-modp4096 child=chacha20poly1305
make_ipsec_capture
