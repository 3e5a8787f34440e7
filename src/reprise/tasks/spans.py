"""The likeliest spans of tokens, by the scores of their ends."""

from collections.abc import Mapping

import numpy as np

from reprise.tasks.rows import Array
from reprise.tasks.scores import softmax

_NEVER = -10_000.0  # a logit that no model gives
Span = tuple[int, int, float]  # first token, last token, score


def best_spans(
    answer: Mapping[str, Array], allowed: Array, count: int, longest: int
) -> tuple[list[Span], float]:
    """Choose spans of one window.

    Args:
        answer: `start_logits` and `end_logits` [T].
        allowed: Where a span may be, bool [T].
        count: How many to give.
        longest: Tokens of a span.

    Returns:
        The spans, the likeliest first, and the score of no span at all.
    """
    start, end = (softmax(np.where(allowed, answer[name], _NEVER)).astype(np.float32)
                  for name in ("start_logits", "end_logits"))  # fmt: skip
    nothing = float(start[0] * end[0])
    start[0] = end[0] = 0.0  # the class token stands for no answer
    scores = np.tril(np.triu(np.outer(start, end)), longest - 1).ravel()
    if count == 1:
        order = [int(scores.argmax())]
    else:
        # Only among the best, as sorting all T x T scores takes longer than the model.
        few = np.argpartition(-scores, min(count, len(scores) - 1))[:count]
        order = few[np.lexsort((few, -scores[few]))].tolist()
    places = [divmod(place, len(start)) for place in order]
    spans = [(first, last, float(scores[first * len(start) + last])) for first, last in places]
    return [span for span in spans if span[2] > 0], nothing  # 0: beyond the context
