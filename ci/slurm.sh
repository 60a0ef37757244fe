#!/usr/bin/env bash
# The script of `candor init --slurm` on a real Slurm: slurmctld and slurmd on this machine, an array of four parts, of which one is killed and
# requeued in the middle; then what was asked is counted at the server. Needs root, slurmctld, slurmd and munge (Debian's packages); says so
# and does nothing without them.
#   ci/slurm.sh [CANDOR]     the binary [default: target/release/candor, else target/debug/candor]
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in slurmctld slurmd sbatch munged python3; do
  command -v "$tool" >/dev/null || { echo "SKIPPED Slurm: no $tool on this machine (apt-get install slurmctld slurmd slurm-client munge)"; exit; }
done
[[ $(id -u) == 0 ]] || { echo "SKIPPED Slurm: its daemons need root"; exit; }
candor=${1:-target/release/candor}
[[ -x $candor ]] || candor=target/debug/candor
candor=$(realpath "$candor")

home=$(mktemp -d)
chmod 755 "$home"
started=()
finish() {
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$home"
}
trap finish EXIT
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

node=$(hostname -s)
ctl=$(free_port) d=$(free_port)
mkdir -p "$home"/{state,spool,munge,project}
# Everybody may speak to the daemon, as through /run/munge; its key is its own.
chmod 755 "$home/munge"
dd if=/dev/urandom of="$home/munge/key" bs=64 count=1 2>/dev/null
chmod 400 "$home/munge/key"
munged --foreground --force --key-file="$home/munge/key" --socket="$home/munge/socket" --pid-file="$home/munge/pid" \
  --seed-file="$home/munge/seed" --log-file="$home/munge/log" --num-threads=2 &
started+=($!)
cat > "$home/slurm.conf" <<CONF
ClusterName=ci
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=$ctl
SlurmdPort=$d
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# Requeued tasks wait as long as credentials live.
AuthInfo=socket=$home/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$home/state
SlurmdSpoolDir=$home/spool
SlurmctldPidFile=$home/ctl.pid
SlurmdPidFile=$home/d.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
ReturnToService=2
KillWait=5
# The node is said to have eight cores, whatever it has.
SlurmdParameters=config_overrides
NodeName=$node NodeAddr=127.0.0.1 CPUs=8 State=UNKNOWN
PartitionName=all Nodes=$node Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF="$home/slurm.conf"
sleep 1
slurmctld -D -f "$SLURM_CONF" >"$home/ctl.log" 2>&1 &
started+=($!)
slurmd -D -f "$SLURM_CONF" >"$home/d.log" 2>&1 &
started+=($!)
for _ in {1..60}; do
  [[ $(sinfo -h -o %T 2>/dev/null) == idle ]] && break
  sleep 1
done
[[ $(sinfo -h -o %T) == idle ]] || { tail -n 20 "$home"/*.log; exit 1; }

# A server that takes a fifth of a second, and keeps every question.
cat > "$home/server.py" <<'PYTHON'
import http.server, json, sys, threading, time

questions, lock = open(sys.argv[1], "a", buffering=1), threading.Lock()

class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with lock:
            print(asked["messages"][-1]["content"], file=questions)
        time.sleep(0.2)
        reply = json.dumps({"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "1"}}]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)
    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
print(server.server_address[1], flush=True)
server.serve_forever()
PYTHON
python3 "$home/server.py" "$home/questions" >"$home/port" 2>/dev/null &
started+=($!)
for _ in {1..50}; do [[ -s $home/port ]] && break; sleep 0.1; done

cd "$home/project"
mkdir -p sums bin
ln -s "$candor" bin/candor
export PATH="$PWD/bin:$PATH" CANDOR_HOME="$home/candor"
cat > sums/suite.yaml <<'YAML'
format: 1
name: sums
version: "1"
kind: benchmark
title: Sums
licence: CC0
source: this script
prompt:
  user: "{{ question }}"
scorers: [number]
YAML
for i in {1..400}; do echo "{\"id\": \"s$i\", \"question\": \"$i + 1 =\", \"target\": $((i + 1))}"; done > sums/items.jsonl
candor init --slurm
sed -i "s|^SUITES=.*|SUITES=(./sums)|; s|^MODELS=.*|MODELS=('http://127.0.0.1:$(cat "$home/port")/v1#m?max_connections=4')|; s|cpus-per-task=2|cpus-per-task=1|" candor.sbatch
job=$(sbatch --parsable candor.sbatch)
echo "array $job"

answered() { cat "runs/parts/$1-of-4/journal.jsonl" 2>/dev/null | wc -l; }
for _ in {1..300}; do (( $(answered 3) >= 10 )) && break; sleep 0.1; done
(( $(answered 3) >= 10 && $(answered 3) < 100 )) || { echo "part 3 was not in the middle of its work: $(answered 3) answers"; tail -n 20 candor-*.log "$home/ctl.log"; exit 1; }
# Killed without a chance to close anything, then requeued as after the loss of a node.
pid=$(pgrep -f -- "--shard 3/4" | head -1)
kill -KILL "$pid"
killed=$(answered 3)
for _ in {1..100}; do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
sleep 2
scontrol requeue "${job}_3"
echo "part 3 killed after $killed answers, and requeued"
for _ in {1..120}; do [[ -z $(squeue -h -j "$job" 2>/dev/null) ]] && break; sleep 1; done
scontrol show job "${job}" | grep -E 'JobState|Restarts|ExitCode' | sort | uniq -c

candor merge runs/parts -o runs/whole
candor report runs/whole runs/parts -o together.html >/dev/null
lines=$(wc -l < runs/whole/journal.jsonl)
distinct=$(sort -u "$home/questions" | wc -l)
again=$(( $(wc -l < "$home/questions") - distinct ))
echo "$lines trials merged, $distinct questions asked, $again of them twice"
# What the killed task had in flight (four connections), and what it had not yet written down, is asked again.
(( lines == 400 && distinct == 400 && again <= 8 ))
echo "Slurm: an array of four parts, one killed and requeued, is one complete run"
