#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
openssl pkcs12 -export -inkey "$work/rsa.key" -in "$work/rsa.pem" -passout pass:secret -out "$work/keys.p12"
start_capture
java "$lib_dir/Ssl3.java" "$work/keys.p12" "$port"
stop_capture
