#!/usr/bin/env bash
# Needs: curl. The server takes the header off, as a load balancer's partner
# does.
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
touch "$work/server.log"
python3 "$lib_dir/starttls_server.py" "$port" "$work/rsa.pem" "$work/rsa.key" proxy &
pids+=($!)
wait_for_port
start_capture
timeout 10 curl -sk --haproxy-protocol "https://127.0.0.1:$port/" >/dev/null
python3 "$lib_dir/starttls_client.py" "$port" proxy2
stop_capture
