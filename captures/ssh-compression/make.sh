#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
start_sshd ecdsa 384 KexAlgorithms=ecdh-sha2-nistp384 Ciphers=3des-cbc MACs=hmac-md5-96 Compression=delayed
start_capture
ssh_client KexAlgorithms=ecdh-sha2-nistp384 Ciphers=3des-cbc MACs=hmac-md5-96 Compression=yes
stop_capture
