#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
touch "$work/server.log"
python3 "$lib_dir/smtp_server.py" "$port" "$work/rsa.pem" "$work/rsa.key" &
pids+=($!)
wait_for_port
start_capture
printf 'QUIT\r\n' | timeout 10 openssl s_client -connect "127.0.0.1:$port" -starttls smtp -crlf -tls1_2 >/dev/null 2>&1 || true
stop_capture
