#!/usr/bin/env bash
# Needs: postgresql.
. "$(dirname "$0")/../lib/lib.sh"
make_certificates
chmod 755 "$work"
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n1)
mkdir "$work/run"
cp "$work/rsa.pem" "$work/rsa.key" "$work/run"
chown -R postgres "$work/run"
chmod 600 "$work/run/rsa.key"
as_postgres() { su postgres -s /bin/bash -c "$*"; }
as_postgres "$bin/initdb -A trust -D $work/run/db" >/dev/null
touch "$work/server.log"
as_postgres "$bin/postgres -D $work/run/db -h 127.0.0.1 -p $port -k $work/run -c ssl=on \
    -c ssl_cert_file=$work/run/rsa.pem -c ssl_key_file=$work/run/rsa.key" >"$work/server.log" 2>&1 &
pids+=($!)
wait_for_port
sleep 1
start_capture
psql "host=127.0.0.1 port=$port user=postgres sslmode=require gssencmode=disable" -c 'select 1' >/dev/null
psql "host=127.0.0.1 port=$port user=postgres sslmode=disable" -c 'select 1' >/dev/null
stop_capture
"$bin/pg_ctl" --version >/dev/null
kill "$(head -n1 "$work/run/db/postmaster.pid")"
sleep 1
