"""How the frozen states of other languages differ from those of English.

candor's suites ask the same questions in English and in nineteen other languages (suites/audit/sensitive-history). The mean difference between a question's
states in a language and in English is that language's offset: what the language adds, whatever is said. It is taken off every state, so that what is learnt
from answers in two languages holds in others. A language that the suites do not ask in gets the mean of all offsets.
`src/score/refusal/classifier/languages.rs` has the same list.
"""

import glob
import os

import numpy as np
import yaml

SUITE = os.path.join(os.path.dirname(__file__), "..", "..", "suites", "audit", "sensitive-history")
ENGLISH, OTHER = "en", "other"
LANGUAGES = [ENGLISH, *"ar de es fa fr he hi id ja ko my pt ru th tr uk ur vi zh".split(), OTHER]
# Questions of a language that are looked at.
MAX_QUESTIONS = 400


def place(language):
    """A language's row among the offsets."""
    return LANGUAGES.index(language if language in LANGUAGES else OTHER)


def of_text(text):
    """Of SpeechMap's texts, which are in English or Chinese."""
    return "zh" if sum("\u4e00" <= c <= "\u9fff" for c in text) > 0.3 * len(text) else ENGLISH


def questions():
    """For each language but English, pairs of a question in English and in it."""
    with open(os.path.join(SUITE, "suite.yaml"), encoding="utf-8") as file:
        phrasings = yaml.safe_load(file)["constants"]["phrasings"]
    items = [
        item
        for path in sorted(glob.glob(os.path.join(SUITE, "items", "*.yaml")))
        for item in yaml.safe_load(open(path, encoding="utf-8"))
    ]
    found = {language: [] for language in LANGUAGES[1:-1]}
    for names in (item[side] for item in items for side in ("event", "control")):
        for written in sorted(phrasings.keys() & names.keys() - {ENGLISH}):
            language = written.split("-")[0]
            if language not in found:
                continue
            asked = lambda of, phrasing: phrasings[of][phrasing].replace("{name}", names[of])
            found[language] += [(asked(ENGLISH, p), asked(written, p)) for p in phrasings[ENGLISH]]
    random = np.random.default_rng(0)
    return {
        language: [pairs[i] for i in random.permutation(len(pairs))[:MAX_QUESTIONS]]
        for language, pairs in found.items()
    }


def offsets(means):
    """A row per language, where `means` gives the means of some texts' frozen states."""
    own = []
    for pairs in questions().values():
        english, other = (means(texts) for texts in zip(*pairs))
        own.append((other - english).mean(0))
    return np.stack([np.zeros_like(own[0]), *own, np.mean(own, 0)]).astype(np.float32)
