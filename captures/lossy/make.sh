#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")"
python3 ../lib/mutate.py ../tls12-large-chain/capture.pcap capture.pcap drop 8
