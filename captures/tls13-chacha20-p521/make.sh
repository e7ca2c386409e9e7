#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
start_server -www -cert "$work/rsa.pem" -key "$work/rsa.key" -tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256 -groups P-521
start_capture
request -tls1_3 -groups P-521
stop_capture
