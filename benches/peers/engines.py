"""One engine at one model's folder, measured alone in its process: `engines.py ENGINE FOLDER WORK [WEIGHTS]`.

ENGINE is candor, transformers, optimum or genai; WORK names what is measured, by commas: load, decode, prefill, mixed, equal, choices. Prints what is
known so far as a line of JSON after each measurement, so that the last line counts even where the time is over. `benches/peers/onnx.sh` runs all.

Sizes, for a trial of the script itself: DECODED, PREFILL, REQUESTS, QUESTIONS, FEW (questions where nothing is shared).
"""

import json
import os
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import served  # noqa: E402

os.environ["HF_HUB_OFFLINE"] = "1"


def size(name: str, usual: int) -> int:
    return int(os.environ.get(name, usual))


THREADS = size("THREADS", os.cpu_count() or 1)
DECODED = size("DECODED", 128)
PROMPT = [1000 + 37 * i % 5000 for i in range(size("PREFILL", 512))]
REQUESTS = size("REQUESTS", 64)
QUESTIONS = size("QUESTIONS", 100)
FEW = size("FEW", 6)
BATCHES = (4, 8, 16, 32)
"""Of these the peer's batch size is chosen."""
found: dict = {}


def measured(**values) -> None:
    """Notes values, and tells them at once."""
    found.update(values)
    print(json.dumps(found), flush=True)


def end_tokens(folder: str) -> list[int]:
    path = pathlib.Path(folder) / "generation_config.json"
    ends = json.loads(path.read_text()).get("eos_token_id", []) if path.exists() else []
    return ends if isinstance(ends, list) else [ends]


def candor(folder: str, work: list[str], weights: str | None) -> None:
    spec = f"onnx:{folder}?threads={THREADS}" + (f"&weights={weights}" if weights else "")
    check = [served.CANDOR, "models", "check", spec, "--max-tokens", "1"]
    # Weights that are rounded are rounded the first time; the files are in the page cache the second time.
    served.timed_child(check)
    loaded, peak = served.timed_child(check)
    if "load" in work:
        measured(load_seconds=loaded, peak_mib=peak)
    # Every answer is as long as it may be, as the peers' are.
    never_end = {"logit_bias": {str(token): -100 for token in end_tokens(folder)}}
    if {"decode", "prefill", "mixed", "equal"} & set(work):
        with served.served(spec) as address:
            if "decode" in work:
                measured(decode=served.decode_rate(address, DECODED, never_end))
            if "prefill" in work:
                measured(prefill_seconds=served.prefill_seconds(address, PROMPT))
            for name, mixed in (("mixed", True), ("equal", False)):
                if name in work:
                    measured(**{name: served.together(address, served.requests(mixed, REQUESTS), never_end)})
    if "choices" in work:
        for name, asked, count in (("choice_seconds", spec, QUESTIONS), ("choice_seconds_unshared", f"{spec}&share_prefixes=false", FEW)):
            seconds = served.choices_seconds(asked, [served.question(n) for n in range(count)])
            measured(**{name: (seconds - loaded) / count})


def generating(folder: str, work: list[str], load) -> None:
    """Transformers, and what has its interface."""
    import torch

    torch.set_num_threads(THREADS)
    model = load(folder)
    one = torch.tensor([PROMPT[:4]])

    def timed(count: int) -> float:
        start = time.perf_counter()
        model.generate(one, attention_mask=torch.ones_like(one), do_sample=False, min_new_tokens=count, max_new_tokens=count)
        return time.perf_counter() - start

    if "decode" in work:
        timed(4)
        measured(decode=(DECODED - 4) / (timed(DECODED) - timed(4)))
    if "prefill" in work:
        seconds = []
        for turn in range(4):
            ids = torch.tensor([[PROMPT[turn], *PROMPT[1:]]])
            start = time.perf_counter()
            model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=1)
            seconds.append(time.perf_counter() - start)
        measured(prefill_seconds=min(seconds[1:]))
    if "choices" in work:
        # As lm-evaluation-harness's `hf` asks at batch size 1: each continuation after its whole context, the logits of every token.
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder)
        start = time.perf_counter()
        with torch.no_grad():
            for number in range(FEW):
                for choice in served.CHOICES:
                    ids = tokenizer(served.question(number) + choice, return_tensors="pt").input_ids
                    torch.nn.functional.log_softmax(model(ids[:, :-1]).logits, dim=-1)
        measured(choice_seconds=(time.perf_counter() - start) / FEW)


