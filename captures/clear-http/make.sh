#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
start_capture
python3 -m http.server --bind 127.0.0.1 "$port" --directory "$case_dir" >/dev/null 2>&1 &
pids+=($!)
touch "$work/server.log"
wait_for_port
timeout 5 curl -s -o /dev/null "http://127.0.0.1:$port/README.md"
stop_capture
