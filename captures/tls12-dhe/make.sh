#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
start_server -www -cert "$work/rsa.pem" -key "$work/rsa.key" -tls1_2 -cipher DHE-RSA-AES256-SHA256
start_capture
request -tls1_2 -cipher DHE-RSA-AES256-SHA256
stop_capture
