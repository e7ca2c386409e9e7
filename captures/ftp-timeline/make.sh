#!/usr/bin/env bash
# Needs: proftpd-core, proftpd-mod-crypto. Takes a minute.
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
start_proftpd
start_capture
clients=()
for times in "2 - 50" "12 30 50" "2 5 8" "- - 20"; do
    # One after the other, so that their order is the same every time.
    # shellcheck disable=SC2086
    timeout 60 python3 "$lib_dir/ftp_timeline.py" "$port" $times &
    clients+=($!)
    sleep 0.2
done
wait "${clients[@]}"
stop_capture
