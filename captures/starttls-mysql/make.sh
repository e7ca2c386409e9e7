#!/usr/bin/env bash
# Needs: mariadb-server, mariadb-client.
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
mariadb-install-db --no-defaults --user=root --datadir="$work/db" --auth-root-authentication-method=normal >/dev/null
touch "$work/server.log"
mariadbd --no-defaults --user=root --datadir="$work/db" --bind-address=127.0.0.1 --port="$port" \
    --socket="$work/sock" --pid-file="$work/db.pid" --ssl-ca="$work/ca.pem" --ssl-cert="$work/rsa.pem" --ssl-key="$work/rsa.key" >"$work/server.log" 2>&1 &
pids+=($!)
wait_for_port
mariadb --no-defaults -S "$work/sock" -u root -e "create user me@'127.0.0.1' identified by 'secret'"
start_capture
for tls in --ssl --skip-ssl; do
    mariadb --no-defaults -h 127.0.0.1 -P "$port" -u me -psecret $tls -e 'select 1' >/dev/null
done
stop_capture
