#!/usr/bin/env bash
# Two gateways, a wire between them, and a capture of the wire: see ipsec.sh,
# which sets the variables. usage: CAPTURE
set -euo pipefail
out=$1
dir=$(mktemp -d)
initiator=10.99.0.1 responder=10.99.0.2
pids=()

cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    sleep 1
    for ns in zt-i zt-r zt-wire; do ip netns del "$ns" 2>/dev/null || true; done
    rm -rf "$dir"
}
trap cleanup EXIT

link() { # namespace, device, address
    ip link add "$2" netns "$1" type veth peer name "w$2" netns zt-wire
    for end in "$1 $2" "zt-wire w$2"; do
        # shellcheck disable=SC2086
        set -- $end "$3"
        ip netns exec "$1" ethtool -K "$2" tx off tso off gso off gro off >/dev/null 2>&1 || true
        ip -n "$1" link set "$2" up
    done
}

network() {
    for ns in zt-i zt-r zt-wire; do
        ip netns add "$ns"
        ip -n "$ns" link set lo up
    done
    link zt-i i0 -
    link zt-r r0 -
    if [ "$nat" = yes ]; then
        responder=198.51.100.2
        ip -n zt-wire addr add 10.99.0.254/24 dev wi0
        ip -n zt-wire addr add 198.51.100.1/24 dev wr0
        ip -n zt-i addr add $initiator/24 dev i0
        ip -n zt-r addr add $responder/24 dev r0
        ip -n zt-i route add default via 10.99.0.254
        ip -n zt-r route add default via 198.51.100.1
        ip netns exec zt-wire sysctl -qw net.ipv4.ip_forward=1
        ip netns exec zt-wire iptables-legacy -t nat -A POSTROUTING -o wr0 -j MASQUERADE --random
    else
        ip -n zt-wire link add br0 type bridge
        ip -n zt-wire link set wi0 master br0
        ip -n zt-wire link set wr0 master br0
        ip -n zt-wire link set br0 up
        ip -n zt-i addr add $initiator/24 dev i0
        ip -n zt-r addr add $responder/24 dev r0
        ip -n zt-i route add default via $responder
        ip -n zt-r route add default via $initiator
    fi
    ip -n zt-i addr add 10.1.0.1/32 dev lo
    ip -n zt-r addr add 10.2.0.1/32 dev lo
}

keys() {
    (cd "$dir" && pki --gen --type rsa --size 2048 --outform pem >ca.key
        pki --self --ca --in ca.key --dn "C=DE, O=Example, CN=CA" --outform pem >ca.crt
        for name in i r; do
            pki --gen --type rsa --size 2048 --outform pem >$name.key
            pki --pub --in $name.key | pki --issue --cacert ca.crt --cakey ca.key \
                --dn "C=DE, O=Example, CN=$name.example.com" --san $name.example.com --outform pem >$name.crt
        done) 2>/dev/null
}

# A daemon with a /run of its own, so that two can live side by side.
daemon() { # i or r, own address, other address, own traffic, other's traffic
    local name=$1 other=r d=$dir/$1 credentials secrets="" offered=$proposal
    [ "$name" = i ] || { other=i; offered=$other_proposal; }
    mkdir -p "$d"/{x509,x509ca,private}
    cat >"$d/strongswan.conf" <<CONF
charon {
  # Only what is needed: Debian's set also lets traffic of the own network pass by.
  load = random nonce openssl aes des sha1 sha2 md5 hmac gcm curve25519 chapoly gmp kdf pem pkcs1 pkcs8 x509 constraints pubkey revocation kernel-netlink socket-default vici
  install_routes = no
  i_dont_care_about_security_and_use_aggressive_mode_psk = yes
  fragment_size = $([ "$fragment" = yes ] && echo 512 || echo 1280)
  retransmit_tries = 2
  retransmit_timeout = 1.0
  plugins {
    vici {
      socket = unix://$d/vici
    }
    openssl {
      load_legacy = yes
    }
  }
}
CONF
    if [ "$auth" = rsa ]; then
        cp "$dir/$name.crt" "$d/x509/"
        cp "$dir/ca.crt" "$d/x509ca/"
        cp "$dir/$name.key" "$d/private/"
        credentials="local { auth = pubkey
            certs = $name.crt
            id = $name.example.com }
            remote { auth = pubkey
            id = $other.example.com }"
    else
        secrets='secrets { ike { secret = "a secret of both" } }'
        if [ "$version" = 1 ] && [ "$aggressive" = no ]; then
            # Main mode finds the key by address.
            credentials="local { auth = psk
            }
            remote { auth = psk
            }"
        else
            credentials="local { auth = psk
            id = $name.example.com }
            remote { auth = psk
            id = $other.example.com }"
        fi
    fi
    cat >"$d/swanctl.conf" <<CONF
