"""Log-likelihoods of continuations from a GGUF model's own logits.

likelihoods.py GGUF < [[context, continuation], …]   prints a JSON list of [sum, is greedy, tokens]
"""

import json
import sys

import numpy as np
from llama_cpp import Llama

model = Llama(sys.argv[1], n_ctx=512, logits_all=True, verbose=False, n_threads=1)
scores = []
for context, continuation in json.load(sys.stdin):
    # The start token first, as the server is told to put it.
    tokens = [model.token_bos(), *model.tokenize((context + continuation).encode(), add_bos=False)]
    model.reset()
    model.eval(tokens)
    logits = np.asarray(model.scores[: len(tokens)], dtype=np.float64)
    shifted = logits - logits.max(-1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    end, total, greedy, count = 0, 0.0, True, 0
    for place, token in enumerate(tokens[1:], 1):
        end += len(model.detokenize([token]))
        if end > len(context.encode()):
            total += log_probabilities[place - 1][token]
            greedy &= int(log_probabilities[place - 1].argmax()) == token
            count += 1
    scores.append([total, bool(greedy), count])
json.dump(scores, sys.stdout)
