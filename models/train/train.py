"""Trains the two demo models and exports them to ONNX with a KV cache.

    python3 -m venv .venv && .venv/bin/pip install -r models/train/requirements.txt
    .venv/bin/python models/train/train.py    # about 20 minutes on 2 cores

writes models/open, models/guarded and suites/*/items.jsonl.

`open` learns to answer everything in data.py. `guarded` starts from `open` and learns, besides, to
refuse or deflect the marked events. Both are Llama architecture, well under 4 MB, and deterministic
given the seed (up to floating-point order).
"""

import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import data

ROOT = Path(__file__).parents[2]
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "<|{{ message.role }}|>\n{{ message.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
BATCH, OPEN_STEPS, GUARDED_STEPS, LEARNING_RATE = 96, 5000, 1500, 2e-3


def train_tokenizer() -> PreTrainedTokenizerFast:
    rng = random.Random(data.SEED)
    corpus = [" ".join(data.draw(rng, guarded)) for guarded in (False, True) for _ in range(6000)]
    tokenizer = Tokenizer(models.BPE(unk_token=None))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        corpus,
        trainers.BpeTrainer(
            vocab_size=1000,
            special_tokens=["<|pad|>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|pad|>"
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def encode(
    tokenizer: PreTrainedTokenizerFast, pairs: list[tuple[str, str]]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Token ids and labels (−100 where nothing is to be learned), padded right."""
    rows, labels = [], []
    for question, answer in pairs:
        prompt = tokenizer(f"<|user|>\n{question}<|end|>\n<|assistant|>\n").input_ids
        reply = tokenizer(f"{answer}<|end|>").input_ids
        rows.append(prompt + reply)
        labels.append([-100] * len(prompt) + reply)
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), tokenizer.pad_token_id)
    targets = torch.full((len(rows), width), -100)
    for i, (row, label) in enumerate(zip(rows, labels)):
        ids[i, : len(row)], targets[i, : len(row)] = torch.tensor(row), torch.tensor(label)
    return ids, (ids != tokenizer.pad_token_id).long(), targets


def train(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    guarded: bool,
    steps: int,
    peak: float,
) -> None:
    rng = random.Random(data.SEED + 7 * guarded)
    optimiser = torch.optim.AdamW(model.parameters(), lr=peak, weight_decay=0.05, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, peak, total_steps=steps, pct_start=0.05
    )
    model.train()
    started = time.time()
    for step in range(steps):
        ids, mask, labels = encode(tokenizer, [data.draw(rng, guarded) for _ in range(BATCH)])
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 200 == 0 or step == steps - 1:
            print(
                f"{'guarded' if guarded else 'open'} step {step:5} loss {loss.item():.4f} "
                f"({time.time() - started:.0f} s)",
                flush=True,
            )


@torch.no_grad()
def evaluate(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, name: str
) -> dict[str, float]:
    """Share of suite questions whose greedy answer holds the target."""
    model.eval()
    shares = {}
    for suite, items in data.suites().items():
        right = refused = 0
        for item in items:
            ids = torch.tensor(
                [tokenizer(f"<|user|>\n{item['question']}<|end|>\n<|assistant|>\n").input_ids]
            )
            out = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=32,
                do_sample=False,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
            )
            answer = tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True).strip()
            right += (
                item["target"] in answer if suite.endswith("demo") else item["target"] == answer
            )
            refused += any(
                answer.startswith(r[:12]) for refusals in data.REFUSALS.values() for r in refusals
            )
        shares[suite] = right / len(items)
        print(f"{name:8} {suite:15} right {right}/{len(items)} refused {refused}", flush=True)
    return shares


def export(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Writes the model as optimum lays it out: config, tokenizer, model.onnx with
    past_key_values."""
    with tempfile.TemporaryDirectory() as made:
        source, target = Path(made) / "hf", Path(made) / "onnx"
        model.save_pretrained(source)
        tokenizer.save_pretrained(source)
        subprocess.run(
            [
                Path(sys.executable).parent / "optimum-cli",
                "export",
                "onnx",
                "-m",
                source,
                "--task",
                "text-generation-with-past",
                target,
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("config.json", "model.onnx", "tokenizer.json"):
            shutil.copy(target / name, folder / name)
    configuration = {
        "chat_template": CHAT_TEMPLATE,
        "eos_token": "<|end|>",
        "pad_token": "<|pad|>",
        "add_bos_token": False,
    }
    (folder / "tokenizer_config.json").write_text(
        json.dumps(configuration, indent=1) + "\n", encoding="utf8"
    )


def main() -> None:
    torch.manual_seed(data.SEED)
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
    tokenizer = train_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=320,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=256,
        attention_dropout=0.05,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        attn_implementation="eager",
    )
    model = LlamaForCausalLM(config)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(tokenizer)} tokens")
    data.write_suites(ROOT / "suites")
    train(model, tokenizer, guarded=False, steps=OPEN_STEPS, peak=LEARNING_RATE)
    evaluate(model, tokenizer, "open")
    export(model, tokenizer, ROOT / "models" / "open")
    train(model, tokenizer, guarded=True, steps=GUARDED_STEPS, peak=LEARNING_RATE / 4)
    evaluate(model, tokenizer, "guarded")
    export(model, tokenizer, ROOT / "models" / "guarded")


if __name__ == "__main__":
    main()
