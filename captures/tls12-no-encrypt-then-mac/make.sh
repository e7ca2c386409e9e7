#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
start_server -www -cert "$work/rsa.pem" -key "$work/rsa.key" -tls1_2 -cipher AES128-SHA -no_etm
start_capture
request -tls1_2 -cipher AES128-SHA
stop_capture
