"""Writes the trained labeller as one ONNX file, and its tokenizer.

    python export.py FEATURES OUT

OUT/labeller.onnx.zst: inputs `ids`, `places`, `segments` (batch × tokens, int64; segment 0 is padding) and `surface` (batch × 15, float); output
`probabilities` (batch × 3). Attention and the layers' first matrices are multiplied in 8 bits; their second ones, whose inputs have a wide
range, in full precision. The embedding and those second matrices are stored in steps a byte a value, which compression brings back to the four
bits they came in. OUT/tokenizer.json.zst: the pieces that are kept.
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
from network import FROZEN
from pieces import vocabulary


class Graph:
    """An ONNX graph in the making."""

    def __init__(self):
        self.nodes, self.constants, self.count = [], [], 0
        # Multiplications that may be done in 8 bits.
        self.coarse = []

    def name(self, hint):
        self.count += 1
        return f"{hint}_{self.count}"

    def constant(self, value, hint="c"):
        name = self.name(hint)
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def __call__(self, op, *inputs, outputs=1, **attributes):
        names = [self.name(op.lower()) for _ in range(outputs)]
        inputs = [i if isinstance(i, str) else self.constant(i) for i in inputs]
        self.nodes.append(helper.make_node(op, inputs, names, name=names[0], **attributes))
        return names[0] if outputs == 1 else names

    def blocks(self, matrix, levels):
        """A matrix as steps of a byte and a scale a block of its rows, and back."""
        matrix = matrix.detach().numpy().astype(np.float32)
        rows, columns = matrix.shape
        pad = -columns % BLOCK
        parts = np.pad(matrix, ((0, 0), (0, pad))).reshape(rows, -1, BLOCK)
        if levels == 8:
            # The steps that the weights came in: a block's smallest distance between values is its scale.
            scale = four_bit_scale(parts)
        else:
            scale = np.maximum(np.abs(parts).max(-1), 1e-8) / 127
        scale = scale.astype(np.float16)
        steps = np.clip(np.round(parts / np.maximum(scale.astype(np.float32), 1e-12)[..., None]), -128, 127).astype(np.int8)
        return steps, scale, columns

    def matrix(self, matrix, levels):
        steps, scale, columns = self.blocks(matrix, levels)
        rows = steps.shape[0]
        value = self("Mul", self("Cast", self.constant(steps), to=TensorProto.FLOAT), self("Cast", self.constant(scale[..., None]), to=TensorProto.FLOAT))
        value = self("Reshape", value, np.array([rows, -1], np.int64))
        if steps.shape[1] * BLOCK != columns:
            value = self("Slice", value, np.array([0]), np.array([columns]), np.array([1]))
        return self("Transpose", value, perm=[1, 0])

    def linear(self, x, weight, bias, levels):
        return self("Add", self("MatMul", x, self.matrix(weight, levels)), bias.detach().numpy())

    def coarse_linear(self, x, module):
        product = self("MatMul", x, module.weight.detach().numpy().T.copy())
        self.coarse.append(product)
        return self("Add", product, module.bias.detach().numpy())

    def norm(self, x, module):
        return self("LayerNormalization", x, module.weight.detach().numpy(), module.bias.detach().numpy(), axis=-1, epsilon=module.eps)


def four_bit_scale(parts):
    """The scale of blocks whose values are (0 … 15 − 8) × scale, found as the scale that makes every value whole."""
    largest = np.abs(parts).max(-1)
    best, error = largest / 8, np.full(largest.shape, np.inf)
    for steps in range(1, 9):
        scale = (largest / steps).astype(np.float16).astype(np.float32)
        ratio = parts / np.maximum(scale, 1e-12)[..., None]
        off = np.abs(ratio - np.round(ratio)).max(-1)
        better = off < np.minimum(error, 0.02) if steps < 8 else off < error
        best, error = np.where(better, scale, best), np.where(better, off, error)
    return best


def layer(g, x, mask, module, levels, heads):
    hidden = module.norm1.weight.shape[0]
    split = np.array([0, 0, heads, hidden // heads], np.int64)

    def head(linear, perm):
        return g("Transpose", g("Reshape", g.coarse_linear(x, linear), split), perm=perm)

    q, k, v = head(module.q, [0, 2, 1, 3]), head(module.k, [0, 2, 3, 1]), head(module.v, [0, 2, 1, 3])
    scores = g("Mul", g("MatMul", q, k), np.float32((hidden // heads) ** -0.5))
    weights = g("Softmax", g("Add", scores, mask), axis=-1)
    attended = g("Reshape", g("Transpose", g("MatMul", weights, v), perm=[0, 2, 1, 3]), np.array([0, 0, hidden], np.int64))
    x = g.norm(g("Add", x, g.coarse_linear(attended, module.out)), module.norm1)
    inner = g("Gelu", g.coarse_linear(x, module.up))
    return g.norm(g("Add", x, g.linear(inner, module.down.weight, module.down.bias, levels)), module.norm2)


def away(g, allowed):
    """0 where attention is allowed, far below where it is not."""
    return g("Mul", g("Sub", g("Cast", allowed, to=TensorProto.FLOAT), np.float32(1)), np.float32(1e4))


def pooled(g, x, segments):
    """The mean of each segment's tokens; zeros where it has none."""
    means = []
    for segment in (1, 2, 3, 4):
        own = g("Unsqueeze", g("Cast", g("Equal", segments, np.int64(segment)), to=TensorProto.FLOAT), np.array([2]))
        count = g("Max", g("ReduceSum", own, np.array([1]), keepdims=0), np.float32(1))
        means.append(g("Div", g("ReduceSum", g("Mul", x, own), np.array([1]), keepdims=0), count))
    return means


