#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
start_server -www -cert "$work/rsa.pem" -key "$work/rsa.key" -tls1_2 -no_ticket -cipher ECDHE-RSA-AES256-GCM-SHA384
start_capture
request -tls1_2 -no_ticket -sess_out "$work/session"
request -tls1_2 -no_ticket -sess_in "$work/session"
stop_capture
