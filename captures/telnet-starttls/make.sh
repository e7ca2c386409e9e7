#!/usr/bin/env bash
# Needs: s3270, a TN3270 client, and openssl, whose client speaks it too.
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
touch "$work/server.log"
python3 "$lib_dir/starttls_server.py" "$port" "$work/rsa.pem" "$work/rsa.key" telnet &
pids+=($!)
wait_for_port
start_capture
printf 'Wait(3,InputField)\nQuit\n' | timeout 10 s3270 -xrm 's3270.verifyHostCert: False' "127.0.0.1:$port" >"$work/client.log" 2>&1 || true
starttls_client telnet
stop_capture
