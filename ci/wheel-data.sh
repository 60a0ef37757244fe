#!/usr/bin/env bash
# Puts the offline classifier where maturin takes the wheel's data from.
set -euo pipefail
cd "$(dirname "$0")/.."
data=wheel/candor_audit.data/data/share/candor/labeller
mkdir -p "$data"
cp models/labeller/*.zst "$data/"
