#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
start_server -www -cert "$work/rsa.pem" -key "$work/rsa.key" -tls1_3 -groups P-384
start_capture
request -tls1_3 -groups X25519:P-384
stop_capture
