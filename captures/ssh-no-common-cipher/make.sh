#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
start_sshd ed25519 256 Ciphers=aes128-ctr
start_capture
ssh_client Ciphers=aes256-gcm@openssh.com
stop_capture
