#!/usr/bin/env bash
# Packs a release's archive for a target: the binary, the offline classifier beside it, licence and README. `ci/archive.sh TARGET`, after
# `cargo build --profile dist --target TARGET`; the archive goes to target/archives.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$1
name=candor-$target
binary=candor
if [[ $target == *windows* ]]; then binary=candor.exe; fi
mkdir -p target/archives
rm -rf "target/archives/$name"
mkdir -p "target/archives/$name/share/candor/labeller"
cp "target/$target/dist/$binary" README.md CHANGELOG.md LICENSE "target/archives/$name/"
cp models/labeller/*.zst "target/archives/$name/share/candor/labeller/"
cd target/archives
if [[ $target == *windows* ]]; then
  7z a -bso0 "$name.zip" "$name"
else
  tar -czf "$name.tgz" "$name"
fi
rm -rf "$name"
