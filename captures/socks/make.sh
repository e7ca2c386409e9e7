#!/usr/bin/env bash
# Needs: microsocks, curl; ssh and sshd for version 4.
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
start_server -www -cert "$work/rsa.pem" -key "$work/rsa.key"
microsocks -i 127.0.0.1 -p 44331 -u me -P secret >"$work/server.log" 2>&1 &
pids+=($!)
port=44331 wait_for_port
# OpenSSH's dynamic forwarding speaks both versions.
mkdir -p /run/sshd
ssh-keygen -q -t ed25519 -N '' -f "$work/host"
ssh-keygen -q -t ed25519 -N '' -f "$work/user"
chmod 755 "$work"
/usr/sbin/sshd -D -e -f /dev/null -h "$work/host" -p 44332 -o ListenAddress=127.0.0.1 -o PidFile="$work/pid" \
    -o UsePAM=no -o StrictModes=no -o PermitRootLogin=yes -o AuthorizedKeysFile="$work/user.pub" 2>"$work/server.log" &
pids+=($!)
port=44332 wait_for_port
ssh -N -D 127.0.0.1:44333 -p 44332 -o BatchMode=yes -o StrictHostKeyChecking=no -o "UserKnownHostsFile=$work/known" \
    -i "$work/user" root@127.0.0.1 2>"$work/client.log" &
pids+=($!)
port=44333 wait_for_port
start_capture "tcp port 44331 or tcp port 44333"
timeout 10 curl -sk -x socks5h://me:secret@127.0.0.1:44331 "https://localhost:$port/" >/dev/null
timeout 10 curl -sk -x socks5://127.0.0.1:44333 "https://127.0.0.1:$port/" >/dev/null
timeout 10 curl -sk -x socks4a://127.0.0.1:44333 "https://localhost:$port/" >/dev/null
timeout 10 curl -sk -x socks4://127.0.0.1:44333 "https://127.0.0.1:$port/" >/dev/null
stop_capture
