#!/usr/bin/env bash
# Fuzzes every target for so many seconds, JOBS (2) at a time; exit 1 where one crashes. `fuzz/run.sh SECONDS [TARGET…]`
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-600}; shift || true
# Coverage needs an unstable flag of the compiler; the sanitizers need a nightly one, and the crate has no unsafe code.
export RUSTC_BOOTSTRAP=1
targets=("$@"); ((${#targets[@]})) || mapfile -t targets < <(cargo fuzz list)
[[ ${BUILT:-} ]] || cargo fuzz build --sanitizer none
built=$(echo fuzz/target/*/release)
fuzz() {
  mkdir -p "fuzz/corpus/$1" "fuzz/artifacts/$1"
  if "$built/$1" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -max_len=65536 -artifact_prefix="fuzz/artifacts/$1/" "fuzz/corpus/$1" "fuzz/seeds/$1" >"fuzz/corpus/$1.log" 2>&1; then
    echo "$1: no crash in $seconds s; $(grep -oE 'Done [0-9]+ runs' "fuzz/corpus/$1.log")"
  else
    echo "$1: CRASHED; see fuzz/corpus/$1.log and fuzz/artifacts/$1/"; return 1
  fi
}
export -f fuzz; export seconds built
printf '%s\n' "${targets[@]}" | xargs -P "${JOBS:-2}" -I{} bash -c 'fuzz {}'
