#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
start_server -www -cert "$work/rsa.pem" -key "$work/rsa.key" -tls1 -cipher AES256-SHA@SECLEVEL=0
start_capture
request -tls1 -cipher AES256-SHA@SECLEVEL=0
stop_capture
