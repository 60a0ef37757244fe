"""Writes the trained labeller as one ONNX file, and its tokenizer.

    python export.py FEATURES OUT

OUT/labeller.onnx.zst: inputs `ids`, `places`, `segments`, `languages` (1 × tokens, int64, the
segments in order, the languages as languages.py counts them) and `surface` (1 × 15, float); output
`probabilities` (1 × 3). All but two of the layers' matrices are multiplied in 8 bits. The embedding
is stored in one-byte steps per value, which compression brings back to the four bits they came in.
OUT/tokenizer.json.zst: the pieces that are kept.
"""

import os
import sys
import tempfile

import numpy as np
import onnx
import torch
import zstandard
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from encoder import BLOCK, Encoder, Weights
from network import FROZEN, TRAINED
from pieces import vocabulary


# Layers whose last multiplication loses most in 8 bits: without these two the probabilities differ
# by a third less.
FINE = (4, 5)


class Graph:
    """An ONNX graph in the making."""

    def __init__(self):
        self.nodes, self.constants, self.count = [], [], 0
        # Multiplications that may be done in 8 bits.
        self.coarse = []

    def name(self, hint: str) -> str:
        self.count += 1
        return f"{hint}_{self.count}"

    def constant(self, value: np.ndarray, hint: str = "c") -> str:
        name = self.name(hint)
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def __call__(self, op, *inputs, outputs=1, **attributes):
        names = [self.name(op.lower()) for _ in range(outputs)]
        inputs = [i if isinstance(i, str) else self.constant(i) for i in inputs]
        self.nodes.append(helper.make_node(op, inputs, names, name=names[0], **attributes))
        return names[0] if outputs == 1 else names

    def linear(self, x: str, weight: torch.Tensor, bias: torch.Tensor) -> str:
        matrix = self(
            "Cast",
            self.constant(weight.detach().numpy().T.astype(np.float16)),
            to=TensorProto.FLOAT,
        )
        return self("Add", self("MatMul", x, matrix), bias.detach().numpy())

    def coarse_linear(self, x: str, weight: torch.Tensor, bias: torch.Tensor) -> str:
        product = self("MatMul", x, weight.detach().numpy().T.copy())
        self.coarse.append(product)
        return self("Add", product, bias.detach().numpy())

    def norm(self, x: str, module: torch.nn.LayerNorm) -> str:
        return self(
            "LayerNormalization",
            x,
            module.weight.detach().numpy(),
            module.bias.detach().numpy(),
            axis=-1,
            epsilon=module.eps,
        )


