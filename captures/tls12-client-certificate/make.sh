#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
start_server -www -cert "$work/rsa.pem" -key "$work/rsa.key" -tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256 -CAfile "$work/ca.pem" -Verify 1
start_capture
request -tls1_2 -cert "$work/client.pem" -key "$work/client.key"
stop_capture
