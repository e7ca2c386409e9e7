#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
touch "$work/server.log"
python3 "$lib_dir/starttls_server.py" "$port" "$work/rsa.pem" "$work/rsa.key" irc &
pids+=($!)
wait_for_port
start_capture
starttls_client irc
stop_capture
