"""How likely a model finds a text: the sum of its tokens' log-probabilities.

Of a causal model a token's probability follows from those before it, in windows where a text is
longer than the context. Of a masked model it is the pseudo-log-likelihood: each token is masked
once and guessed from all others (Salazar et al. 2020).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.models.config import read_config
from reprise.tasks import pipeline
from reprise.tasks.base import Done, Options, Pipeline
from reprise.tasks.inferring import fitting_tasks
from reprise.tasks.parts import Parts
from reprise.tasks.rows import Array, Row
from reprise.tasks.text import Cut, Reader, check_text
from reprise.tokenizers.options import Want

CAUSAL, MASKED = "causal", "masked"
_TASKS = {CAUSAL: "text-generation", MASKED: "fill-mask"}


@dataclass(frozen=True)
class LikelihoodOptions(Options):
    """How texts are read.

    Attributes:
        context: Tokens of a window; None for as many as the model takes.
        stride: Tokens between the beginnings of windows; None for windows side by side.
        bos: Whether a token for the beginning stands before a text, so that its first token has
            a probability, too.
    """

    context: int | None = None
    stride: int | None = None
    bos: bool = True


def scorer(folder: Path, method: str, options: LikelihoodOptions, how: dict[str, Any]) -> Pipeline:
    """Load a model as one that says how likely texts are.

    Args:
        folder: Where it is.
        method: `causal`, `masked`, or `auto`: what the model was made for.
        options: How texts are read.
        how: `engine` and `threads`.
    """
    if method == "auto":
        fitting = fitting_tasks(read_config(folder))
        method = MASKED if "fill-mask" in fitting and "text-generation" not in fitting else CAUSAL
    parts = pipeline(_TASKS[method], folder, **how).parts
    made = _Causal if method == CAUSAL else _Masked
    given = {"context": options.context, "stride": options.stride, "bos": options.bos}
    return made(parts, progress=False, **given)


class _Likelihood(Pipeline):
    """Gives `[log-likelihood, tokens]` per text: of how many tokens the sum is."""

    options_type = LikelihoodOptions
    by_token = True

    def prepare(self) -> None:
        self.reader = Reader(self.parts)

    def read(self, item: Any, options: LikelihoodOptions) -> str:  # noqa: ARG002
        return check_text(item)

    def answers(self, rows: Sequence[Row], options: Any) -> list[Any]:
        """Keep two numbers per row: the logits of all tokens are a million times as much."""
        found = super().answers(rows, options)
        return [
            (float(_log_probability(answer["logits"][row.note["at"]], row.note["ids"])),
             len(row.note["ids"]))
            for answer, row in zip(found, rows, strict=True)
        ]  # fmt: skip

    def result(self, done: Done, options: Any) -> list[Any]:  # noqa: ARG002
        """Add up the windows of one text."""
        return [sum(total for total, _ in done.answers), sum(count for _, count in done.answers)]


class _Causal(_Likelihood):
    def rows(self, items: Sequence[str], options: LikelihoodOptions) -> list[list[Row]]:
        batch = self.reader.encode(items, Cut(special=False))
        starts, ids = batch.row_splits.tolist(), batch.ids.astype(np.int64)
        first = _beginning(self.parts) if options.bos else None
        found = []
        for at in range(len(items)):
            own = ids[starts[at] : starts[at + 1]]
            own = own if first is None else np.concatenate([np.array([first]), own])
            found.append(_windows(own, *self._sizes(options)))
        return found

    def _sizes(self, options: LikelihoodOptions) -> tuple[int, int]:
        context = options.context or (self.parts.limit if self.parts.bounded else 1024)
        if context > self.parts.positions:
            raise InvalidInput(f"context is {context}; this model takes {self.parts.positions}.")
        stride = options.stride or context
        if stride > context:
            raise InvalidInput(f"stride is {stride}; it must not be above the context, {context}.")
        return context, stride


class _Masked(_Likelihood):
    def prepare(self) -> None:
        super().prepare()
        if self.tokenizer.mask_token_id is None:
            raise InvalidInput("This tokenizer has no mask token, so no token can be guessed.")

    def rows(self, items: Sequence[str], options: LikelihoodOptions) -> list[list[Row]]:  # noqa: ARG002
        batch = self.reader.encode(items, Cut(), Want.SPECIAL_MASK)
        return [self._masked(own[0]) for own in self.reader.rows(batch, ("special_mask",))]

    def check(self, row: Row) -> None:
        self.reader.check(row)

    def _masked(self, row: Row) -> list[Row]:
        ids = row.features["input_ids"]
        found = []
        for at in np.flatnonzero(np.asarray(row.note["special_mask"]) == 0).tolist():
            hidden = ids.copy()
            hidden[at] = self.tokenizer.mask_token_id
            note = {"at": np.array([at]), "ids": ids[at : at + 1]}
            found.append(Row({**row.features, "input_ids": hidden}, row.cost, note))
        if not found:
            raise InvalidInput("A text without tokens has no likelihood.")
        return found


def _windows(ids: Array, context: int, stride: int) -> list[Row]:
    """Cut a text into windows; each token counts once, in the first window that has it.

    The first token of a window is only read. It counts where the window before had it, too.
    """
    found: list[Row] = []
    counted = 0
    for begin in range(0, max(1, len(ids)), stride):
        end = min(begin + context, len(ids))
        new = max(counted, begin + 1)
        at = np.arange(new - 1 - begin, end - 1 - begin)
        if len(at) or not found:
            note = {"at": at, "ids": ids[new:end]}
            found.append(Row({"input_ids": ids[begin:end]}, end - begin, note))
        counted = end
        if end == len(ids):
            break
    return found


def _beginning(parts: Parts) -> int:
    """Return the token that stands before texts."""
    tokenizer = parts.tokenizer
    for name in ("bos_token_id", "cls_token_id", "eos_token_id"):
        found = getattr(tokenizer, name, None)
        if found is None:
            found = parts.model.config.get(name)
        if isinstance(found, int):
            return found
    raise InvalidInput(
        "This tokenizer has no token for the beginning of a text.", hint="Set bos = false."
    )


def _log_probability(logits: Array, ids: Array) -> float:
    """Sum log-probabilities: logits [T, V] and the token [T] that each of them should give."""
    if not len(ids):
        return 0.0
    top = logits.max(-1, keepdims=True)
    total = np.log(np.exp(logits - top).sum(-1, dtype=np.float64))
    chosen = np.take_along_axis(logits, ids[:, None], -1)[:, 0].astype(np.float64)
    return float((chosen - top[:, 0] - total).sum())
