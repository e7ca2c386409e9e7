#!/usr/bin/env bash
# Makes captures of one content in all formats that are read: by Wireshark's editcap where
# it writes one, else by formats.py. source.pcap holds two TLS connections and one of SSH.
set -euo pipefail
cd "$(dirname "$0")"
mergecap -F pcap -w source.pcap ../../captures/tls12-unknown-ca/capture.pcap \
    ../../captures/tls12-no-shared-cipher/capture.pcap \
    ../../captures/ssh-no-common-cipher/capture.pcap
for format in snoop netmon1 netmon2 ngwsniffer_1_1 ngwsniffer_2_0 ngsniffer nettl \
    modpcap nokiapcap rh6_1pcap suse6_3pcap nsecpcap pcapng; do
    editcap -F "$format" source.pcap "$format.cap"
done
python3 formats.py source.pcap .
