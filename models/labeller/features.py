"""The encoder's frozen states of every piece of every answer, so that the layers above them can be trained many times.

    python features.py SPEECHMAP FEATURES

writes FEATURES/states.npy (token × 384, half precision), FEATURES/pieces.json (each piece's first token, and its tokens) and FEATURES/places.json
(a row an answer: the places of its question and three pieces, -1 where there is none). About 6 minutes on two cores and 1 GB of disk.
"""

import json
import os
import sys

import numpy as np
import torch

from data import rows
from encoder import Encoder, Weights
from network import FROZEN
from pieces import pieces, vocabulary

BATCH = 32


def main():
    speechmap, features = sys.argv[1:3]
    weights = Weights()
    tokenizer, kept = vocabulary(weights)
    start, end, pad = (kept.index(i) for i in (weights.bos, weights.eos, weights.pad))
    places, known = [], {}
    for row in rows(speechmap):
        found = pieces(tokenizer, row["question"], row["answer"])
        places.append([known.setdefault((start, *piece, end), len(known)) if piece else -1 for piece in found])
    ids = list(known)
    first = np.concatenate([[0], np.cumsum([len(i) for i in ids])]).tolist()
    print(f"{len(places)} answers, {len(ids)} pieces, {first[-1]} tokens", flush=True)
    os.makedirs(features, exist_ok=True)
    with open(os.path.join(features, "places.json"), "w") as file:
        json.dump(places, file)
    with open(os.path.join(features, "pieces.json"), "w") as file:
        json.dump([first, [list(i) for i in ids]], file)
    states = np.lib.format.open_memmap(os.path.join(features, "states.npy"), "w+", np.float16, (first[-1], weights.hidden))
    encoder = Encoder(weights, layers=FROZEN, kept=kept).eval()
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    with torch.inference_mode():
        for at in range(0, len(order), BATCH):
            batch = order[at : at + BATCH]
            length = max(len(ids[i]) for i in batch)
            tokens = torch.full((len(batch), length), pad)
            mask = torch.zeros(len(batch), length)
            for k, i in enumerate(batch):
                tokens[k, : len(ids[i])] = torch.tensor(ids[i])
                mask[k, : len(ids[i])] = 1
            x, wide = encoder.embed(tokens), mask[:, None, None, :].bool()
            for layer in encoder.layers:
                x = layer(x, wide)
            for k, i in enumerate(batch):
                states[first[i] : first[i + 1]] = x[k, : len(ids[i])].numpy()
            if at // BATCH % 20 == 0:
                print(f"{at}/{len(order)}", flush=True)


if __name__ == "__main__":
    main()
