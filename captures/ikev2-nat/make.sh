#!/usr/bin/env bash
. "$(dirname "$0")/../lib/ipsec.sh"
nat=yes proposal=aes128gcm16-prfsha256-curve25519 child=aes128gcm16
make_ipsec_capture
