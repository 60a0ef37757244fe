"""The measurements of `benches/gpu/run.sh`: measure.py WORK_FOLDER TOKENIZER_FOLDER. Prints Markdown."""

import json
import pathlib
import shutil
import subprocess
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import served  # noqa: E402

WORK, TOKENIZER = map(pathlib.Path, sys.argv[1:])
KINDS = {"f32": (torch.float32, "F32"), "f16": (torch.float16, "F16"), "bf16": (torch.bfloat16, "BF16")}
HIDDEN, LAYERS, HEADS, SHARED, WIDTH, VOCABULARY = 896, 24, 14, 2, 4864, 151936
CONFIG = {
    "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_size": HIDDEN, "intermediate_size": WIDTH,
    "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": SHARED, "vocab_size": VOCABULARY,
    "max_position_embeddings": 4096, "rms_norm_eps": 1e-6, "rope_theta": 1e6, "tie_word_embeddings": True,
    "hidden_act": "silu", "eos_token_id": VOCABULARY - 1, "bos_token_id": None,
}  # fmt: skip
CONTINUATIONS = [" a boat", " 0 1 2 3 4 5", " (brackets)", " Paris is far"]


def tensors() -> dict[str, torch.Tensor]:
    torch.manual_seed(7)
    draw = lambda *shape: torch.randn(shape) * 0.02  # noqa: E731
    found = {"model.embed_tokens.weight": draw(VOCABULARY, HIDDEN), "model.norm.weight": torch.ones(HIDDEN)}
    side = HIDDEN // HEADS * SHARED
    for n in range(LAYERS):
        own = f"model.layers.{n}."
        for name, rows in (("q", HIDDEN), ("k", side), ("v", side)):
            found[f"{own}self_attn.{name}_proj.weight"] = draw(rows, HIDDEN)
            found[f"{own}self_attn.{name}_proj.bias"] = draw(rows)
        found[f"{own}self_attn.o_proj.weight"] = draw(HIDDEN, HIDDEN)
        for name in ("gate", "up"):
            found[f"{own}mlp.{name}_proj.weight"] = draw(WIDTH, HIDDEN)
        found[f"{own}mlp.down_proj.weight"] = draw(HIDDEN, WIDTH)
        for name in ("input_layernorm", "post_attention_layernorm"):
            found[f"{own}{name}.weight"] = torch.ones(HIDDEN)
    return found


def make() -> int:
    """Writes the model in each precision, and gives the number of its weights."""
    # What half precision can hold, so that every folder has the same weights.
    weights = {name: t.to(torch.bfloat16).float() for name, t in tensors().items()}
    for kind, (dtype, written) in KINDS.items():
        folder = WORK / kind
        folder.mkdir()
        header, data, end = {}, [], 0
        for name, tensor in weights.items():
            raw = tensor.to(dtype).contiguous().view(torch.uint8).numpy().tobytes()
            header[name] = {"dtype": written, "shape": list(tensor.shape), "data_offsets": [end, end + len(raw)]}
            data.append(raw)
            end += len(raw)
        head = json.dumps(header).encode()
        head += b" " * (-len(head) % 8)
        with open(folder / "model.safetensors", "wb") as file:
            file.write(len(head).to_bytes(8, "little") + head)
            file.writelines(data)
        (folder / "config.json").write_text(json.dumps(CONFIG))
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(TOKENIZER / name, folder)
    return sum(t.numel() for t in weights.values())