def steps(matrix: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """A matrix as the steps that its blocks of a row came in (0 … 15 − 8), and each block's
    scale, found as the one that makes every value whole."""
    matrix = matrix.detach().numpy().astype(np.float32)
    parts = matrix.reshape(len(matrix), -1, BLOCK)
    largest = np.abs(parts).max(-1)
    scale, error = largest / 8, np.full(largest.shape, np.inf)
    for step in range(1, 9):
        other = (largest / step).astype(np.float16).astype(np.float32)
        ratio = parts / np.maximum(other, 1e-12)[..., None]
        off = np.abs(ratio - np.round(ratio)).max(-1)
        better = off < np.minimum(error, 0.02) if step < 8 else off < error
        scale, error = np.where(better, other, scale), np.where(better, off, error)
    scale = scale.astype(np.float16)
    whole = np.round(parts / np.maximum(scale.astype(np.float32), 1e-12)[..., None])
    return np.clip(whole, -128, 127).astype(np.int8), scale


def layer(g, x, module, heads, lengths=None, fine=False):
    """One layer. Attention is within pieces of these lengths, or over everything. A fine one's
    last multiplication is not in 8 bits."""
    hidden = module.norm1.weight.shape[0]
    size = hidden // heads
    three = [module.q, module.k, module.v]
    scales = [size**-0.5, 1, 1]
    weight = torch.cat([linear.weight * scale for linear, scale in zip(three, scales)])
    bias = torch.cat([linear.bias * scale for linear, scale in zip(three, scales)])
    split = g("Reshape", g.coarse_linear(x, weight, bias), np.array([-1, 3, heads, size], np.int64))
    split = g("Transpose", split, perm=[1, 2, 0, 3])
    attended = []
    for piece in g("Split", split, lengths, axis=2, outputs=4) if lengths else [split]:
        q, k, v = g("Split", piece, axis=0, num_outputs=3, outputs=3)
        attended.append(
            g(
                "MatMul",
                g("Softmax", g("MatMul", q, g("Transpose", k, perm=[0, 1, 3, 2])), axis=-1),
                v,
            )
        )
    attended = g("Concat", *attended, axis=2) if lengths else attended[0]
    attended = g(
        "Reshape", g("Transpose", attended, perm=[0, 2, 1, 3]), np.array([1, -1, hidden], np.int64)
    )
    x = g.norm(
        g("Add", x, g.coarse_linear(attended, module.out.weight, module.out.bias)), module.norm1
    )
    inner = g("Gelu", g.coarse_linear(x, module.up.weight, module.up.bias))
    down = g.linear if fine else g.coarse_linear
    return g.norm(g("Add", x, down(inner, module.down.weight, module.down.bias)), module.norm2)


def pooled(g: Graph, x: str, segments: str) -> list[str]:
    """The mean of each segment's tokens; zeros where it has none."""
    means = []
    for segment in (1, 2, 3, 4):
        own = g(
            "Unsqueeze",
            g("Cast", g("Equal", segments, np.int64(segment)), to=TensorProto.FLOAT),
            np.array([2]),
        )
        count = g("Max", g("ReduceSum", own, np.array([1]), keepdims=0), np.float32(1))
        means.append(g("Div", g("ReduceSum", g("Mul", x, own), np.array([1]), keepdims=0), count))
    return means


def unit(g: Graph, x: str) -> str:
    """A row of length one; zeros where it is of zeros."""
    return g("Div", x, g("Max", g("ReduceL2", x, np.array([1]), keepdims=1), np.float32(1e-6)))


def standard(g: Graph, x: str, mean: torch.Tensor, deviation: torch.Tensor) -> str:
    """How many deviations from the mean."""
    return g("Div", g("Sub", x, mean.numpy()), deviation.numpy())


def pair_features(g: Graph, means: list[str], surface: str) -> str:
    """Features of question and parts, the input of the small networks."""
    question, *parts = (unit(g, m) for m in means)
    blocks, cosines = [], []
    for part in parts:
        product = g("Mul", question, part)
        blocks += [part, g("Mul", product, np.float32(8)), g("Abs", g("Sub", question, part))]
        cosines.append(g("ReduceSum", product, np.array([1]), keepdims=1))
    return g("Concat", *blocks, *cosines, surface, axis=1)


def member(g: Graph, x: str, state: dict[str, torch.Tensor]) -> str:
    """Logits of a small network."""
    x = g("Clip", standard(g, x, state["mean"], state["deviation"]), np.float32(-6), np.float32(6))
    inner = g("Gelu", g.linear(x, state["layers.1.weight"], state["layers.1.bias"]))
    return g.linear(inner, state["layers.4.weight"], state["layers.4.bias"])


def by_words(g: Graph, state: dict[str, torch.Tensor], surface: str) -> str:
    """Logits of the answer's words."""
    of_answer = g("Cast", g("Greater", "segments", np.int64(1)), to=TensorProto.FLOAT)
    rarity = unit(g, g("Mul", g("Gather", state["rarity"].numpy(), "ids"), of_answer))
    word_logits = g(
        "MatMul",
        g("Unsqueeze", rarity, np.array([1])),
        g("Gather", state["table.weight"].numpy(), "ids"),
    )
    counts = standard(g, surface, state["mean"], state["deviation"])
    return g(
        "Add",
        g("Squeeze", word_logits, np.array([1])),
        g.linear(counts, state["out.weight"], state["out.bias"]),
    )


def build(weights, encoder, trained, parts, offsets):
    g = Graph()
    whole, scale = steps(encoder.word.weight)
    gathered = g("Cast", g("Gather", g.constant(whole, "word"), "ids"), to=TensorProto.FLOAT)
    word = g(
        "Mul",
        gathered,
        g(
            "Cast",
            g("Gather", g.constant(scale[..., None], "word_scale"), "ids"),
            to=TensorProto.FLOAT,
        ),
    )
    x = g("Reshape", word, np.array([0, 0, weights.hidden], np.int64))
    place = g("Gather", encoder.position.weight.detach().numpy() + encoder.kind.numpy(), "places")
    x = g.norm(g("Add", x, place), encoder.norm)
    of_segments = [
        g(
            "ReduceSum",
            g("Cast", g("Equal", "segments", np.int64(s)), to=TensorProto.INT64),
            keepdims=0,
        )
        for s in (1, 2, 3, 4)
    ]
    lengths = g("Concat", *(g("Reshape", length, np.array([1])) for length in of_segments), axis=0)
    for number, module in enumerate(encoder.layers):
        x = layer(g, x, module, weights.heads, lengths, number in FINE)
    x = g("Sub", x, g("Gather", offsets, "languages"))
    means = pair_features(g, pooled(g, x, "segments"), "surface")
    by_members = g("Mean", *(member(g, means, state) for state in parts["members"]))
    state = parts["network"]
    x = g("Add", x, g("Gather", state["seg.weight"].numpy(), "segments"))
    for module in trained:
        x = layer(g, x, module, weights.heads)
    attention = g.linear(x, state["att.weight"], state["att.bias"])
    attention = g("Softmax", attention, axis=1)
    attended = g(
        "Reshape",
        g("MatMul", g("Transpose", attention, perm=[0, 2, 1]), x),
        np.array([0, -1], np.int64),
    )
    surface = standard(g, "surface", state["um"], state["us"])
    everything = g("Concat", attended, *pooled(g, x, "segments"), surface, axis=1)
    inner = g("Gelu", g.linear(everything, state["out.0.weight"], state["out.0.bias"]))
    by_network = g.linear(inner, state["out.3.weight"], state["out.3.bias"])
    log = lambda logits: g("LogSoftmax", logits, axis=1)
    both = g("Mean", log(by_network), log(by_members))
    # A third is the words' in the languages they speak: by the answer's, which is the last token's.
    language = g("Gather", "languages", np.array([-1]), axis=1)
    share = g("Gather", np.array(parts["spoken"], np.float32) / 3, language)
    words = log(by_words(g, parts["words"], "surface"))
    all_three = g("Add", both, g("Mul", share, g("Sub", words, both)))
    g.nodes.append(helper.make_node("Softmax", [all_three], ["probabilities"], axis=1))
    tokens = lambda name: helper.make_tensor_value_info(name, TensorProto.INT64, [1, "tokens"])
    inputs = [tokens(n) for n in ("ids", "places", "segments", "languages")]
    inputs.append(helper.make_tensor_value_info("surface", TensorProto.FLOAT, [1, 15]))
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 3])
    graph = helper.make_graph(g.nodes, "labeller", inputs, [output], g.constants)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9, producer_name="candor"
    )
    onnx.checker.check_model(model)
    return model, g.coarse


