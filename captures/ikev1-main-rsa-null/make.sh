#!/usr/bin/env bash
. "$(dirname "$0")/../lib/ipsec.sh"
version=1 auth=rsa proposal=aes128-sha1-modp2048 child=null-sha1 mode=transport seconds=12
make_ipsec_capture
