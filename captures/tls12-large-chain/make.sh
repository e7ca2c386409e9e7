#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
# Ten certificates with long names make a Certificate message that spans
# several records.
for i in $(seq 10); do
    san=$(for n in $(seq 120); do printf 'DNS:host%s-%s.example.com,' "$i" "$n"; done)
    openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj "/CN=filler $i" -days 3650 \
        -addext "subjectAltName=${san%,}" -out "$work/filler$i.pem" 2>/dev/null
done
cat "$work"/filler*.pem >"$work/chain.pem"
start_server -www -cert "$work/rsa.pem" -key "$work/rsa.key" -cert_chain "$work/chain.pem" -tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256
start_capture
request -tls1_2
stop_capture
