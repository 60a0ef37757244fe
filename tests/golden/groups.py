"""What lm-evaluation-harness makes of groups: values and standard errors of `groups/tasks`, answered by a rule.

    python3 -m venv venv && venv/bin/pip install lm-eval==0.4.13 && venv/bin/python tests/golden/groups.py

The rule, which tests/it/groups.rs follows too: "even" to a prompt of an even number of characters, else "odd".
"""

import json
import os
import pathlib

import lm_eval
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager

HERE = pathlib.Path(__file__).resolve().parent / "groups"


class Rule(LM):
    """Answers by the length of the prompt."""

    def generate_until(self, requests, disable_tqdm=False):
        return ["even" if len(request.args[0]) % 2 == 0 else "odd" for request in requests]

    def loglikelihood(self, requests, disable_tqdm=False):
        raise NotImplementedError

    loglikelihood_rolling = loglikelihood


def main() -> None:
    os.chdir(HERE / "tasks")  # where the tasks' files of documents are
    manager = TaskManager(include_path=".", include_defaults=False)
    results = lm_eval.simple_evaluate(
        model=Rule(), tasks=["outer"], task_manager=manager, log_samples=False, bootstrap_iters=10
    )
    groups = {name: figures for name, figures in results["groups"].items()}
    (HERE / "expected.json").write_text(json.dumps(groups, indent=1, default=str) + "\n")


if __name__ == "__main__":
    main()
