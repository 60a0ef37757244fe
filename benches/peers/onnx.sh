#!/usr/bin/env bash
# candor's embedded engine against its peers on the same weights and the same machine, in one run: Transformers (fp32), optimum's export and
# onnxruntime-genai. Prints a table and ratios in Markdown.
# Usage, after `cargo build --release`: benches/peers/onnx.sh DIR [MODEL]
# DIR is a folder of ../shared/tools/chat_models.sh: DIR/venv has the peers, from PyPI; DIR/MODEL (qwen unless another is named) the layouts hf,
# optimum, genai-fp32 and genai-int4. A layout that is not there is left out. THREADS sets threads for all (all cores), CANDOR the binary.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=${1:?a folder made by chat_models.sh} model=${2:-qwen}
export CANDOR=${CANDOR:-target/release/candor} THREADS=${THREADS:-$(nproc)}
[[ -x $CANDOR ]] || { echo "there is no $CANDOR; build it with cargo build --release" >&2; exit 5; }
out=$(mktemp -d); trap 'rm -rf "$out"' EXIT
measure() { # NAME ENGINE LAYOUT [WEIGHTS]
  local folder=$dir/$model/$3
  [[ -s $folder/config.json || -s $folder/genai_config.json ]] || { echo "left out: $1, there is no $folder" >&2; return; }
  echo "measuring $1" >&2
  "$dir/venv/bin/python" benches/peers/onnx.py "$2" "$folder" "${@:4}" 2>"$out/log" | tail -1 >"$out/$1.json" || { tail -3 "$out/log" >&2; rm -f "$out/$1.json"; echo "left out: $1 failed" >&2; }
}
measure candor candor hf
measure candor-bf16 candor hf-bf16
measure candor-int8 candor hf int8
measure candor-int4 candor hf int4
measure candor-optimum candor optimum
measure transformers transformers hf
measure optimum optimum optimum
measure genai-fp32 genai genai-fp32
measure genai-int4 genai genai-int4
echo "$model, $THREADS threads, $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $("$CANDOR" --version), $(date -u +%F)"
"$dir/venv/bin/python" - "$out" <<'P'
import json, pathlib, sys
seen = {f.stem: json.loads(f.read_text()) for f in pathlib.Path(sys.argv[1]).glob("*.json") if f.stat().st_size}
columns = ["load_seconds", "peak_mib", "decode", "prefill_seconds", "mixed", "equal"]
print("\n| engine | load s | peak MiB | decode tok/s | prefill 512 s | 64 mixed tok/s | 64 equal tok/s |\n|---|---|---|---|---|---|---|")
for name, found in seen.items():
    print("|", name, "|", " | ".join(f"{found[c]:.2f}" if c in found else "" for c in columns), "|")
print("\n| work | candor against | ratio (above 1: candor is faster) |\n|---|---|---|")
def ratio(what, own, peers, column, lower=False):
    peers = [p for p in peers if column in seen.get(p, {})]
    if own in seen and peers:
        best = (min if lower else max)(peers, key=lambda p: seen[p][column])
        a, b = seen[own][column], seen[best][column]
        print(f"| {what} | {best} | {b / a if lower else a / b:.2f} |")
ratio("load to first token", "candor", ["candor-optimum"], "load_seconds", True)
ratio("peak memory", "candor", ["candor-optimum"], "peak_mib", True)
ratio("decode, fp32", "candor", ["genai-fp32"], "decode")
ratio("decode, fp32", "candor", ["transformers"], "decode")
ratio("decode, int4", "candor-int4", ["genai-int4"], "decode")
ratio("prefill 512, fp32", "candor", ["optimum", "genai-fp32"], "prefill_seconds", True)
for kind in ("mixed", "equal"):
    ratio(f"64 requests, {kind}, fp32", "candor", ["genai-fp32"], kind)
    ratio(f"64 requests, {kind}, int4", "candor-int4", ["genai-int4"], kind)
P
