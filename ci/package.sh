#!/usr/bin/env bash
# Both crates as they would be published: candor stays below the registry's limit of 10 MB.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo package --workspace --locked --allow-dirty --no-verify
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
for name in candor-stats candor; do
  crate=target/package/$name-$version.crate
  bytes=$(wc -c < "$crate")
  echo "$crate: $bytes bytes"
  if (( bytes >= 10000000 )); then
    echo "a crate may have at most 10 MB: see 'include' in Cargo.toml, and 'cargo package --list'"
    exit 1
  fi
done