connections {
  gateway {
    version = $version
    aggressive = $aggressive
    local_addrs = $2
    remote_addrs = $([ "$nat" = yes ] && [ "$name" = r ] && echo %any || echo "$3")
    proposals = $offered
    mobike = no
    fragmentation = $([ "$fragment" = yes ] && echo force || echo yes)
    $credentials
    children {
      net {
        mode = $mode
        ${protocol}_proposals = $child
        local_ts = $4
        remote_ts = $5
      }
    }
  }
}
$secrets
CONF
    ip netns exec "zt-$name" unshare -m sh -c "mount -t tmpfs run /run; STRONGSWAN_CONF=$d/strongswan.conf exec /usr/lib/ipsec/charon" >"$d/log" 2>&1 &
    pids+=($!)
    for _ in $(seq 100); do
        [ -S "$d/vici" ] && break
        sleep 0.2
    done
    control "$name" --load-all >/dev/null
}

control() { # i or r, swanctl's arguments
    local d=$dir/$1
    shift
    STRONGSWAN_CONF=$d/strongswan.conf SWANCTL_DIR=$d swanctl "$@" --uri "unix://$d/vici" 2>/dev/null
}

# A clear connection and a TLS one, inside.
traffic() { # client, server
    openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=inner.example.com -keyout "$dir/tls.key" -out "$dir/tls.crt" 2>/dev/null
    ip netns exec zt-r openssl s_server -accept "$2:8443" -cert "$dir/tls.crt" -key "$dir/tls.key" -quiet -www >/dev/null 2>&1 &
    pids+=($!)
    ip netns exec zt-r python3 -m http.server --bind "$2" 8000 --directory "$dir" >/dev/null 2>&1 &
    pids+=($!)
    for port in 8000 8443; do
        until ip netns exec zt-r ss -Hltn "sport = :$port" | grep -q LISTEN; do sleep 0.5; done
    done
    ip netns exec zt-i python3 - "$1" "$2" "$seconds" <<'PY'
import socket, ssl, sys, time
own, other, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
for port in 8000, 8443:
    peer = socket.create_connection((other, port), 10, (own, 0))
    if port == 8443:
        peer = context.wrap_socket(peer)
    time.sleep(seconds)
    peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
    while peer.recv(4096):
        pass
    peer.close()
PY
}

network
[ "$auth" = psk ] || keys
# What the responder sees; behind a translator that is the wire's other side.
ip netns exec zt-wire tcpdump -q -i wr0 -s 0 -U -w "$dir/out.pcap" 'ip and not igmp' 2>/dev/null &
tap=$!
pids+=($tap)
sleep 1
inner_i=dynamic inner_r=dynamic from=$initiator to=$responder
if [ "$mode" = tunnel ]; then
    inner_i=10.1.0.1/32 inner_r=10.2.0.1/32 from=10.1.0.1 to=10.2.0.1
fi
daemon r "$responder" "$initiator" $inner_r $inner_i
daemon i "$initiator" "$responder" $inner_i $inner_r
if control i --initiate --child net --timeout 15; then
    traffic $from $to
    control i --terminate --ike gateway >/dev/null || true
fi
sleep 1
kill -INT $tap
sleep 0.5
cp "$dir/out.pcap" "$out"
