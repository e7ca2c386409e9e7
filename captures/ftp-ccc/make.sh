#!/usr/bin/env bash
# Needs: proftpd-core, proftpd-mod-crypto, curl.
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
start_proftpd
start_capture tcp
# The control connection goes back to clear text after the login; the data
# connection is announced in the clear and is protected by itself, or not.
for data in ssl-reqd ftp-ssl-control; do
    timeout 20 curl -sk --"$data" --ftp-ssl-ccc --ftp-ssl-ccc-mode active -u tester:secret \
        "ftp://127.0.0.1:$port/" >/dev/null || true
done
stop_capture
