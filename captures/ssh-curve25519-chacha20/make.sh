#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
start_sshd ed25519 256 KexAlgorithms=curve25519-sha256 Ciphers=chacha20-poly1305@openssh.com
start_capture
ssh_client KexAlgorithms=curve25519-sha256 Ciphers=chacha20-poly1305@openssh.com
stop_capture
