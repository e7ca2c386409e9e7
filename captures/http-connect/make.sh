#!/usr/bin/env bash
# Needs: tinyproxy, curl.
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
start_server -www -cert "$work/rsa.pem" -key "$work/rsa.key"
cat >"$work/tinyproxy.conf" <<CONF
Port 44331
Listen 127.0.0.1
Timeout 60
Allow 127.0.0.1
PidFile "$work/tinyproxy.pid"
CONF
tinyproxy -d -c "$work/tinyproxy.conf" >"$work/server.log" 2>&1 &
pids+=($!)
port=44331 wait_for_port
start_capture "tcp port 44331"
timeout 10 curl -sk -p -x http://127.0.0.1:44331 "https://127.0.0.1:$port/" >/dev/null
stop_capture
