#!/usr/bin/env bash
# Makes the records of stacks that differ in one way from the wire.
set -euo pipefail
cd "$(dirname "$0")"
root=../..
zerttap=${ZERTTAP:-$root/target/release/zerttap}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

record() { # NAME OPTIONS... -- CASES...
    local name=$1; shift
    local options=() cases=()
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    shift
    for c in "$@"; do cases+=("$root/captures/$c"); done
    "$zerttap" read -q --no-tool-events --detail --force --sid SYS1 --stack TCPIP \
        "${options[@]}" -w "$work/$name" "${cases[@]}"
}
stack() { # NAME FROM ALTERATIONS...
    python3 "$root/scripts/alter_records.py" "$work/$2" "$1.smf" "${@:3}"
}

record plain --home 192.0.2.10 --tz=-05:00 -- intervals
record late --home 192.0.2.10 --level v3r2 -- intervals
record tls --home 127.0.0.1 -- tls12-client-certificate
record many --home 192.0.2.10 -- intervals esp-null

stack equal plain
stack shuffled plain shuffle=1
stack clock-an-hour-ahead plain clock=3600
stack clock-a-second-behind plain clock=-1
stack level-of-3.2 late
stack provider tls provider
stack certificate-differs tls field=SMF119SC_TLS_SCert_Key_Len=0400
stack counter-differs plain add=SMF119SC_SAInBytes=100000@0
stack headers-counted many headers=40
stack another-cipher tls field=SMF119SC_TLS_Neg_Cipher=C3F0F3F04040
stack not-protected tls unprotected@0
stack dropped plain drop=2
stack doubled plain double=0
stack end-before-start plain field=SMF119SC_SAETime=00000001@2
stack counter-falls plain field=SMF119SS_SAEndLifeInBytes=0000000000000000@7
stack address-unknown plain field=SMF119SC_SALIP=0A010101000000000000000000000000 field=SMF119SS_SASrvIP=0A010101000000000000000000000000
