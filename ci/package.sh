#!/usr/bin/env bash
# The crate as it would be published stays below the registry's limit of 10 MB.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo package --locked --allow-dirty --no-verify
crate=$(ls -t target/package/candor-*.crate | head -n 1)
bytes=$(wc -c < "$crate")
echo "$crate: $bytes bytes"
if (( bytes >= 10000000 )); then
  echo "a crate may have at most 10 MB: see 'include' in Cargo.toml, and 'cargo package --list'"
  exit 1
fi
