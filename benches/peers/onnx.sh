#!/usr/bin/env bash
# candor's embedded engine against its peers on the same weights and the same machine, in one run: Transformers (fp32), optimum's export and
# onnxruntime-genai. Prints a row of a Markdown table for each engine as it is done, then ratios. Half an hour on two cores for a model of half a
# billion weights, on a machine that does nothing else.
# Usage, after `cargo build --release`: benches/peers/onnx.sh DIR [MODEL]
# DIR is a folder of ../shared/tools/chat_models.sh: DIR/venv has the peers, from PyPI; DIR/MODEL (qwen unless another is named) the layouts hf,
# hf-bf16, optimum, genai-fp32 and genai-int4. A layout that is not there is left out. THREADS sets threads for all (all cores), CANDOR the binary, LIMIT
# the seconds that one engine has (540; what it has measured until then counts). ALL=1 measures bf16 and int8 weights too. Sizes: see engines.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=${1:?a folder made by chat_models.sh} model=${2:-qwen}
export CANDOR=${CANDOR:-target/release/candor} THREADS=${THREADS:-$(nproc)}
[[ -x $CANDOR ]] || { echo "there is no $CANDOR; build it with cargo build --release" >&2; exit 5; }
python=$dir/venv/bin/python
[[ -x $python ]] || { echo "there is no $python; make $dir with chat_models.sh" >&2; exit 5; }
out=$(mktemp -d); trap 'rm -rf "$out"' EXIT
row() { # NAME
  "$python" - "$out/$1.json" "$1" <<'P'
import json, pathlib, sys
lines = pathlib.Path(sys.argv[1]).read_text().splitlines()
if lines:
    found = json.loads(lines[-1])
    columns = ["load_seconds", "peak_mib", "decode", "prefill_seconds", "mixed", "equal", "choice_seconds", "choice_seconds_unshared"]
    print("|", sys.argv[2], "|", " | ".join(f"{found[c]:.2f}" if c in found else "" for c in columns), "|", flush=True)
P
}
measure() { # NAME ENGINE LAYOUT WORK [WEIGHTS]
  local name=$1 engine=$2 folder=$dir/$model/$3
  [[ -s $folder/config.json || -s $folder/genai_config.json ]] || { echo "left out: $name, there is no $folder" >&2; return 0; }
  echo "$(date +%T) measuring $name" >&2
  local code=0
  timeout "${LIMIT:-540}" "$python" benches/peers/engines.py "$engine" "$folder" "${@:4}" >"$out/$name.json" 2>"$out/log" || code=$?
  [[ $code == 0 ]] || { tail -3 "$out/log" >&2; echo "$name ended with $code (124: its time was over)" >&2; }
  row "$name"
}
echo "$model, $THREADS threads, $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $("$CANDOR" --version), $(date -u +%F)"
echo
echo "| engine | load s | peak MiB | decode tok/s | prefill s | mixed tok/s | equal tok/s | choices, s per question | nothing shared |"
echo "|---|---|---|---|---|---|---|---|---|"
measure candor candor hf load,decode,prefill,mixed,equal,choices
measure candor-int4 candor hf load,decode,prefill,mixed,equal int4
measure genai-int4 genai genai-int4 decode,prefill,mixed,equal
measure genai-fp32 genai genai-fp32 decode,prefill,mixed,equal
measure transformers transformers hf decode,prefill,choices
measure candor-optimum candor optimum load,decode,prefill
measure optimum optimum optimum decode,prefill
if [[ -n ${ALL:-} ]]; then
  measure candor-bf16 candor hf-bf16 load,decode,prefill,mixed,equal
  measure candor-int8 candor hf load,decode,prefill,mixed,equal int8
fi
"$python" - "$out" <<'P'
import json, pathlib, sys
texts = {f.stem: f.read_text().splitlines() for f in pathlib.Path(sys.argv[1]).glob("*.json")}
seen = {name: json.loads(lines[-1]) for name, lines in texts.items() if lines}
print("\n| work | candor against | ratio (above 1: candor is faster, or smaller) |\n|---|---|---|")
def ratio(what, own, peers, column, lower=False, ours=None):
    peers = [p for p in peers if column in seen.get(p, {})]
    if (ours or column) in seen.get(own, {}) and peers:
        best = (min if lower else max)(peers, key=lambda p: seen[p][column])
        a, b = seen[own][ours or column], seen[best][column]
        batch = f", batches of {seen[best]['batch']}" if column in ("mixed", "equal") and "batch" in seen[best] else ""
        print(f"| {what} | {best}{batch} | {b / a if lower else a / b:.2f} |")
ratio("load to first token", "candor", ["candor-optimum"], "load_seconds", True)
ratio("peak memory", "candor", ["candor-optimum"], "peak_mib", True)
ratio("decode, fp32", "candor", ["genai-fp32"], "decode")
ratio("decode, fp32", "candor", ["transformers"], "decode")
ratio("decode, fp32", "candor", ["optimum"], "decode")
ratio("decode, int4", "candor-int4", ["genai-int4"], "decode")
ratio("prefill, fp32", "candor", ["optimum", "genai-fp32"], "prefill_seconds", True)
ratio("prefill, int4", "candor-int4", ["genai-int4"], "prefill_seconds", True)
for kind in ("mixed", "equal"):
    ratio(f"requests at once, {kind}, fp32", "candor", ["genai-fp32"], kind)
    ratio(f"requests at once, {kind}, int4", "candor-int4", ["genai-int4"], kind)
ratio("choices after five shots", "candor", ["transformers"], "choice_seconds", True)
own = seen.get("candor", {})
if {"choice_seconds", "choice_seconds_unshared"} <= own.keys():
    print(f"| choices after five shots | candor, nothing shared | {own['choice_seconds_unshared'] / own['choice_seconds']:.2f} |")
P
