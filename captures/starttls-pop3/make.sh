#!/usr/bin/env bash
# Needs: dovecot-imapd, dovecot-pop3d.
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
start_dovecot pop3
start_capture
starttls_client pop3 -tls1_2
stop_capture
