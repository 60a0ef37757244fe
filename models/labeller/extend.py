"""Puts the second reader into the graph that `export.py` wrote.

    python extend.py FEATURES GRAPH

rewrites GRAPH (labeller.onnx.zst): its output `probabilities` is then that of both readers
together. The second reads the same frozen states. One that is there already is replaced.
"""

import os
import sys

import numpy as np
import onnx
import torch
import zstandard
from onnx import TensorProto, helper

import export
from general import OPENING, SECOND_READER, frozen_states, is_second
from mixture import mixed_graph


class Graph(export.Graph):
    """Nodes beside those that are there, under names of their own."""

    def name(self, hint):
        return SECOND_READER + super().name(hint)


def share(g, mask):
    """A mask (1 × tokens) as weights that sum to one; to zero where it has nothing."""
    return g("Div", mask, g("Max", g("ReduceSum", mask, np.array([1]), keepdims=1), np.float32(1)))


def weighted(g, weights, x):
    """The mean of states under weights that sum to one."""
    return g("Squeeze", g("MatMul", g("Unsqueeze", weights, np.array([1])), x), np.array([1]))


def nearness(g, similar, mask):
    """How near each token's nearest among those of a mask is."""
    masked = g("Mul", g("Sub", np.float32(1), g("Unsqueeze", mask, np.array([1]))), np.float32(4))
    return g("ReduceMax", g("Sub", similar, masked), np.array([2]), keepdims=0)


def features(g, states):
    """What `general.Answers.reading` makes of an answer read whole."""
    mask = lambda condition: g("Cast", condition, to=TensorProto.FLOAT)
    segments = [mask(g("Equal", "segments", np.int64(s))) for s in (1, 2, 3, 4)]
    question, *parts = [export.unit(g, weighted(g, share(g, s), states)) for s in segments]
    blocks = []
    for part in parts:
        product = g("Mul", question, part)
        blocks += [part, g("Mul", product, np.float32(8)), g("Abs", g("Sub", question, part))]
        blocks.append(g("ReduceSum", product, np.array([1]), keepdims=1))
    opening = g("Mul", segments[1], mask(g("Less", "places", np.int64(OPENING))))
    blocks.append(export.unit(g, weighted(g, share(g, opening), states)))
    lengths = g("Max", g("ReduceL2", states, np.array([2]), keepdims=1), np.float32(1e-6))
    units = g("Div", states, lengths)
    similar = g("MatMul", units, g("Transpose", units, perm=[0, 2, 1]))
    has = [g("Min", g("ReduceSum", s, np.array([1]), keepdims=1), np.float32(1)) for s in segments]
    to_question = nearness(g, similar, segments[0])
    for k in (1, 2, 3):
        both = g("Mul", has[0], has[k])
        sides = (
            (share(g, segments[0]), nearness(g, similar, segments[k])),
            (share(g, segments[k]), to_question),
        )
        for weights, nearest in sides:
            blocks.append(
                g(
                    "Mul",
                    both,
                    g("ReduceSum", g("Mul", weights, nearest), np.array([1]), keepdims=1),
                )
            )
    return g("Concat", *blocks, "surface", axis=1)


def reader(g, x, state):
    """Logits of one trained network."""
    x = g(
        "Clip",
        export.standard(g, x, state["mean"], state["deviation"]),
        np.float32(-6),
        np.float32(6),
    )
    inner = g("Gelu", g.linear(x, state["layers.1.weight"], state["layers.1.bias"]))
    return g.linear(inner, state["layers.4.weight"], state["layers.4.bias"])


def taken_out(model):
    """Takes out the end of the graph, and a second reader that is there. Gives the name of the first
    reader's logits."""
    graph = model.graph
    [last] = [node for node in graph.node if node.output[0] == "probabilities"]
    second = [node for node in graph.node if is_second(node)]
    made = {name for node in second for name in node.output}
    ends = [
        node.input[0]
        for node in [last, *second]
        if node.op_type in ("Softmax", "LogSoftmax") and node.input[0] not in made
    ]
    for node in [last, *second]:
        graph.node.remove(node)
    for constant in [c for c in graph.initializer if c.name.startswith(SECOND_READER)]:
        graph.initializer.remove(constant)
    [first] = ends
    return first


def main():
    folder, path = sys.argv[1:3]
    with open(path, "rb") as file:
        model = onnx.load_from_string(
            zstandard.ZstdDecompressor().decompress(file.read(), max_output_size=1 << 30)
        )
    first = taken_out(model)
    g = Graph()
    states, offsets = frozen_states(model)
    states = g("Sub", states, g("Gather", offsets, "languages"))
    x = features(g, states)
    said = [reader(g, x, state) for state in torch.load(os.path.join(folder, "general.pt"))]
    said = g("Mean", *said) if len(said) > 1 else said[0]
    mixed = mixed_graph(g, first, said)
    g.nodes.append(helper.make_node("Softmax", [mixed], ["probabilities"], axis=1))
    model.graph.node.extend(g.nodes)
    model.graph.initializer.extend(g.constants)
    onnx.checker.check_model(model)
    packed = zstandard.ZstdCompressor(level=1).compress(model.SerializeToString())
    with open(path, "wb") as file:
        file.write(packed)
    print(f"{os.path.basename(path)}: {len(packed)} bytes")


if __name__ == "__main__":
    main()
