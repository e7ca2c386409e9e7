#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
start_server -www -cert "$work/rsa.pem" -key "$work/rsa.key" -tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256
start_capture
request -tls1_2 -verify_return_error -CAfile "$work/client.pem"
stop_capture
