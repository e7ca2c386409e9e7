#!/usr/bin/env bash
# Needs: exim4-daemon-light.
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
chmod 755 "$work"
chmod 644 "$work"/*.key
mkdir "$work/spool"
chmod 777 "$work/spool"
cat >"$work/exim.conf" <<CONF
primary_hostname = zos.example.com
spool_directory = $work/spool
log_file_path = $work/spool/%s.log
exim_user = Debian-exim
exim_group = Debian-exim
daemon_smtp_ports = $port
local_interfaces = 127.0.0.1
pid_file_path = $work/spool/exim.pid
host_lookup =
rfc1413_hosts =
tls_advertise_hosts = *
tls_certificate = $work/rsa.pem
tls_privatekey = $work/rsa.key
acl_smtp_rcpt = accept
CONF
touch "$work/server.log"
exim4 -bdf -q1h -C "$work/exim.conf" >"$work/server.log" 2>&1 &
pids+=($!)
wait_for_port
start_capture
starttls_client smtp -tls1_2
stop_capture
