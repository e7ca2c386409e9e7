#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
start_sshd rsa 3072 KexAlgorithms=diffie-hellman-group-exchange-sha256 Ciphers=aes256-ctr MACs=hmac-sha2-256-etm@openssh.com HostKeyAlgorithms=rsa-sha2-512
start_capture
ssh_client KexAlgorithms=diffie-hellman-group-exchange-sha256 Ciphers=aes256-ctr MACs=hmac-sha2-256-etm@openssh.com HostKeyAlgorithms=rsa-sha2-512
stop_capture
