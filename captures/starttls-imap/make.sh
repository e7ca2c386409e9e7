#!/usr/bin/env bash
# Needs: dovecot-imapd, dovecot-pop3d.
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
start_dovecot imap
start_capture
starttls_client imap
stop_capture
