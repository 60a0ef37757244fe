"""Frozen features of every SpeechMap answer: the encoder's pooled layers for the question and three parts of the answer.

    python features.py SPEECHMAP FEATURES [--limit N]

writes FEATURES/pooled.npy (text × layer × 384, half precision; layers 3, 6, 8, 10 and 12 averaged over tokens, and the maximum of 12) and
FEATURES/places.json (a row an answer: the places of its question and parts, -1 where there is none). About 17 minutes on two cores.
"""

import argparse
import json
import os

import numpy as np
import torch

from data import rows
from encoder import Encoder, Weights

LAYERS = [3, 6, 8, 10, 12]
LONGEST = 300
BATCH = 32


def is_cjk(text):
    """Whether more than a fifth of a text's beginning is Han."""
    start = text[:400]
    return sum("\u4e00" <= c <= "\u9fff" for c in start) > 0.2 * max(1, len(start))


def parts(answer):
    """The answer's first 700 characters, its next 700, and its last 700 where there are more; 300 for Han."""
    n = 300 if is_cjk(answer) else 700
    return [answer[:n], answer[n : 2 * n], answer[-n:] if len(answer) > 2 * n else ""]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("speechmap")
    arguments.add_argument("features")
    arguments.add_argument("--limit", type=int)
    arguments = arguments.parse_args()
    places, known = [], {}
    for row in list(rows(arguments.speechmap))[: arguments.limit]:
        texts = ["query: " + row["question"]]
        texts += ["passage: " + part if part.strip() else None for part in parts(row["answer"].strip())]
        places.append([-1 if t is None else known.setdefault(t, len(known)) for t in texts])
    weights = Weights()
    tokenizer, _ = weights.tokenizer()
    encoder = Encoder(weights).eval()
    ids = [[weights.bos] + tokenizer.encode(text).ids[:LONGEST] + [weights.eos] for text in known]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    pooled = np.zeros((len(ids), len(LAYERS) + 1, weights.hidden), np.float16)
    with torch.inference_mode():
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            length = max(len(ids[i]) for i in batch)
            tokens = torch.full((len(batch), length), weights.pad)
            mask = torch.zeros(len(batch), length)
            for k, i in enumerate(batch):
                tokens[k, : len(ids[i])] = torch.tensor(ids[i])
                mask[k, : len(ids[i])] = 1
            x, wide, kept = encoder.embed(tokens), mask[:, None, None, :].bool(), mask[:, :, None]
            for number, layer in enumerate(encoder.layers, 1):
                x = layer(x, wide)
                if number in LAYERS:
                    pooled[batch, LAYERS.index(number)] = ((x * kept).sum(1) / kept.sum(1)).numpy()
            pooled[batch, -1] = (x - 1e4 * (1 - kept)).max(1).values.numpy()
    os.makedirs(arguments.features, exist_ok=True)
    np.save(os.path.join(arguments.features, "pooled.npy"), pooled)
    with open(os.path.join(arguments.features, "places.json"), "w") as file:
        json.dump(places, file)


if __name__ == "__main__":
    main()
