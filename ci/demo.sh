#!/usr/bin/env bash
# The release build, timed, and a first report from it.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
time cargo build --locked --release
demo=$(mktemp -d)
trap 'rm -rf "$demo"' EXIT
cd "$demo"
SECONDS=0
"$root/target/release/candor" demo
[[ -s candor-demo/report.html ]]
if (( SECONDS > 60 )); then echo "the demo took $SECONDS s"; exit 1; fi
