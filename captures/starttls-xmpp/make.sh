#!/usr/bin/env bash
# Needs: prosody.
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
chmod 755 "$work"
chmod 644 "$work"/*.key
cat >"$work/prosody.cfg.lua" <<CONF
daemonize = false
run_as_root = true
data_path = "$work"
pidfile = "$work/prosody.pid"
modules_enabled = { "tls", "saslauth" }
modules_disabled = { "s2s" }
c2s_ports = { $port }
interfaces = { "127.0.0.1" }
ssl = { certificate = "$work/rsa.pem", key = "$work/rsa.key" }
VirtualHost "example.com"
CONF
touch "$work/server.log"
prosody --config "$work/prosody.cfg.lua" -F >"$work/server.log" 2>&1 &
pids+=($!)
wait_for_port
start_capture
printf 'x' | timeout 10 openssl s_client -connect "127.0.0.1:$port" -starttls xmpp -xmpphost example.com >/dev/null 2>&1 || true
stop_capture
