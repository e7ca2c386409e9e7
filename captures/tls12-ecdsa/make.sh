#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
start_server -www -cert "$work/ecdsa.pem" -key "$work/ecdsa.key" -tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305 -groups P-384
start_capture
request -tls1_2 -groups P-384
stop_capture
