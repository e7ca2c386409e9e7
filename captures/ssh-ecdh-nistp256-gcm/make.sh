#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
start_sshd ecdsa 256 KexAlgorithms=ecdh-sha2-nistp256 Ciphers=aes128-gcm@openssh.com
start_capture
ssh_client KexAlgorithms=ecdh-sha2-nistp256 Ciphers=aes128-gcm@openssh.com
stop_capture
