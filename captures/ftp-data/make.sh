#!/usr/bin/env bash
# Needs: proftpd-core, proftpd-mod-crypto, curl.
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
start_proftpd
start_capture tcp
list() { timeout 20 curl -s -u tester:secret "$@" "ftp://127.0.0.1:$port/" >/dev/null || true; }
list
list --disable-epsv
list --ftp-port 127.0.0.1
list --ftp-port 127.0.0.1 --disable-eprt
stop_capture
