"""The parts trained on top of the encoder's frozen layers: its next two layers over question and
answer together, and a classifier; small networks over the frozen layers' means; and,
independently of the encoder, a model of the answer's words."""

import copy

import numpy as np
import torch
from torch import nn

# Frozen layers below, and layers trained above them.
FROZEN, TRAINED = 6, 2
CLASSES = 3


class Network(nn.Module):
    """From the frozen states of one sequence of pieces to logits of COMPLETE, EVASIVE and
    DENIAL."""

    def __init__(self, layers, hidden, mean, deviation):
        super().__init__()
        self.layers = nn.ModuleList(copy.deepcopy(layer) for layer in layers)
        self.seg = nn.Embedding(5, hidden)
        nn.init.zeros_(self.seg.weight)
        self.register_buffer("um", mean)
        self.register_buffer("us", deviation)
        self.att = nn.Linear(hidden, 2)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Sequential(
            nn.Linear(hidden * 6 + len(mean), 192),
            nn.GELU(),
            nn.Dropout(0.2),
            nn.Linear(192, CLASSES),
        )

    def forward(self, states, segments, surface):
        mask = segments > 0
        attend = mask
        if self.training:
            keep = torch.rand(segments.shape) > 0.1
            keep[:, 0] = True
            attend = mask & keep
        x = states + self.seg(segments)
        for layer in self.layers:
            x = layer(x, attend[:, None, None, :])
        weights = self.att(x).masked_fill(~mask[:, :, None], -1e4).softmax(1)
        pooled = [torch.einsum("btk,btd->bkd", weights, x).flatten(1)]
        for segment in (1, 2, 3, 4):
            own = (segments == segment).float()[:, :, None]
            pooled.append((x * own).sum(1) / own.sum(1).clamp(min=1))
        return self.out(self.drop(torch.cat([*pooled, (surface - self.um) / self.us], 1)))


class Member(nn.Module):
    """From the frozen layers' means of question and parts, side by side, to the same logits."""

    def __init__(self, mean, deviation):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        dropout = lambda: nn.Dropout(0.4)
        self.layers = nn.Sequential(
            dropout(), nn.Linear(len(mean), 128), nn.GELU(), dropout(), nn.Linear(128, CLASSES)
        )

    def forward(self, features):
        return self.layers(((features - self.mean) / self.deviation).clamp(-6, 6))


class Words(nn.Module):
    """From the words (the tokenizer's pieces) of an answer, whatever their order, to the same
    logits. The rarer a word, the more it counts."""

    def __init__(self, rarity, mean, deviation):
        super().__init__()
        self.register_buffer("rarity", rarity)
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.table = nn.EmbeddingBag(len(rarity), CLASSES, mode="sum")
        self.out = nn.Linear(len(mean), CLASSES)
        for parameter in (self.table.weight, self.out.weight):
            nn.init.zeros_(parameter)

    def forward(self, words, lengths, surface):
        weights, of = self.rarity[words], torch.arange(len(lengths)).repeat_interleave(lengths)
        norms = torch.zeros(len(lengths)).index_add(0, of, weights**2).sqrt().clamp(min=1e-6)
        logits = self.table(
            words, lengths.cumsum(0) - lengths, per_sample_weights=weights / norms[of]
        )
        return logits + self.out((surface - self.mean) / self.deviation)


def combined(parts: np.ndarray | list[np.ndarray]) -> np.ndarray:
    """The probabilities of several parts as one: from the mean of their logarithms."""
    product = np.exp(np.log(np.maximum(parts, 1e-9)).mean(0))
    return product / product.sum(-1, keepdims=True)
