"""From the model's scores to one row's next token."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.models.generate.history import History
from reprise.models.generate.narrowing import Narrowing, log_softmax
from reprise.models.generate.rules import Rule
from reprise.models.generate.sampling import draw
from reprise.models.generate.seam import Array


@dataclass(frozen=True)
class Chooser:
    """How the next token of a row is chosen.

    Attributes:
        rules: In order; those of all rows.
        narrowings: What sampling leaves; empty for greedy search.
        samples: Whether to draw, and not take the best.
        renormalise: Whether scores shown are logarithms of probabilities again.
        repairs: Whether a rule replaces what is no number.
    """

    rules: Sequence[Rule]
    narrowings: Sequence[Narrowing]
    samples: bool
    renormalise: bool
    repairs: bool

    def shaped(self, raw: Array, history: History, own: Sequence[Rule] = ()) -> Array:
        """Apply every rule to a copy of scores [V].

        Raises:
            InvalidInput: The model's scores are no numbers, or rules leave no token.
        """
        if not self.repairs:
            check_numbers(raw, history)
        if not (self.rules or own or self.narrowings or self.renormalise):
            return raw
        scores = raw.copy()
        for rule in (*self.rules, *own):
            rule(scores, history)
        if scores.max() == -np.inf:
            raise InvalidInput(
                f"Nothing may follow after {len(history)} tokens: the rules of this call forbid "
                "every token.",
                hint="Loosen no_repeat_ngram_size, bad_words_ids, suppress_tokens or the callback.",
            )
        for narrow in self.narrowings:
            scores = narrow(scores)
        return log_softmax(scores) if self.renormalise else scores

    def choose(self, scores: Array, history: History, key: bytes) -> int:
        """Choose a token by shaped scores [V]."""
        return draw(scores, key, len(history)) if self.samples else int(scores.argmax())


def check_numbers(raw: Array, history: History) -> None:
    """Refuse scores that are no numbers.

    Raises:
        InvalidInput: Saying where, and what to try.
    """
    top = raw.max()
    if np.isnan(top) or top in (np.inf, -np.inf):
        raise InvalidInput(
            f"The model's scores after {len(history)} tokens are not finite numbers ({top}).",
            hint="Weights of half precision overflow: load with dtype='float32'. "
            "remove_invalid_values=True goes on as if they were 0.",
        )
