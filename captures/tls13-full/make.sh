#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
start_server -www -cert "$work/rsa.pem" -key "$work/rsa.key" -tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384 -groups X25519
start_capture
request -tls1_3 -alpn h2
stop_capture
