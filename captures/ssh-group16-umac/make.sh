#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
start_sshd ecdsa 521 KexAlgorithms=diffie-hellman-group16-sha512 Ciphers=aes192-ctr MACs=umac-64@openssh.com
start_capture
ssh_client KexAlgorithms=diffie-hellman-group16-sha512 Ciphers=aes192-ctr MACs=umac-64@openssh.com
stop_capture
