#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
psk=000102030405060708090a0b0c0d0e0f
start_server -www -tls1_3 -nocert -psk $psk -psk_identity TN3270 -ciphersuites TLS_AES_128_GCM_SHA256
start_capture
request -tls1_3 -psk $psk -psk_identity TN3270 -ciphersuites TLS_AES_128_GCM_SHA256
stop_capture