def regression(g, means, surface, weight, bias):
    """Logits of the logistic regression over question and parts side by side."""
    unit = lambda m: g("Div", m, g("Max", g("ReduceL2", m, np.array([1]), keepdims=1), np.float32(1e-6)))
    question, *parts = (unit(m) for m in means)
    blocks, cosines = [], []
    for part in parts:
        product = g("Mul", question, part)
        blocks += [part, g("Mul", product, np.float32(8)), g("Abs", g("Sub", question, part))]
        cosines.append(g("ReduceSum", product, np.array([1]), keepdims=1))
    beside = g("Concat", *blocks, *cosines, surface, axis=1)
    return g("Add", g("MatMul", beside, weight.numpy().T.copy()), bias.numpy())


def build(weights, encoder, trained, parts):
    g = Graph()
    four = 8
    steps, scale, _ = g.blocks(encoder.word.weight, four)
    gathered = g("Cast", g("Gather", g.constant(steps, "word"), "ids"), to=TensorProto.FLOAT)
    word = g("Mul", gathered, g("Cast", g("Gather", g.constant(scale[..., None], "word_scale"), "ids"), to=TensorProto.FLOAT))
    x = g("Reshape", word, np.array([0, 0, weights.hidden], np.int64))
    place = g("Gather", encoder.position.weight.detach().numpy() + encoder.kind.numpy(), "places")
    x = g.norm(g("Add", x, place), encoder.norm)
    rows, columns = (g("Unsqueeze", "segments", np.array([axis])) for axis in (2, 1))
    present = g("Greater", "segments", np.int64(0))
    within = g("And", g("Equal", rows, columns), g("Unsqueeze", present, np.array([1])))
    apart = away(g, g("Unsqueeze", within, np.array([1])))
    for module in encoder.layers:
        x = layer(g, x, apart, module, four, weights.heads)
    by_regression = regression(g, pooled(g, x, "segments"), "surface", parts["weight"], parts["bias"])
    state = parts["network"]
    x = g("Add", x, g("Gather", state["seg.weight"].numpy(), "segments"))
    together = away(g, g("Unsqueeze", present, np.array([1, 2])))
    for module in trained:
        x = layer(g, x, together, module, 127, weights.heads)
    attention = g.linear(x, state["att.weight"], state["att.bias"], 127)
    attention = g("Softmax", g("Add", attention, away(g, g("Unsqueeze", present, np.array([2])))), axis=1)
    attended = g("Reshape", g("MatMul", g("Transpose", attention, perm=[0, 2, 1]), x), np.array([0, -1], np.int64))
    surface = g("Div", g("Sub", "surface", state["um"].numpy()), state["us"].numpy())
    everything = g("Concat", attended, *pooled(g, x, "segments"), surface, axis=1)
    inner = g("Gelu", g.linear(everything, state["out.0.weight"], state["out.0.bias"], 127))
    by_network = g.linear(inner, state["out.3.weight"], state["out.3.bias"], 127)
    half = lambda logits: g("Mul", g("Softmax", logits, axis=1), np.float32(0.5))
    both = g("Add", half(by_network), half(by_regression))
    g.nodes.append(helper.make_node("Identity", [both], ["probabilities"]))
    tokens = lambda name: helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
    inputs = [tokens(n) for n in ("ids", "places", "segments")] + [helper.make_tensor_value_info("surface", TensorProto.FLOAT, ["batch", 15])]
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 3])
    graph = helper.make_graph(g.nodes, "labeller", inputs, [output], g.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9, producer_name="candor")
    onnx.checker.check_model(model)
    return model, g.coarse


def main():
    features, out = sys.argv[1:3]
    weights = Weights()
    tokenizer, kept = vocabulary(weights)
    parts = torch.load(os.path.join(features, "labeller.pt"))
    encoder = Encoder(weights, layers=FROZEN + 2, kept=kept).eval()
    trained = encoder.layers[FROZEN:]
    own = {k.removeprefix("layers."): v for k, v in parts["network"].items() if k.startswith("layers.")}
    trained.load_state_dict(own)
    encoder.layers = encoder.layers[:FROZEN]
    os.makedirs(out, exist_ok=True)
    model, coarse = build(weights, encoder, trained, parts)
    with tempfile.TemporaryDirectory() as folder:
        fine, quantised = (os.path.join(folder, name) for name in ("fine.onnx", "labeller.onnx"))
        onnx.save(model, fine)
        quantize_dynamic(fine, quantised, per_channel=True, weight_type=QuantType.QInt8, nodes_to_quantize=coarse)
        written = {"labeller.onnx": open(quantised, "rb").read(), "tokenizer.json": tokenizer.to_str().encode()}
    for name, content in written.items():
        packed = zstandard.ZstdCompressor(level=22).compress(content)
        with open(os.path.join(out, name + ".zst"), "wb") as file:
            file.write(packed)
        print(f"{name}: {len(content)} bytes, {len(packed)} packed")
    print("begins and ends a piece:", kept.index(weights.bos), kept.index(weights.eos))


if __name__ == "__main__":
    main()
