"""Trains the reader of statements above the labeller's frozen layers, and writes it as an
addition to the labeller's graph.

    python statements.py EVIDENCE FEATURES train     # some minutes on two cores
    python statements.py EVIDENCE FEATURES measure   # what came of it, on validation and test
    python statements.py EVIDENCE FEATURES export    # writes statements.onnx.zst beside this script

README.md says where EVIDENCE comes from. FEATURES is a folder for states that are computed once.
"""

import hashlib
import json
import math
import os
import sys

import numpy as np
import onnx
import onnxruntime
import torch
import zstandard
from onnx import TensorProto, helper
from tokenizers import Tokenizer
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
LABELLER = os.path.join(HERE, "..", "labeller")
sys.path.insert(0, LABELLER)
BEGIN, END = 0, 2

READINGS = ["affirmed", "denied", "attributed", "absent"]
# Tokens of a fact's statement and of the passage that are read at most.
STATEMENT, PASSAGE = 48, 208
WIDTH, HEADS, INNER, LAYERS, CLASSES = 96, 4, 192, 1, 4
MARKS = 16
# The reading by rules (affirmed, denied, attributed), a whole mention, an answer that denies as a
# whole, a statement with a denial or negation, one with an attribution.
CLUES = 7
SEEDS = 2


def rows(path: str) -> list[dict]:
    return [json.loads(line) for line in open(path, encoding="utf-8")]


def clues(row: dict) -> list[float]:
    bits = 0
    for _, _, kind in row["statement"][1]:
        bits |= kind
    rules = [float(row["rules"] == r) for r in range(3)]
    return [
        *rules,
        float(row["whole"]),
        float(row["denies"]),
        float(bits & 6 > 0),
        float(bits & 8 > 0),
    ]


def tokens(tokenizer: Tokenizer, text: str, marks: list, most: int) -> tuple[list[int], list[int]]:
    """Numbers and marks of a text's first tokens."""
    encoding = tokenizer.encode(text, add_special_tokens=False)
    bits = []
    for begin, end in encoding.offsets[:most]:
        own = 0
        for first, last, kind in marks:
            if begin < last and first < end:
                own |= kind
        bits.append(own)
    return encoding.ids[:most], bits


def unpacked(name: str) -> bytes:
    """A packed file of the labeller's."""
    with open(os.path.join(LABELLER, name), "rb") as file:
        return zstandard.ZstdDecompressor().decompress(file.read(), max_output_size=1 << 30)


def labeller() -> tuple[Tokenizer, onnx.ModelProto]:
    """The labeller's tokenizer and graph."""
    tokenizer = Tokenizer.from_str(unpacked("tokenizer.json.zst").decode())
    return tokenizer, onnx.load_model_from_string(unpacked("labeller.onnx.zst"))


def frozen_states(graph: onnx.GraphProto) -> str:
    """The labeller's tensor of frozen states, before a language's offset is taken off them."""
    by_language = {
        n.output[0] for n in graph.node if n.op_type == "Gather" and n.input[1] == "languages"
    }
    [name] = {n.input[0] for n in graph.node if n.op_type == "Sub" and n.input[1] in by_language}
    return name