def check(spec: str) -> list[dict]:
    asked = ["--json", "--plain", "--prompt", "The river is wide and", "--continuations", *CONTINUATIONS]
    done = subprocess.run([served.CANDOR, "models", "check", spec, *asked], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{spec}: {done.stderr}")
    return json.loads(done.stdout)["completion"]["continuations"]


def agreement() -> None:
    exact = check(f"onnx:{WORK}/f32")
    print("\n| weights, on the GPU | worst log-likelihood, nats off the CPU's fp32 | the same per token |\n|---|---|---|")
    for kind in KINDS:
        found = check(f"onnx:{WORK}/{kind}?device=cuda:0")
        apart = [abs(a["log_likelihood"] - b["log_likelihood"]) for a, b in zip(exact, found)]
        each = max(d / a["tokens"] for d, a in zip(apart, exact))
        print(f"| {kind} | {max(apart):.2e} | {each:.2e} |")


def bandwidth() -> float:
    """Bytes per second that a copy on the GPU reads and writes."""
    a = torch.empty(1 << 30, dtype=torch.uint8, device="cuda")
    b = torch.empty_like(a)
    b.copy_(a)
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(20):
        b.copy_(a)
    torch.cuda.synchronize()
    return 20 * 2 * a.numel() / (time.perf_counter() - start)


def bus_megabytes(seconds: int) -> float | None:
    """Mean MB per second over the bus, both ways, while something else runs; none where the driver does not say."""
    done = subprocess.run(["nvidia-smi", "dmon", "-s", "t", "-c", str(seconds)], capture_output=True, text=True)
    rows = [line.split() for line in done.stdout.splitlines() if not line.startswith("#")]
    rates = [float(r[1]) + float(r[2]) for r in rows if len(r) > 2 and "-" not in r[1:3]]
    return sum(rates) / len(rates) if rates else None


def speed(weights: int) -> None:
    import concurrent.futures

    most = bandwidth()
    print(f"\nA copy on the GPU moves {most / 1e12:.2f} TB/s.")
    print("\n| weights | decode, batch 1, tok/s | of the bandwidth | 64 equal, tok/s | 64 mixed, tok/s | 200 × 4 choices, s | bus, MB/s |\n|---|---|---|---|---|---|---|")
    for kind in ("f16", "bf16", "f32"):
        with served.served(f"onnx:{WORK}/{kind}?device=cuda:0") as address:
            with concurrent.futures.ThreadPoolExecutor() as pool:
                served.decode_rate(address, 16)
                bus = pool.submit(bus_megabytes, 2)
                one = served.decode_rate(address, 256)
                bus = bus.result()
            size = weights * (4 if kind == "f32" else 2)
            equal, mixed = (served.together(address, served.requests(m)) for m in (False, True))
        # The tokenizer is one of tests: a word is a few tokens, the prompt some 300.
        spec = f"onnx:{WORK}/{kind}?device=cuda:0"
        loading, _ = served.timed_child([served.CANDOR, "models", "check", spec, "--max-tokens", "1"])
        scored = served.choices_seconds(spec, [served.question(n, 6) for n in range(200)]) - loading
        shown = "not told" if bus is None else f"{bus:.0f}"
        print(f"| {kind} | {one:.0f} | {100 * one * size / most:.0f} % | {equal:.0f} | {mixed:.0f} | {scored:.1f} | {shown} |", flush=True)


def pytorch() -> None:
    """The same work by Transformers, in bfloat16."""
    try:
        from transformers import AutoModelForCausalLM
    except ImportError:
        print("\nTransformers is not there: no comparison with it.")
        return
    model = AutoModelForCausalLM.from_pretrained(WORK / "bf16", dtype=torch.bfloat16).cuda().eval()

    def rate(batch: int, count: int) -> float:
        ids = torch.randint(10, 300, (batch, 60), device="cuda")
        mask = torch.ones_like(ids)
        settings = dict(attention_mask=mask, do_sample=False, pad_token_id=0)
        model.generate(ids, min_new_tokens=4, max_new_tokens=4, **settings)
        torch.cuda.synchronize()
        start = time.perf_counter()
        model.generate(ids, min_new_tokens=count, max_new_tokens=count, **settings)
        torch.cuda.synchronize()
        return batch * count / (time.perf_counter() - start)

    one, many = rate(1, 128), rate(64, 64)
    start = time.perf_counter()
    with torch.no_grad():
        for question in range(200):
            prompt = [10 + i % 200 for i in range(300)] + [10 + question % 200]
            ids = torch.tensor([[*prompt, 20 + c, 30 + c] for c in range(4)], device="cuda")
            model(ids).logits[:, -3:-1].float().log_softmax(-1).cpu()
    scored = time.perf_counter() - start
    print(f"\nTransformers, bf16: {one:.0f} tok/s at batch 1, {many:.0f} at 64 of equal length, choices {scored:.1f} s.")


if __name__ == "__main__":
    count = make()
    print(f"{count / 1e6:.0f} million weights")
    agreement()
    speed(count)
    pytorch()
