#!/usr/bin/env bash
# candor's graphs of published weights on one NVIDIA GPU: held against the CPU in single precision, decode in per cent of the memory's bandwidth, 64
# requests at once and scored choices against PyTorch. Ends within ten minutes on a bare machine; downloads nothing.
# Usage: benches/gpu/run.sh [ENV_FILE]
# ENV_FILE exports ORT_DYLIB_PATH (ONNX Runtime with CUDA) and LD_LIBRARY_PATH (CUDA's libraries), as ../shared/tools/gpu_parts.sh leaves them in
# /tmp/gpu/env.sh, with the binary beside it in /tmp/gpu/candor. CANDOR names another binary. Python with PyTorch must be there; models are made here,
# of random weights in the shape of Qwen2.5 0.5B.
set -euo pipefail
cd "$(dirname "$0")/../.."
environment=${1:-/tmp/gpu/env.sh}
# shellcheck disable=SC1090
source "$environment"
export CANDOR=${CANDOR:-$(dirname "$environment")/candor} ORT_DYLIB_PATH LD_LIBRARY_PATH
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader
"$CANDOR" --version
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
CANDOR_HOME=$work timeout 570 python3 benches/gpu/measure.py "$work" tests/fixtures/models/llama-optimum
