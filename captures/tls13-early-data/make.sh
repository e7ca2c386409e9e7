#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
start_server -tls1_3 -early_data -cert "$work/rsa.pem" -key "$work/rsa.key"
start_capture
sleep 2 | openssl s_client -connect "127.0.0.1:$port" -tls1_3 -sess_out "$work/session" >"$work/client.log" 2>&1 || true
echo early >"$work/early"
sleep 2 | openssl s_client -connect "127.0.0.1:$port" -tls1_3 -sess_in "$work/session" -early_data "$work/early" >"$work/client.log" 2>&1 || true
stop_capture
