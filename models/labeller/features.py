"""The encoder's frozen states of every piece of every answer, so that the layers above them can be
trained many times.

    python features.py SPEECHMAP FEATURES

writes FEATURES/offsets.npy (language × 384: what is taken off the states of each),
FEATURES/states.npy (token × 384, half precision, the language's offset taken off),
FEATURES/pieces.json (each piece's first token, and its tokens) and FEATURES/places.json (a row an
answer: the places of its question and three pieces, -1 where there is none). About 6 minutes on two
cores and 1 GB of disk.
"""

import json
import os
import sys

import numpy as np
import torch

import languages
from data import rows
from encoder import Encoder, Weights
from network import FROZEN
from pieces import QUESTION, pieces, vocabulary

BATCH = 32


class Frozen:
    """The encoder's frozen layers, and the tokenizer that they read with."""

    def __init__(self):
        weights = Weights()
        self.hidden = weights.hidden
        self.tokenizer, kept = vocabulary(weights)
        self.start, self.end, self.pad = (
            kept.index(i) for i in (weights.bos, weights.eos, weights.pad)
        )
        self.encoder = Encoder(weights, layers=FROZEN, kept=kept).eval()

    def states(self, ids):
        """Place and states of each of these pieces, shortest first."""
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        for at in range(0, len(order), BATCH):
            batch = order[at : at + BATCH]
            length = max(len(ids[i]) for i in batch)
            tokens = torch.full((len(batch), length), self.pad)
            mask = torch.zeros(len(batch), length)
            for k, i in enumerate(batch):
                tokens[k, : len(ids[i])] = torch.tensor(ids[i])
                mask[k, : len(ids[i])] = 1
            with torch.inference_mode():
                x, wide = self.encoder.embed(tokens), mask[:, None, None, :].bool()
                for layer in self.encoder.layers:
                    x = layer(x, wide)
            for k, i in enumerate(batch):
                yield i, x[k, : len(ids[i])].numpy()

    def piece(self, tokens):
        return (self.start, *tokens, self.end)

    def means(self, texts: list[str]) -> np.ndarray:
        """Mean states of questions."""
        ids = [self.piece(self.tokenizer.encode(text).ids[:QUESTION]) for text in texts]
        found = np.zeros((len(ids), self.hidden))
        for i, states in self.states(ids):
            found[i] = states.mean(0)
        return found


def main() -> None:
    speechmap, features = sys.argv[1:3]
    frozen = Frozen()
    os.makedirs(features, exist_ok=True)
    offsets = languages.offsets(frozen.means)
    np.save(os.path.join(features, "offsets.npy"), offsets)
    places, known = [], {}
    for row in rows(speechmap):
        found = pieces(frozen.tokenizer, row["question"], row["answer"])
        spoken = [
            languages.place(row[of]) for of in ("question_language", *["answer_language"] * 3)
        ]
        places.append(
            [
                known.setdefault((own, frozen.piece(piece)), len(known)) if piece else -1
                for own, piece in zip(spoken, found)
            ]
        )
    spoken, ids = zip(*known)
    first = np.concatenate([[0], np.cumsum([len(i) for i in ids])]).tolist()
    print(f"{len(places)} answers, {len(ids)} pieces, {first[-1]} tokens", flush=True)
    with open(os.path.join(features, "places.json"), "w") as file:
        json.dump(places, file)
    with open(os.path.join(features, "pieces.json"), "w") as file:
        json.dump([first, [list(i) for i in ids]], file)
    states = np.lib.format.open_memmap(
        os.path.join(features, "states.npy"), "w+", np.float16, (first[-1], frozen.hidden)
    )
    for done, (i, own) in enumerate(frozen.states(ids)):
        states[first[i] : first[i + 1]] = own - offsets[spoken[i]]
        if done % 1000 == 0:
            print(f"{done}/{len(ids)}", flush=True)


if __name__ == "__main__":
    main()
