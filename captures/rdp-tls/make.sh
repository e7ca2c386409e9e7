#!/usr/bin/env bash
# Needs: xrdp, freerdp2-x11, xvfb.
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
cp "$work/rsa.pem" "$work/rsa.key" /etc/xrdp/
sed -e "s|^port=.*|port=tcp://127.0.0.1:$port|" -e "s|^security_layer=.*|security_layer=tls|" \
    -e "s|^certificate=.*|certificate=/etc/xrdp/rsa.pem|" -e "s|^key_file=.*|key_file=/etc/xrdp/rsa.key|" \
    /etc/xrdp/xrdp.ini >"$work/xrdp.ini"
touch "$work/server.log"
xrdp --nodaemon --config "$work/xrdp.ini" >"$work/server.log" 2>&1 &
pids+=($!)
wait_for_port
start_capture
timeout 20 xvfb-run -a xfreerdp +auth-only /cert:ignore /sec:tls /u:me /p:secret "/v:127.0.0.1:$port" >"$work/client.log" 2>&1 || true
stop_capture
rm -f /etc/xrdp/rsa.pem /etc/xrdp/rsa.key
