"""One engine at one model's folder, measured alone in its process: `onnx.py ENGINE FOLDER [WEIGHTS]` prints a line of JSON.

ENGINE is candor, transformers, optimum or genai. `benches/peers/onnx.sh` runs all, and prints ratios.
"""

import json
import os
import pathlib
import resource
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import served  # noqa: E402

os.environ["HF_HUB_OFFLINE"] = "1"
THREADS = int(os.environ.get("THREADS", os.cpu_count() or 1))
DECODED = 128
PROMPT = [1000 + 37 * i % 5000 for i in range(512)]
BATCHES = (1, 4, 8, 16)


def candor(folder: str, weights: str | None) -> dict:
    spec = f"onnx:{folder}?threads={THREADS}" + (f"&weights={weights}" if weights else "")
    subprocess.run([served.CANDOR, "models", "check", spec, "--max-tokens", "1"], check=True, capture_output=True)
    start = time.perf_counter()
    subprocess.run([served.CANDOR, "models", "check", spec, "--max-tokens", "1"], check=True, capture_output=True)
    loaded = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    with served.served(spec) as address:
        return {
            "load_seconds": loaded,
            "peak_mib": peak,
            "decode": served.decode_rate(address, DECODED),
            "prefill_seconds": served.prefill_seconds(address, PROMPT),
            "mixed": served.together(address, served.requests(True)),
            "equal": served.together(address, served.requests(False)),
        }


def generating(folder: str, load) -> dict:
    """Transformers, and what has its interface."""
    import torch

    torch.set_num_threads(THREADS)
    model = load(folder)
    one = torch.tensor([PROMPT[:4]])

    def timed(count: int) -> float:
        start = time.perf_counter()
        model.generate(one, attention_mask=torch.ones_like(one), do_sample=False, min_new_tokens=count, max_new_tokens=count)
        return time.perf_counter() - start

    timed(4)
    decode = (DECODED - 4) / (timed(DECODED) - timed(4))
    seconds = []
    for turn in range(4):
        ids = torch.tensor([[PROMPT[turn], *PROMPT[1:]]])
        start = time.perf_counter()
        model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=1)
        seconds.append(time.perf_counter() - start)
    return {"decode": decode, "prefill_seconds": min(seconds[1:])}


def transformers(folder: str, _) -> dict:
    import torch
    from transformers import AutoModelForCausalLM

    return generating(folder, lambda f: AutoModelForCausalLM.from_pretrained(f, dtype=torch.float32).eval())


def optimum(folder: str, _) -> dict:
    import onnxruntime
    from optimum.onnxruntime import ORTModelForCausalLM

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    return generating(folder, lambda f: ORTModelForCausalLM.from_pretrained(f, session_options=options))


def genai(folder: str, _) -> dict:
    import onnxruntime_genai as og

    config = og.Config(folder)
    session = {"intra_op_num_threads": THREADS}
    config.overlay(json.dumps({"model": {"decoder": {"session_options": session}}}))
    model = og.Model(config)
    tokenizer = og.Tokenizer(model)

    def run(prompts: list[list[int]], count: int) -> tuple[float, float, int]:
        """Seconds to the first token, seconds after it, and tokens written."""
        longest = max(map(len, prompts))
        params = og.GeneratorParams(model)
        params.set_search_options(max_length=longest + count, min_length=longest + count, batch_size=len(prompts), do_sample=False)
        generator = og.Generator(model, params)
        start = time.perf_counter()
        # Batches are padded on the left, as its tokenizer does.
        generator.append_tokens([[0] * (longest - len(p)) + p for p in prompts] if len(prompts) > 1 else prompts[0])
        generator.generate_next_token()
        first = time.perf_counter()
        steps = 1
        while steps < count and not generator.is_done():
            generator.generate_next_token()
            steps += 1
        return first - start, time.perf_counter() - first, steps * len(prompts)

    run([PROMPT[:4]], 4)
    _, seconds, tokens = run([PROMPT[:4]], DECODED)
    found = {
        "decode": (tokens - 1) / seconds,
        "prefill_seconds": min(run([[PROMPT[t], *PROMPT[1:]]], 1)[0] for t in range(1, 4)),
    }
    for name, mixed in (("mixed", True), ("equal", False)):
        asked = [(list(tokenizer.encode(question)), count) for question, count in served.requests(mixed)]
        rates = {}
        for size in BATCHES:
            start, written = time.perf_counter(), 0
            for at in range(0, len(asked), size):
                batch = asked[at : at + size]
                # A batch ends with its longest answer; what is written beyond the others' ends is not counted.
                run([ids for ids, _ in batch], max(count for _, count in batch))
                written += sum(count for _, count in batch)
            rates[size] = written / (time.perf_counter() - start)
        found[name] = max(rates.values())
        found[f"{name}_batch"] = max(rates, key=rates.get)
    return found


if __name__ == "__main__":
    engine, folder, *weights = sys.argv[1:]
    engines = {f.__name__: f for f in (candor, transformers, optimum, genai)}
    print(json.dumps(engines[engine](folder, weights[0] if weights else None)))
