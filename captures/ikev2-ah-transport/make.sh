#!/usr/bin/env bash
. "$(dirname "$0")/../lib/ipsec.sh"
protocol=ah child=sha256 mode=transport seconds=12
make_ipsec_capture