class Frozen:
    """The labeller's frozen layers, in the 8 bits in which they run beside the reader."""

    def __init__(self):
        self.tokenizer, model = labeller()
        self.name = frozen_states(model.graph)
        del model.graph.output[:]
        model.graph.output.append(
            onnx.helper.make_tensor_value_info(
                self.name, onnx.TensorProto.FLOAT, [1, "tokens", None]
            )
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        self.inputs = {i.name for i in self.session.get_inputs()}

    def states(self, ids):
        ids = [BEGIN, *ids, END]
        row = lambda numbers: np.array([numbers], np.int64)
        feed = {
            "ids": row(ids),
            "places": row(range(len(ids))),
            "segments": row([1] * len(ids)),
            "languages": row([0] * len(ids)),
        }
        feed["surface"] = np.zeros((1, 15), np.float32)
        feed = {name: value for name, value in feed.items() if name in self.inputs}
        return self.session.run([self.name], feed)[0][0].astype(np.float16)


def features(path: str, folder: str) -> list:
    """Every row's states, marks and clues; the states are computed once and kept."""
    known, made = {}, []
    kept = os.path.join(folder, "states.npz")
    store = dict(np.load(kept)) if os.path.exists(kept) else {}
    frozen = Frozen()
    new = 0
    for row in rows(path):
        if "passage" not in row:
            made.append((row, None))
            continue
        parts = []
        for (text, marks), most in ((row["statement"], STATEMENT), (row["passage"], PASSAGE)):
            ids, bits = tokens(frozen.tokenizer, text, marks, most)
            key = ",".join(map(str, ids))
            name = known.get(key)
            if name is None:
                name = known[key] = hashlib.sha1(key.encode()).hexdigest()
                if name not in store:
                    store[name] = frozen.states(ids)
                    new += 1
            parts.append((store[name], [0, *bits, 0]))
        made.append((row, (parts, clues(row))))
    if new:
        os.makedirs(folder, exist_ok=True)
        np.savez(kept, **store)
    print(f"{len(made)} rows, {len(store)} texts, {new} new", flush=True)
    return made


class Block(nn.Module):
    """A layer of the same kind as the encoder's, narrower."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.out, self.up, self.down = (
            nn.Linear(WIDTH, WIDTH),
            nn.Linear(WIDTH, INNER),
            nn.Linear(INNER, WIDTH),
        )
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH, eps=1e-5), nn.LayerNorm(WIDTH, eps=1e-5)
        self.drop = nn.Dropout(0.15)

    def forward(self, x, mask):
        batch, length, _ = x.shape
        split = lambda t: t.view(batch, length, HEADS, -1).transpose(1, 2)
        attended = nn.functional.scaled_dot_product_attention(
            split(self.q(x)), split(self.k(x)), split(self.v(x)), attn_mask=mask
        )
        x = self.norm1(x + self.drop(self.out(attended.transpose(1, 2).reshape(batch, length, -1))))
        return self.norm2(x + self.drop(self.down(nn.functional.gelu(self.up(x)))))


class Reader(nn.Module):
    """From frozen states of statement and passage, marks on their words, and clues, to logits."""

    def __init__(self, hidden, mean, deviation):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.down = nn.Linear(hidden, WIDTH)
        self.marks = nn.Embedding(MARKS, WIDTH)
        self.parts = nn.Embedding(3, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-5)
        self.layers = nn.ModuleList(Block() for _ in range(LAYERS))
        self.attend = nn.Linear(WIDTH, 2)
        self.drop = nn.Dropout(0.3)
        self.out = nn.Sequential(
            nn.Linear(WIDTH * 5 + CLUES, 64), nn.GELU(), nn.Dropout(0.3), nn.Linear(64, CLASSES)
        )

    def forward(self, states, parts, marks, clues):
        mask = parts > 0
        keep = mask
        states = ((states - self.mean) / self.deviation).clamp(-6, 6)
        if self.training:
            states = states + 0.1 * torch.randn_like(states)
            states = nn.functional.dropout(states, 0.2)
            dropped = torch.rand(parts.shape) > 0.1
            dropped[:, 0] = True
            keep = mask & dropped
            marks = torch.where(torch.rand(marks.shape) > 0.05, marks, torch.zeros_like(marks))
        x = self.norm(self.down(states) + self.marks(marks) + self.parts(parts))
        for layer in self.layers:
            x = layer(x, keep[:, None, None, :])
        weights = self.attend(x).masked_fill(~mask[:, :, None], -1e4).softmax(1)
        attended = torch.einsum("btk,btd->bkd", weights, x).flatten(1)

        def mean(own):
            own = own.float()[:, :, None]
            return (x * own).sum(1) / own.sum(1).clamp(min=1)

        named = mean((parts == 2) & (marks % 2 == 1))
        pooled = [attended, mean(parts == 1), mean(parts == 2), named]
        return self.out(torch.cat([self.drop(torch.cat(pooled, 1)), clues], 1))


def batch(made: list) -> tuple[torch.Tensor, ...]:
    longest = max(sum(len(b) for _, b in parts) for parts, _ in made)
    hidden = made[0][0][0][0].shape[1]
    states = torch.zeros(len(made), longest, hidden)
    segments, marks = (
        torch.zeros(len(made), longest, dtype=torch.long),
        torch.zeros(len(made), longest, dtype=torch.long),
    )
    for i, (parts, _) in enumerate(made):
        at = 0
        for number, (own, bits) in enumerate(parts, 1):
            n = len(bits)
            states[i, at : at + n] = torch.from_numpy(own.astype(np.float32))
            segments[i, at : at + n] = number
            marks[i, at : at + n] = torch.tensor(bits)
            at += n
    return states, segments, marks, torch.tensor([c for _, c in made])


def probabilities(reader: nn.Module, made: list, size: int = 64) -> np.ndarray:
    reader.eval()
    order = sorted(range(len(made)), key=lambda i: len(made[i][0][1][1]))
    found = np.zeros((len(made), CLASSES), np.float32)
    with torch.inference_mode():
        for at in range(0, len(order), size):
            own = order[at : at + size]
            found[own] = reader(*batch([made[i] for i in own])).softmax(1).numpy()
    return found


def fit(train, hidden, mean, deviation, seed, epochs=10):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    reader = Reader(hidden, mean, deviation)
    optimizer = torch.optim.AdamW(reader.parameters(), lr=1.2e-3, weight_decay=0.03)
    weights = np.array([w for _, _, w in train])
    size = 48
    steps = epochs * math.ceil(len(train) / size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 1.2e-3, total_steps=steps, pct_start=0.15
    )
    for epoch in range(epochs):
        reader.train()
        order = rng.permutation(len(train))
        # Alike in length, for less padding.
        chunks = [
            sorted(order[i : i + size * 8], key=lambda j: len(train[j][0][0][1][1]))
            for i in range(0, len(order), size * 8)
        ]
        batches = [c[i : i + size] for c in chunks for i in range(0, len(c), size)]
        rng.shuffle(batches)
        total = 0.0
        for own in batches:
            logits = reader(*batch([train[i][0] for i in own]))
            want = torch.tensor([train[i][1] for i in own])
            weight = torch.tensor(weights[own], dtype=torch.float)
            loss = (
                nn.functional.cross_entropy(logits, want, label_smoothing=0.05, reduction="none")
                * weight
            ).sum() / weight.sum()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
            optimizer.step()
            if schedule.last_epoch < steps - 1:
                schedule.step()
            total += loss.item()
        print(f"seed {seed} epoch {epoch} loss {total / len(batches):.3f}", flush=True)
    return reader


def weight(row: dict) -> float:
    """Hand-written cases count most."""
    return 0.35 if row["split"] == "framed" else 1.0


def trained_on(made: list, splits: set[str]) -> list:
    return [
        (m, row["want"], weight(row)) for row, m in made if m is not None and row["split"] in splits
    ]


def decided(row: dict, probability: np.ndarray) -> int:
    """The reading: no fact is affirmed of which only a part is mentioned."""
    probability = probability.copy()
    if not row["whole"]:
        probability[0] = 0
    return int(probability.argmax())


def scores(wants: list[int], gots: list[int]) -> tuple[list[float], float]:
    """F1 of each reading, and their mean."""
    wants, gots = np.array(wants), np.array(gots)
    f1 = []
    for r in range(CLASSES):
        hit, told, true = ((wants == r) & (gots == r)).sum(), (gots == r).sum(), (wants == r).sum()
        f1.append(2 * hit / max(told + true, 1))
    return f1, float(np.mean(f1))


def table(made: list, found: list, split: str) -> None:
    """Prints the figures of a split: by rules and by the networks alone."""
    own = [(row, p) for (row, _), p in zip(made, found) if row["split"] == split]
    wants = [row["want"] for row, _ in own]
    rules = [row["rules"] if row.get("whole") else 3 for row, _ in own]
    networks = [3 if p is None else decided(row, p) for row, p in own]
    for name, gots in (("rules", rules), ("networks", networks)):
        f1, mean = scores(wants, gots)
        each = ", ".join(f"{reading} {figure:.3f}" for reading, figure in zip(READINGS, f1))
        print(f"{split}, {name}: n {len(wants)}, macro F1 {mean:.3f} ({each})")


def addition(readers: list, states: str) -> onnx.GraphProto:
    """The readers as a graph that goes on from the labeller's.

    Inputs `marks` (one per token) and `clues`, output `readings`.
    """
    import export

    class Graph(export.Graph):
        """All names are other than the labeller's, and all weights in half precision."""

        def name(self, hint):
            return "statements_" + super().name(hint)

        def coarse_linear(self, x, weight, bias):
            return self.linear(x, weight, bias)

    g = Graph()

    def mean(x, own):
        own = g("Unsqueeze", g("Cast", own, to=TensorProto.FLOAT), np.array([2]))
        count = g("Max", g("ReduceSum", own, np.array([1]), keepdims=0), np.float32(1))
        return g("Div", g("ReduceSum", g("Mul", x, own), np.array([1]), keepdims=0), count)

    half = lambda module: g(
        "Cast", g.constant(module.weight.detach().numpy().astype(np.float16)), to=TensorProto.FLOAT
    )
    stated, told = (g("Equal", "segments", np.int64(n)) for n in (1, 2))
    named = g("And", told, g("Equal", g("Mod", "marks", np.int64(2)), np.int64(1)))
    each = []
    for reader in readers:
        x = g(
            "Clip",
            export.standard(g, states, reader.mean, reader.deviation),
            np.float32(-6),
            np.float32(6),
        )
        x = g(
            "Add",
            g.linear(x, reader.down.weight, reader.down.bias),
            g("Gather", half(reader.marks), "marks"),
        )
        x = g.norm(g("Add", x, g("Gather", half(reader.parts), "segments")), reader.norm)
        for block in reader.layers:
            x = export.layer(g, x, block, HEADS)
        weights = g(
            "Transpose",
            g("Softmax", g.linear(x, reader.attend.weight, reader.attend.bias), axis=1),
            perm=[0, 2, 1],
        )
        attended = g("Reshape", g("MatMul", weights, x), np.array([0, -1], np.int64))
        pooled = g(
            "Concat", attended, mean(x, stated), mean(x, told), mean(x, named), "clues", axis=1
        )
        inner = g("Gelu", g.linear(pooled, reader.out[0].weight, reader.out[0].bias))
        each.append(g("Softmax", g.linear(inner, reader.out[3].weight, reader.out[3].bias), axis=1))
    g.nodes.append(helper.make_node("Mean", each, ["readings"], name="statements_readings"))
    marks = helper.make_tensor_value_info("marks", TensorProto.INT64, [1, "tokens"])
    inputs = [marks, helper.make_tensor_value_info("clues", TensorProto.FLOAT, [1, CLUES])]
    output = helper.make_tensor_value_info("readings", TensorProto.FLOAT, [1, CLASSES])
    return helper.make_graph(g.nodes, "statements", inputs, [output], g.constants)


def write(readers: list) -> None:
    content = addition(readers, frozen_states(labeller()[1].graph)).SerializeToString()
    packed = zstandard.ZstdCompressor(level=19).compress(content)
    with open(os.path.join(HERE, "statements.onnx.zst"), "wb") as file:
        file.write(packed)
    print(f"statements.onnx: {len(content)} bytes, {len(packed)} packed")


def main() -> None:
    evidence, folder, what = sys.argv[1:4]
    torch.set_num_threads(1)
    made = features(evidence, folder)
    kept = os.path.join(folder, "reader.pt")
    hidden = next(m for _, m in made if m)[0][0][0].shape[1]
    if what == "train":
        train = trained_on(made, {"train", "framed"})
        print(len(train), "to train on", flush=True)
        sample = np.concatenate([parts[1][0] for parts, _ in (m for m, _, _ in train[::5])]).astype(
            np.float32
        )
        mean, deviation = torch.from_numpy(sample.mean(0)), torch.from_numpy(sample.std(0) + 1e-3)
        readers = [fit(train, hidden, mean, deviation, seed) for seed in range(SEEDS)]
        torch.save([r.state_dict() for r in readers], kept)
    readers = []
    for state in torch.load(kept):
        reader = Reader(hidden, state["mean"], state["deviation"])
        reader.load_state_dict(state)
        readers.append(reader.eval())
    if what == "export":
        write(readers)
        return
    readable = [
        i for i, (_, m) in enumerate(made) if m is not None and made[i][0]["split"] != "framed"
    ]
    each = [probabilities(r, [made[i][1] for i in readable]) for r in readers]
    found = [None] * len(made)
    for i, p in zip(readable, np.mean(each, 0)):
        found[i] = p
    for split in ("validation", "test"):
        table(made, found, split)


if __name__ == "__main__":
    main()
