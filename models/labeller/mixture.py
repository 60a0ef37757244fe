"""How the two readers' probabilities become one: the mean of their logarithms, plus a correction of
the logit of COMPLETE. The second was trained for even odds, the first for those of essays on
politics; elsewhere withholding is rarer than it looks to them. So more is added the less the second
takes a request for one of SpeechMap's kind.
"""

import numpy as np

# What is added: elsewhere, and for requests such as SpeechMap's.
ELSEWHERE, POLITICAL = 2.9, 0.4


def mixed(first, said):
    """The probabilities of both. `first`: probabilities; `said`: the second reader's logits, the
    last of which tells the kind of request."""
    political = 1 / (1 + np.exp(-said[:, 3:]))
    second = said[:, :3] - np.log(np.exp(said[:, :3]).sum(1, keepdims=True))
    logits = (np.log(np.maximum(first, 1e-6)) + second) / 2
    logits[:, :1] += ELSEWHERE + (POLITICAL - ELSEWHERE) * political
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)


def mixed_graph(g, first, said):
    """The same as nodes: `first` are logits whose softmax are the first reader's probabilities."""
    labels, kind = g("Split", said, np.array([3, 1], np.int64), axis=1, outputs=2)
    slope = g("Mul", g("Sigmoid", kind), np.float32(POLITICAL - ELSEWHERE))
    added = g("Add", slope, np.float32(ELSEWHERE))
    both = g("Mean", *(g("LogSoftmax", logits, axis=1) for logits in (first, labels)))
    return g("Add", both, g("Mul", added, np.array([[1, 0, 0]], np.float32)))
