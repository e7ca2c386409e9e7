#!/usr/bin/env bash
. "$(dirname "$0")/../lib/ipsec.sh"
proposal=aes256-sha256-modp2048 other_proposal=aes128gcm16-prfsha256-ecp521
make_ipsec_capture
