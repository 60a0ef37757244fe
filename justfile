# Conveniences. Everything here is plain cargo; `just` is needed for none of it.

# What CI runs.
ci:
    bash .ci/run

# Unit tests only: seconds.
quick:
    cargo test --lib

# How often intervals and gates are right, where the truth is known (two minutes); prints the tables of docs/statistics.md.
simulate:
    cargo test --test it simulate -- --include-ignored --nocapture --test-threads=1

# A plan in four parts on a Slurm of its own on this machine, one of them killed and requeued (a minute; root, slurmctld, slurmd and munge).
slurm:
    cargo build
    bash ci/slurm.sh target/debug/candor

# Twenty kills of one run of 5,000 trials at random instants: every trial once (the ordinary test makes five, of 400).
kills:
    CANDOR_KILLS=20 CANDOR_KILL_TRIALS=5000 cargo test --test it store::a_run_killed

# A million trials through `compare` and `gate`, a hundred thousand through `report`, two hundred thousand through `view`.
million:
    cargo build --release
    cargo test --test it scale:: -- --ignored --nocapture --test-threads=1

# Fuzzes every reader of foreign bytes, each for so many seconds (two at a time; needs `cargo install cargo-fuzz`). A crash stops it and names its input.
fuzz seconds="600":
    bash fuzz/run.sh {{seconds}}

# What is held of a server's limit of 200 requests in flight, and how fast a limit that halves is followed: a minute and a half.
limiter:
    cargo test --release --test it -- --ignored --nocapture limiter::

# Conversations with servers that others have written: LiteLLM, llama-cpp-python, llama.cpp, Prism (installed on first use: 1.5 GB, some minutes).
live:
    cargo test --test it -- --nocapture live::

# Chat requests against a static nginx on loopback, beside lm-evaluation-harness and Inspect (ten minutes, 2 GB of packages).
http:
    cargo build --release
    bash benches/peers/http.sh

# A first report.
demo:
    cargo run --release -- demo

# A real pretrained model (Gemma 3 270M, made from packages on PyPI, ten minutes and 14 GB outside the checkout) against Transformers.
real-model dir=(home_directory() / ".cache/candor-real-model"):
    bash ../shared/tools/real_model.sh {{dir}}
    python3 tests/real_model/prompts.py
    test -s {{dir}}/reference.json || HF_HUB_OFFLINE=1 {{dir}}/venv/bin/python tests/fixtures/models/reference.py {{dir}}/hf tests/real_model/prompts.json {{dir}}/reference.json 64
    test -s {{dir}}/reference-genai.json || HF_HUB_OFFLINE=1 {{dir}}/venv/bin/python tests/fixtures/models/reference.py {{dir}}/hf tests/real_model/prompts.json {{dir}}/reference-genai.json 64 25.3
    CANDOR_REAL_MODEL={{dir}} cargo test --test it -- --ignored --nocapture real_model

# Two real chat models (Qwen2.5-Coder 0.5B and SmolLM2 135M, made from packages on PyPI, 15 minutes and 20 GB outside the checkout) as they are published,
# in single precision and in bfloat16, against Transformers.
chat-models dir=(home_directory() / ".cache/candor-chat-models"):
    bash ../shared/tools/chat_models.sh {{dir}}
    python3 tests/real_model/prompts.py
    python3 tests/real_model/items.py {{dir}}/items.json 3
    for folder in {{dir}}/smollm/hf {{dir}}/smollm/hf-bf16 {{dir}}/qwen/hf {{dir}}/qwen/hf-bf16; do test -s $folder-items.json || HF_HUB_OFFLINE=1 {{dir}}/venv/bin/python tests/fixtures/models/reference.py $folder {{dir}}/items.json $folder-items.json 0; done
    for folder in {{dir}}/smollm/hf {{dir}}/qwen/hf; do test -s $folder-reference.json || HF_HUB_OFFLINE=1 {{dir}}/venv/bin/python tests/fixtures/models/reference.py $folder tests/real_model/prompts.json $folder-reference.json 64; done
    CANDOR_CHAT_MODELS={{dir}} cargo test --test it -- --ignored --nocapture published_chat_models

# Train the two demo models anew (twenty minutes).
demo-models:
    python3 -m venv .venv && .venv/bin/pip install -q -r models/train/requirements.txt
    .venv/bin/python models/train/train.py

# Where the key facts of audit/sensitive-history are found in real answers on something else (five minutes); prints the table of the suite's ROWS.md.
unrelated:
    cargo test --test it unrelated -- --ignored --nocapture

# candor beside lm-evaluation-harness on the same weights (a venv with lm-eval 0.4.13, torch and transformers; ten minutes on two cores):
# multiple choice, greedy answers, perplexity.
beside-lm-eval model venv out="/tmp/beside-lm-eval":
    cargo build
    {{venv}}/bin/python tests/real_model/beside_lm_eval.py {{model}} {{out}} target/debug/candor

# Every task of lm-evaluation-harness that needs no Python, two made-up documents of each, against a local mock: time and memory.
every-task tasks:
    CANDOR_LM_EVAL_TASKS={{tasks}} cargo test --test it every_task -- --ignored --nocapture

# OpenAI's own client and lm-evaluation-harness, installed from PyPI, against `candor serve` (some minutes, 1 GB).
clients:
    cargo test --test it -- --ignored --nocapture clients::

# The embedded engine against Transformers, optimum and onnxruntime-genai on the same weights (an hour, on a machine that does nothing else).
peers-onnx dir=(home_directory() / ".cache/candor-chat-models") model="qwen":
    bash ../shared/tools/chat_models.sh {{dir}}
    cargo build --release
    bash benches/peers/onnx.sh {{dir}} {{model}}
