#!/usr/bin/env bash
# Needs: slapd, ldap-utils.
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
mkdir "$work/db"
cat >"$work/slapd.conf" <<CONF
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile $work/slapd.pid
TLSCACertificateFile $work/ca.pem
TLSCertificateFile $work/rsa.pem
TLSCertificateKeyFile $work/rsa.key
database mdb
suffix "dc=example,dc=com"
directory $work/db
CONF
touch "$work/server.log"
/usr/sbin/slapd -d 0 -f "$work/slapd.conf" -h "ldap://127.0.0.1:$port" >"$work/server.log" 2>&1 &
pids+=($!)
wait_for_port
start_capture
# The search comes before StartTLS and after it.
for z in "" -ZZ; do
    LDAPTLS_REQCERT=never timeout 10 ldapsearch -x -H "ldap://127.0.0.1:$port" $z -b "" -s base >/dev/null || true
done
stop_capture
