#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")"
python3 ../lib/mutate.py ../tls12-unknown-ca/capture.pcap capture.pcap first 8
