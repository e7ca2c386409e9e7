#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
start_server -www -cert "$work/rsa.pem" -key "$work/rsa.key" -tls1_3
start_capture
request -tls1_2
stop_capture
