"""What the benchmarks share: a model behind `candor serve`, and requests to it. Needs nothing but Python."""

import contextlib
import json
import os
import subprocess
import threading
import time
import urllib.request

CANDOR = os.environ.get("CANDOR", "target/release/candor")
WORDS = "the river runs past an old mill where nobody has ground corn since the war and yet".split()


@contextlib.contextmanager
def served(spec: str):
    """The address of a server, which ends with the block."""
    process = subprocess.Popen(
        [CANDOR, "serve", "--port", "0", "--queue", "256", "-m", f"{spec}{'&' if '?' in spec else '?'}name=m"],
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


def decode_rate(address: str, tokens: int = 128) -> float:
    """Tokens per second after the first one, of one answer: the difference of a long and a short one."""

    def timed(count: int) -> tuple[float, int]:
        start = time.perf_counter()
        answer = post(address, "/v1/completions", {"prompt": "Once", "max_tokens": count})
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


def together(address: str, asked: list[tuple[str, int]]) -> float:
    """Tokens written per second where all requests come at once."""
    written = [0] * len(asked)

    def ask(i: int) -> None:
        question, tokens = asked[i]
        messages = [{"role": "user", "content": question}]
        body = {"messages": messages, "max_tokens": tokens}
        written[i] = post(address, "/v1/chat/completions", body)["usage"]["completion_tokens"]

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(asked))]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(written) / (time.perf_counter() - start)
