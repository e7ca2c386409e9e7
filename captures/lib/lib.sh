# Helpers for the scripts that make the cases. A case's make.sh sources this
# file, talks to real programs over the loopback interface while tcpdump
# listens, and leaves capture.pcap beside itself.
#
# Needs: openssl, tcpdump, python3, and the right to capture.
set -euo pipefail

case_dir=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
lib_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
port=${port:-44330}
pids=()

cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap cleanup EXIT

# Keys and certificates: an RSA and an ECDSA server, a client, a CA.
make_certificates() {
    local days=3650
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/ca.key" -out "$work/ca.pem" \
        -subj "/C=DE/O=Example Sysplex/CN=Example CA" -days $days -sha256 2>/dev/null
    issue rsa rsa:2048 "/C=DE/O=Example Sysplex/OU=LPAR1/CN=zos.example.com"
    issue client rsa:3072 "/C=DE/O=Example Sysplex/OU=Partners/CN=client.example.com"
    openssl ecparam -name secp384r1 -genkey -noout -out "$work/ecdsa.key" 2>/dev/null
    openssl req -new -key "$work/ecdsa.key" -subj "/C=DE/O=Example Sysplex/CN=ec.example.com" \
        -out "$work/ecdsa.csr" 2>/dev/null
    openssl x509 -req -in "$work/ecdsa.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" \
        -CAcreateserial -days $days -sha384 -out "$work/ecdsa.pem" 2>/dev/null
}

issue() { # name, key, subject
    openssl req -newkey "$2" -nodes -keyout "$work/$1.key" -subj "$3" -out "$work/$1.csr" 2>/dev/null
    openssl x509 -req -in "$work/$1.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" \
        -CAcreateserial -days 3650 -sha256 -out "$work/$1.pem" 2>/dev/null
}

start_capture() { # filter
    tcpdump -q -i lo -U -s 0 --immediate-mode -w "$work/capture.pcap" "${1:-tcp port $port}" 2>"$work/tcpdump.log" &
    tcpdump_pid=$!
    pids+=("$tcpdump_pid")
    for _ in $(seq 50); do
        grep -q "listening on" "$work/tcpdump.log" && return
        sleep 0.1
    done
    cat "$work/tcpdump.log" >&2
    exit 1
}

stop_capture() { # [file]
    sleep 0.5
    kill -INT "$tcpdump_pid"
    wait "$tcpdump_pid" 2>/dev/null || true
    cp "$work/capture.pcap" "${1:-$case_dir/capture.pcap}"
}

start_server() { # s_server options
    openssl s_server -accept "127.0.0.1:$port" "$@" >"$work/server.log" 2>&1 < <(exec sleep 60) &
    pids+=($!)
    wait_for_port
}

# The server sends what it reads; with -www it answers like a web server.
wait_for_port() {
    for _ in $(seq 50); do
        if grep -q "$(printf ':%04X 00000000:0000 0A' "$port")\|$(printf ':%04X 00000000000000000000000000000000:0000 0A' "$port")" /proc/net/tcp /proc/net/tcp6; then return; fi
        sleep 0.1
    done
    cat "$work/server.log" >&2
    exit 1
}

request() { # s_client options; sends one request and reads the answer
    printf 'GET / HTTP/1.0\r\n\r\n' |
        timeout 10 openssl s_client -connect "127.0.0.1:$port" -ign_eof "$@" >"$work/client.log" 2>&1 || true
}

# An OpenSSH server with one host key, and a client that gets as far as
# authentication. sshd options are words like KexAlgorithms=...
start_sshd() { # key type, key bits, sshd options...
    local type=$1 bits=$2
    shift 2
    ssh-keygen -q -t "$type" -b "$bits" -N '' -f "$work/host"
    local options=()
    for o in "$@"; do options+=(-o "$o"); done
    mkdir -p /run/sshd
    touch "$work/server.log"
    "$(command -v sshd || echo /usr/sbin/sshd)" -D -e -f /dev/null -h "$work/host" -p "$port" \
        -o ListenAddress=127.0.0.1 -o "PidFile=$work/pid" -o UsePAM=no "${options[@]}" 2>"$work/server.log" &
    pids+=($!)
    wait_for_port
}

ssh_client() { # ssh options
    local options=()
    for o in "$@"; do options+=(-o "$o"); done
    timeout 10 ssh -p "$port" -o BatchMode=yes -o StrictHostKeyChecking=no -o "UserKnownHostsFile=$work/known" \
        -o IdentityFile=/dev/null -o IdentitiesOnly=yes "${options[@]}" nobody@127.0.0.1 true 2>"$work/client.log" || true
}

# s_client's own negotiation, and a line through the tunnel.
starttls_client() { # protocol, s_client options
    local protocol=$1
    shift
    printf 'QUIT\r\n' | timeout 10 openssl s_client -connect "127.0.0.1:$port" -starttls "$protocol" -crlf "$@" \
        >"$work/client.log" 2>&1 || true
}

start_dovecot() { # imap or pop3
    chmod 755 "$work"
    cat >"$work/dovecot.conf" <<CONF
protocols = $1
base_dir = $work/dovecot
log_path = $work/server.log
listen = 127.0.0.1
ssl = required
ssl_cert = <$work/rsa.pem
ssl_key = <$work/rsa.key
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=$work
}
service $1-login {
  inet_listener $1 {
    port = $port
  }
  inet_listener ${1}s {
    port = 0
  }
}
CONF
    touch "$work/server.log"
    dovecot -F -c "$work/dovecot.conf" >"$work/server.log" 2>&1 &
    pids+=($!)
    wait_for_port
}

# User tester with password secret.
start_proftpd() {
    chmod 755 "$work"
    mkdir -p "$work/home"
    echo hello >"$work/home/hello.txt"
    printf 'tester:%s:65534:65534::%s:/bin/false\n' "$(openssl passwd -6 secret)" "$work/home" >"$work/passwd"
    chmod 600 "$work/passwd"
    cat >"$work/proftpd.conf" <<CONF
LoadModule mod_tls.c
ServerName example
ServerType standalone
DefaultAddress 127.0.0.1
Port $port
PassivePorts 44400 44420
User nobody
Group nogroup
AuthUserFile $work/passwd
AuthOrder mod_auth_file.c
RequireValidShell off
UseReverseDNS off
PidFile $work/proftpd.pid
ScoreboardFile $work/scoreboard
DelayTable none
SystemLog $work/system.log
<IfModule mod_tls.c>
TLSEngine on
TLSLog $work/tls.log
TLSRequired off
TLSRSACertificateFile $work/rsa.pem
TLSRSACertificateKeyFile $work/rsa.key
TLSVerifyClient off
TLSOptions NoSessionReuseRequired
</IfModule>
CONF
    touch "$work/server.log"
    proftpd -n -c "$work/proftpd.conf" >"$work/server.log" 2>&1 &
    pids+=($!)
    wait_for_port
}
