#!/usr/bin/env python3
"""A run in parts, a task of a Ray cluster each, merged at the end.

    pip install ray candor-audit        on every node
    python candor_ray.py                on a node of the cluster, or alone on one machine
    ray job submit -- python candor_ray.py

A task whose node is lost is started again on another one, and goes on where it stopped.
"""
import subprocess
import sys
from pathlib import Path

import ray

PARTS = 4
SUITES = ["facts"]  # what is asked: candor suites list
MODELS = ["demo:open"]  # who is asked; keys of providers come from the environment of the nodes
FOLDER = Path("runs/parts").absolute()  # where all nodes can write, new for each run; or on a store: "s3://BUCKET/parts"
WHOLE = Path("runs/whole").absolute()

DONE, USAGE, FAILED_TRIALS = 0, 2, 4


@ray.remote(num_cpus=1, max_retries=5, retry_exceptions=True)
def ask(number: int) -> int:
    """Asks a part of the plan, or goes on with it. Gives candor's exit code."""
    part = f"{FOLDER}/{number}-of-{PARTS}"
    command = ["candor", "run", "-s", *SUITES, "-m", *MODELS, "--shard", f"{number}/{PARTS}", "-o", part, "--continue"]
    code = subprocess.run(command, check=False).returncode
    if code not in (DONE, USAGE, FAILED_TRIALS):
        raise RuntimeError(f"part {number} ended with exit code {code}")
    return code


def main() -> int:
    ray.init()
    codes = ray.get([ask.remote(number) for number in range(1, PARTS + 1)])
    if USAGE in codes:
        return USAGE
    return subprocess.run(["candor", "merge", str(FOLDER), "-o", str(WHOLE)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