def main() -> None:
    features, out = sys.argv[1:3]
    weights = Weights()
    tokenizer, kept = vocabulary(weights)
    parts = torch.load(os.path.join(features, "labeller.pt"))
    encoder = Encoder(weights, layers=FROZEN + TRAINED, kept=kept).eval()
    trained = encoder.layers[FROZEN:]
    own = {
        k.removeprefix("layers."): v for k, v in parts["network"].items() if k.startswith("layers.")
    }
    trained.load_state_dict(own)
    encoder.layers = encoder.layers[:FROZEN]
    os.makedirs(out, exist_ok=True)
    model, coarse = build(
        weights, encoder, trained, parts, np.load(os.path.join(features, "offsets.npy"))
    )
    with tempfile.TemporaryDirectory() as folder:
        fine, quantised = (os.path.join(folder, name) for name in ("fine.onnx", "labeller.onnx"))
        onnx.save(model, fine)
        quantize_dynamic(
            fine, quantised, per_channel=True, weight_type=QuantType.QInt8, nodes_to_quantize=coarse
        )
        # Weights have no repetitions: what higher levels find there costs two megabytes more than
        # it saves.
        written = {
            "labeller.onnx": (open(quantised, "rb").read(), 1),
            "tokenizer.json": (tokenizer.to_str().encode(), 22),
        }
    for name, (content, level) in written.items():
        packed = zstandard.ZstdCompressor(level=level).compress(content)
        with open(os.path.join(out, name + ".zst"), "wb") as file:
            file.write(packed)
        print(f"{name}: {len(content)} bytes, {len(packed)} packed")
    print("begins and ends a piece:", kept.index(weights.bos), kept.index(weights.eos))


if __name__ == "__main__":
    main()
