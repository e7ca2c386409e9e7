#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
start_sshd_certificate() {
    ssh-keygen -q -t ed25519 -N '' -f "$work/ca"
    ssh-keygen -q -t rsa -b 2048 -N '' -f "$work/host"
    ssh-keygen -q -s "$work/ca" -I zos -h -n 127.0.0.1 "$work/host.pub"
    mkdir -p /run/sshd
    touch "$work/server.log"
    "$(command -v sshd || echo /usr/sbin/sshd)" -D -e -f /dev/null -h "$work/host" -p "$port" \
        -o ListenAddress=127.0.0.1 -o "HostCertificate=$work/host-cert.pub" 2>"$work/server.log" &
    pids+=($!)
    wait_for_port
}
start_sshd_certificate
start_capture
ssh_client HostKeyAlgorithms=rsa-sha2-512-cert-v01@openssh.com KexAlgorithms=curve25519-sha256 Ciphers=aes128-ctr MACs=hmac-sha2-512
stop_capture
