# Captures of IKE, ESP and AH between two strongSwan daemons in network
# namespaces. A case's make.sh sources this file, sets the variables below and
# calls make_ipsec_capture.
#
#   version=1|2  auth=psk|rsa  aggressive=yes  nat=yes  fragment=yes
#   proposal=... other_proposal=...   of IKE; the responder's, if it differs
#   protocol=esp|ah  child=...  mode=tunnel|transport
#   seconds=N         how long traffic goes on
#
# Needs: strongswan-charon strongswan-swanctl strongswan-pki
# libcharon-extra-plugins libstrongswan-standard-plugins
# libstrongswan-extra-plugins iproute2 iptables ethtool
# tcpdump openssl python3, the right to make network namespaces, and a kernel
# with ESP and AH. Where the kernel has none (those of small virtual machines
# often have not) the Debian package user-mode-linux supplies one.
set -euo pipefail

case_dir=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
lib_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=2 auth=psk aggressive=no nat=no fragment=no
proposal=aes256-sha256-modp2048 other_proposal=
protocol=esp child=aes256gcm16 mode=tunnel seconds=1

kernel_has_ipsec() {
    modprobe -a esp4 ah4 2>/dev/null || true
    unshare -n sh -c 'ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x101 mode transport \
        enc "cbc(aes)" 0x00112233445566778899aabbccddeeff \
        auth "hmac(sha256)" 0x0011223344556677889900112233445566778899001122334455667788990011' 2>/dev/null
}

make_ipsec_capture() {
    local settings
    settings=$(printf '%s=%q ' version "$version" auth "$auth" aggressive "$aggressive" nat "$nat" \
        fragment "$fragment" proposal "$proposal" other_proposal "${other_proposal:-$proposal}" \
        protocol "$protocol" child "$child" mode "$mode" seconds "$seconds")
    if [ "$(id -u)" != 0 ]; then
        echo "network namespaces have to be made: run this as root" >&2
        exit 1
    fi
    if kernel_has_ipsec; then
        env $settings bash "$lib_dir/ipsec_peers.sh" "$case_dir/capture.pcap"
    elif command -v linux.uml >/dev/null; then
        in_user_mode_linux "$settings"
    else
        echo "the kernel $(uname -r) has neither ESP nor AH, and user-mode-linux is not installed:" \
            "this capture cannot be made here" >&2
        exit 1
    fi
}

# The machine's own files as root file system, a kernel of its own.
in_user_mode_linux() { # settings
    local dir=/var/tmp/ipsec-case.$$
    mkdir -p "$dir" /lib/modules
    cat >"$dir/init" <<INIT
#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
mount -t tmpfs dev /dev
for d in "null 1 3" "zero 1 5" "random 1 8" "urandom 1 9" "tty 5 0"; do
    set -- \$d
    mknod -m 666 /dev/\$1 c \$2 \$3
done
ln -s /proc/self/fd /dev/fd
mkdir -p /run/netns
mount -t hostfs none /lib/modules -o /usr/lib/uml/modules
modprobe -a xfrm_user esp4 esp6 ah4 ah6 tunnel4 xfrm4_tunnel veth bridge iptable_nat xt_MASQUERADE 2>/dev/null
ip link set lo up
env $1 bash $lib_dir/ipsec_peers.sh $dir/capture.pcap >$dir/log 2>&1
sync
poweroff -f
INIT
    chmod 755 "$dir/init"
    timeout 300 linux.uml mem=768M root=/dev/root rootfstype=hostfs rw quiet con=null con0=null,fd:1 \
        "init=$dir/init" </dev/null >"$dir/console" 2>&1 || true
    if ! mv "$dir/capture.pcap" "$case_dir/capture.pcap"; then
        cat "$dir/console" "$dir/log" >&2
        exit 1
    fi
    cat "$dir/log"
    rm -rf "$dir"
}
