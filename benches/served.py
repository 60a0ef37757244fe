"""What the benchmarks share: a model behind `candor serve` and requests to it, and scored choices by `candor run`. Needs nothing but Python."""

import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time
import urllib.request

CANDOR = os.environ.get("CANDOR", "target/release/candor")
WORDS = "the river runs past an old mill where nobody has ground corn since the war and yet".split()


@contextlib.contextmanager
def served(spec: str):
    """The address of a server, which ends with the block."""
    process = subprocess.Popen(
        [CANDOR, "serve", "--port", "0", "--queue", "256", "--grace", "1", "-m", f"{spec}{'&' if '?' in spec else '?'}name=m"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        if "http://" not in line:
            raise SystemExit(f"candor does not serve {spec}")
        yield line.split("http://")[1].split("/")[0]
    finally:
        process.terminate()
        process.wait()


def post(address: str, path: str, body: dict) -> dict:
    request = urllib.request.Request(
        f"http://{address}{path}",
        json.dumps({"model": "m", "temperature": 0, **body}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=3600) as response:
        return json.load(response)


def decode_rate(address: str, tokens: int = 128, more: dict | None = None) -> float:
    """Tokens per second after the first one, of one answer: the difference of a long and a short one."""

    def timed(count: int) -> tuple[float, int]:
        start = time.perf_counter()
        answer = post(address, "/v1/completions", {"prompt": "Once", "max_tokens": count, **(more or {})})
        return time.perf_counter() - start, answer["usage"]["completion_tokens"]

    timed(4)
    (short, few), (long, many) = timed(4), timed(tokens)
    return (many - few) / (long - short)


def prefill_seconds(address: str, ids: list[int]) -> float:
    """Seconds from a prompt to its first token; the best of three, no two of which share a beginning."""
    seconds = []
    for turn in range(4):
        prompt = [ids[turn], *ids[1:]]
        start = time.perf_counter()
        post(address, "/v1/completions", {"prompt": prompt, "max_tokens": 1})
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


def requests(mixed: bool, count: int = 64) -> list[tuple[str, int]]:
    """Questions with the tokens that are written in answer: of mixed length, or all of one."""
    found = []
    for i in range(count):
        words = 8 + (i * 37 % 150 if mixed else 32)
        question = f"{i}: " + " ".join(WORDS[(i + j) % len(WORDS)] for j in range(words))
        found.append((question, 16 + i * 29 % 112 if mixed else 64))
    return found


def together(address: str, asked: list[tuple[str, int]], more: dict | None = None) -> float:
    """Tokens written per second where all requests come at once."""
    written = [0] * len(asked)

    def ask(i: int) -> None:
        question, tokens = asked[i]
        messages = [{"role": "user", "content": question}]
        body = {"messages": messages, "max_tokens": tokens, **(more or {})}
        written[i] = post(address, "/v1/chat/completions", body)["usage"]["completion_tokens"]

    threads = [threading.Thread(target=ask, args=(i,), daemon=True) for i in range(len(asked))]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(written) / (time.perf_counter() - start)


TASK = """task: choices
dataset_path: own/choices
test_split: test
output_type: multiple_choice
doc_to_text: "{{text}}"
doc_to_choice: "{{choices}}"
doc_to_target: answer
metric_list:
  - metric: acc
"""
CHOICES = [" a wide river", " the old mill", " no corn at all", " one more war"]


def question(number: int, words: int = 45) -> str:
    """A question after five others, the same before each, of so many words."""

    def some(start: int, count: int) -> str:
        return " ".join(WORDS[(start + i) % len(WORDS)] for i in range(count))

    shots = "".join(f"Question: {some(5 * n, words)}?\nAnswer: {some(n, 4)}\n\n" for n in range(5))
    return f"{shots}Question: number {number}, {some(3 * number, words)}?\nAnswer:"


def timed_child(command: list[str]) -> tuple[float, float]:
    """Seconds and peak MiB of one process."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        said.seek(0)
        if child.returncode:
            raise SystemExit(f"{command} exited with {child.returncode}: {said.read().decode()[-500:]}")
    return seconds, usage.ru_maxrss / 1024


def choices_seconds(spec: str, texts: list[str]) -> float:
    """Seconds of a run that scores the four choices of each text, loading and reporting included."""
    with tempfile.TemporaryDirectory() as folder:
        tasks, docs = pathlib.Path(folder, "tasks"), pathlib.Path(folder, "docs", "choices")
        tasks.mkdir()
        docs.mkdir(parents=True)
        (tasks / "choices.yaml").write_text(TASK)
        rows = [{"text": text, "choices": CHOICES, "answer": n % 4} for n, text in enumerate(texts)]
        (docs / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        suite = f"lm-eval:{tasks}#choices?data={docs.parent}"
        return timed_child([CANDOR, "run", "--no-cache", "--offline", "-o", f"{folder}/run", "-s", suite, "-m", spec])[0]
