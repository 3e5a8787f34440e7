"""Answers as the official SQuAD scripts compare them."""

import re
import string
from collections import Counter

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)  # ASCII: English only


def normalize(text: str) -> str:
    """Lower-case, delete ASCII punctuation, delete articles, squeeze white space; in this order.

    Example:
        >>> normalize("The  Duke's (a) cat."), normalize("the")
        ('dukes cat', '')
    """
    bare = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def overlap(prediction: list[str], gold: list[str]) -> float:
    """F1 of two bags of tokens; 0 when nothing is shared, for two empty bags too."""
    shared = sum((Counter(prediction) & Counter(gold)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(prediction), shared / len(gold)
    return 2 * precision * recall / (precision + recall)


def best_exact(prediction: str, golds: tuple[str, ...]) -> float:
    """1 when the normalised prediction equals a gold answer."""
    said = normalize(prediction)
    return float(any(said == normalize(gold) for gold in golds))


def best_overlap(prediction: str, golds: tuple[str, ...]) -> float:
    """The highest F1 over the gold answers."""
    said = normalize(prediction).split()
    return max((overlap(said, normalize(gold).split()) for gold in golds), default=0.0)
