#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")"
python3 ../lib/mutate.py ../tls12-full/capture.pcap capture.pcap nanos pad80
