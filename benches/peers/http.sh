#!/usr/bin/env bash
# Chat requests against a static nginx on loopback, 64 connections: candor, lm-evaluation-harness and Inspect, each as a whole process from
# its start to its report. Then 200,000 requests of candor alone. Prints wall time, peak memory and the ratios.
#
# benches/peers/http.sh [REQUESTS] [MANY]
#   CANDOR  the binary (default: target/release/candor)
#   PEERS   a virtual environment with lm-eval[api], inspect-ai and openai (default: one is made below target/)
set -euo pipefail
cd "$(dirname "$0")/../.."
requests=${1:-5000} many=${2:-200000} connections=64
candor=$(realpath "${CANDOR:-target/release/candor}")
peers=${PEERS:-$PWD/target/peers}
[[ -x $candor ]] || { echo "there is no $candor: cargo build --release, or set CANDOR"; exit 2; }

if ! command -v nginx >/dev/null; then
  apt-get update -qq && apt-get install -y -qq --no-install-recommends nginx-light >/dev/null
fi
if [[ ! -x $peers/bin/lm_eval ]]; then
  python3 -m venv "$peers"
  "$peers/bin/pip" install --quiet 'lm-eval[api]' inspect-ai openai
fi

work=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat > "$work/nginx.conf" <<END
daemon off; worker_processes 1; pid $work/nginx.pid; error_log $work/nginx.log;
events { worker_connections 2048; }
http {
  access_log off; client_body_temp_path $work/body; proxy_temp_path $work/p; fastcgi_temp_path $work/f; uwsgi_temp_path $work/u; scgi_temp_path $work/s;
  keepalive_requests 10000000;
  server {
    listen 127.0.0.1:$port;
    location / {
      default_type application/json;
      return 200 '{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"The answer is 4."}}],"usage":{"prompt_tokens":9,"completion_tokens":6,"total_tokens":15}}';
    }
  }
}
END
nginx -e "$work/nginx.log" -c "$work/nginx.conf" -p "$work" &
server=$!
trap 'kill $server; rm -rf "$work"' EXIT
sleep 1

# The same questions in each one's form.
python3 - "$work" "$requests" "$many" <<'END'
import json, os, sys
work, requests, many = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for n, name in ((requests, "few"), (many, "many")):
    os.makedirs(f"{work}/{name}")
    with open(f"{work}/{name}/suite.yaml", "w") as suite:
        suite.write(f"format: 1\nname: {name}\nversion: '1'\nkind: benchmark\ntitle: Sums\nlicence: CC0-1.0\nsource: this benchmark\nprompt:\n  user: '{{{{ question }}}}'\nscorers: [number]\n")
    with open(f"{work}/{name}/items.jsonl", "w") as items:
        for i in range(n):
            items.write(json.dumps({"id": f"s{i}", "question": f"What is {i} + 4?", "target": 4}) + "\n")
os.makedirs(f"{work}/tasks")
with open(f"{work}/tasks/sums.yaml", "w") as task:
    task.write(f"""task: sums
dataset_path: json
dataset_kwargs: {{data_files: {{test: {work}/few/items.jsonl}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{target}}}}"
generation_kwargs: {{until: [], max_gen_toks: 64, do_sample: false, temperature: 0}}
filter_list:
  - name: number
    filter: [{{function: regex, regex_pattern: "(-?[0-9]+)"}}, {{function: take_first}}]
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
""")
with open(f"{work}/sums.py", "w") as task:
    task.write(f"""from inspect_ai import Task, task
from inspect_ai.dataset import Sample, json_dataset
from inspect_ai.scorer import match
from inspect_ai.solver import generate


@task
def sums():
    rows = json_dataset("{work}/few/items.jsonl", lambda row: Sample(id=row["id"], input=row["question"], target=str(row["target"])))
    return Task(dataset=rows, solver=generate(), scorer=match(numeric=True))
""")
END

# Runs a command to its end: seconds, peak memory in MB of the largest process, exit status.
measured() {
  python3 - "$@" <<'END'
import resource, subprocess, sys, time
started = time.perf_counter()
with open(sys.argv[1], "w") as log:
    status = subprocess.call(sys.argv[2:], stdout=log, stderr=subprocess.STDOUT)
seconds = time.perf_counter() - started
print(f"{seconds:.2f} {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} {status}")
END
}

base=http://127.0.0.1:$port/v1
export HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 OPENAI_API_KEY=none LOCAL_API_KEY=none LOCAL_BASE_URL=$base
cd "$work"
read -r lm_s lm_mb lm_rc < <(measured lm.log "$peers/bin/lm_eval" --model local-chat-completions --apply_chat_template \
  --model_args "model=m,base_url=$base/chat/completions,num_concurrent=$connections,tokenizer_backend=None,max_retries=3" \
  --tasks sums --include_path tasks --output_path lm --log_samples)
read -r in_s in_mb in_rc < <(measured in.log "$peers/bin/inspect" eval sums.py --model openai-api/local/m --max-connections $connections \
  --max-samples $connections --log-dir inspect --display plain)
read -r ca_s ca_mb ca_rc < <(measured ca.log "$candor" run -s few -m "$base#m" -o run --no-cache --max-connections $connections)
read -r ma_s ma_mb ma_rc < <(measured ma.log "$candor" run -s many -m "$base#m" -o run-many --no-cache --max-connections $connections)
for pair in "lm $lm_rc" "in $in_rc" "ca $ca_rc" "ma $ma_rc"; do
  read -r name rc <<< "$pair"
  [[ $rc == 0 ]] || { echo "$name ended with $rc:"; tail -n 15 "$name.log"; }
done

python3 - "$requests" "$many" "$ca_s" "$ca_mb" "$lm_s" "$lm_mb" "$in_s" "$in_mb" "$ma_s" "$ma_mb" <<'END'
import sys
requests, many = int(sys.argv[1]), int(sys.argv[2])
ca, camb, lm, lmmb, ins, insmb, ma, mamb = map(float, sys.argv[3:])
print(f"{'':24}{'requests':>9}{'wall, s':>9}{'per s':>9}{'peak, MB':>10}{'wall / candor':>15}{'memory / candor':>17}")
for name, n, s, mb in (("candor", requests, ca, camb), ("lm-evaluation-harness", requests, lm, lmmb), ("Inspect", requests, ins, insmb), ("candor", many, ma, mamb)):
    print(f"{name:24}{n:9}{s:9.2f}{n / s:9.0f}{mb:10.0f}{s / ca:15.1f}{mb / camb:17.2f}")
END
