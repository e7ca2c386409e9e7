#!/usr/bin/env bash
. "$(dirname "$0")/../lib/ipsec.sh"
proposal=aes256gcm16-prfsha384-ecp384 child=aes256gcm16 seconds=12
make_ipsec_capture
