#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
start_sshd rsa 2048 KexAlgorithms=diffie-hellman-group14-sha1 Ciphers=aes128-cbc MACs=hmac-sha1 HostKeyAlgorithms=ssh-rsa
start_capture
ssh_client KexAlgorithms=diffie-hellman-group14-sha1 Ciphers=aes128-cbc MACs=hmac-sha1 HostKeyAlgorithms=ssh-rsa
stop_capture