def transformers(folder: str, work: list[str], _) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    generating(folder, work, lambda f: AutoModelForCausalLM.from_pretrained(f, dtype=torch.float32).eval())


def optimum(folder: str, work: list[str], _) -> None:
    import onnxruntime
    from optimum.onnxruntime import ORTModelForCausalLM

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    generating(folder, work, lambda f: ORTModelForCausalLM.from_pretrained(f, session_options=options))


def genai(folder: str, work: list[str], _) -> None:
    import numpy
    import onnxruntime_genai as og

    config = og.Config(folder)
    session = {"intra_op_num_threads": THREADS}
    config.overlay(json.dumps({"model": {"decoder": {"session_options": session}}}))
    model = og.Model(config)
    tokenizer = og.Tokenizer(model)
    padding = json.loads((pathlib.Path(folder) / "genai_config.json").read_text())["model"]["pad_token_id"]

    def run(prompts: list[list[int]], count: int) -> tuple[float, float, int]:
        """Seconds to the first token, seconds after it, and tokens written."""
        longest = max(map(len, prompts))
        params = og.GeneratorParams(model)
        params.set_search_options(max_length=longest + count, min_length=longest + count, batch_size=len(prompts), do_sample=False)
        generator = og.Generator(model, params)
        start = time.perf_counter()
        # Batches are padded on the left, as its tokenizer does.
        rows = [[padding] * (longest - len(p)) + p for p in prompts]
        generator.append_tokens(numpy.array(rows, dtype=numpy.int32) if len(rows) > 1 else rows[0])
        generator.generate_next_token()
        first = time.perf_counter()
        steps = 1
        while steps < count and not generator.is_done():
            generator.generate_next_token()
            steps += 1
        return first - start, time.perf_counter() - first, steps * len(prompts)

    run([PROMPT[:4]], 4)
    if "decode" in work:
        _, seconds, tokens = run([PROMPT[:4]], DECODED)
        measured(decode=(tokens - 1) / seconds)
    if "prefill" in work:
        measured(prefill_seconds=min(run([[PROMPT[t], *PROMPT[1:]]], 1)[0] for t in range(1, 4)))
    asked = {}
    for name, mixed in (("mixed", True), ("equal", False)):
        asked[name] = [(list(map(int, tokenizer.encode(text))), count) for text, count in served.requests(mixed, REQUESTS)]

    def rate(requests: list, batch: int) -> float:
        start, written = time.perf_counter(), 0
        for at in range(0, len(requests), batch):
            together = requests[at : at + batch]
            # A batch ends with its longest answer; what is written beyond the others' ends is not counted.
            run([ids for ids, _ in together], max(count for _, count in together))
            written += sum(count for _, count in together)
        return written / (time.perf_counter() - start)

    if {"mixed", "equal"} & set(work):
        # The batch size that is best for one batch of short answers of equal length is taken for all.
        tried = [batch for batch in BATCHES if batch <= REQUESTS] or [REQUESTS]
        rates = {batch: rate([(ids, 24) for ids, _ in asked["equal"][:batch]], batch) for batch in tried}
        best = max(rates, key=rates.get)
        measured(batch=best)
        for name in ("mixed", "equal"):
            if name in work:
                measured(**{name: rate(asked[name], best)})


if __name__ == "__main__":
    # Where the time is over, a server that was started ends too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(124))
    engine, folder, work, *weights = sys.argv[1:]
    engines = {f.__name__: f for f in (candor, transformers, optimum, genai)}
    engines[engine](folder, work.split(","), weights[0] if weights else None)
