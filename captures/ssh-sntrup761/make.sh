#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
start_sshd ed25519 256 KexAlgorithms=sntrup761x25519-sha512@openssh.com Ciphers=aes256-gcm@openssh.com
start_capture
ssh_client KexAlgorithms=sntrup761x25519-sha512@openssh.com Ciphers=aes256-gcm@openssh.com
stop_capture
