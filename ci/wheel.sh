#!/usr/bin/env bash
# Builds the wheel from the release build, and uses it as a stranger would: in an empty environment, in an empty folder, with nothing in
# PATH but that environment. The wheel stays in target/wheels.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=$(command -v python3 || command -v python)
scripts=bin
if [[ ${OS:-} == Windows_NT ]]; then scripts=Scripts; fi

bash ci/wheel-data.sh
"$python" -m venv "$work/tools"
"$work/tools/$scripts/python" -m pip install --quiet 'maturin>=1.9,<2'
rm -f target/wheels/candor_audit-*.whl
# The same profile and flags as `cargo build --locked --release`, so that nothing is compiled twice.
"$work/tools/$scripts/maturin" build --release --locked --out target/wheels ${CANDOR_MATURIN_FLAGS:-}

"$python" -m venv "$work/venv"
SECONDS=0
"$work/venv/$scripts/python" -m pip install --quiet target/wheels/candor_audit-*.whl
echo "installed in $SECONDS s"

mkdir -p "$work/empty/models"
cp -r models/open "$work/empty/models/"
(
  cd "$work/empty"
  # No compiler, and no library or classifier but those of the environment.
  export PATH="$work/venv/$scripts" CANDOR_HOME="$work/home"
  unset ORT_DYLIB_PATH CANDOR_LABELLER LD_LIBRARY_PATH
  said=$(candor doctor) || { echo "$said"; exit 1; }
  echo "$said"
  [[ $said == *venv*onnxruntime*capi* ]] || { echo "the environment's ONNX Runtime was not found"; exit 1; }
  [[ $said == *venv*share*candor*labeller* ]] || { echo "the wheel's classifier was not found"; exit 1; }
  SECONDS=0
  candor demo
  [[ -s candor-demo/report.html ]]
  echo "demo in $SECONDS s"
  candor run -m onnx:models/open -s facts --limit 20 -o run
)
