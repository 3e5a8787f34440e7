"""BLEU, chrF and TER, computed by sacrebleu: its numbers, its signature.

An example's statistics are sacrebleu's own sums (n-gram matches, lengths, edits), so a corpus score
comes from the examples without reading their texts again.
"""

# ruff: noqa: SLF001 - only under these names does sacrebleu give the sums of single segments
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput, NotSupported
from reprise.base.optional import require
from reprise.metrics.definition import PERCENT, Cells, Columns, Definition, Values
from reprise.metrics.inputs import as_list, paired, shown
from reprise.metrics.options import UPSTREAM, Option, Options, positive_int
from reprise.metrics.table import Floats, Table, totals

# Those that need neither a download nor a native library.
_TOKENIZERS = ("13a", "intl", "char", "zh", "none")


def read(predictions: Any, references: Any, options: Options) -> Columns:  # noqa: ARG001
    """Read a text per example and one or several references for it."""
    left, right = paired(predictions, references)
    for index, item in enumerate(left):
        if not isinstance(item, str):
            raise InvalidInput(f"predictions[{index}] must be a text, not {shown(item)}.")
    return Columns(left, [_golds(item, i) for i, item in enumerate(right)], range(len(left)))


def _golds(item: Any, index: int) -> tuple[str, ...]:
    if isinstance(item, str):
        return (item,)
    golds = [gold for gold in as_list(item, f"references[{index}]") if gold is not None]
    if not golds or not all(isinstance(gold, str) for gold in golds):
        raise InvalidInput(
            f"references[{index}] must be a text or a list of texts, not {shown(item)}.",
            hint="One list per prediction; sacrebleu's own order is the other way round.",
        )
    return tuple(golds)


@lru_cache(maxsize=64)
def _engine(kind: str, options: tuple[tuple[str, Any], ...]) -> Any:
    module = require("sacrebleu.metrics", extra="metrics")
    made = getattr(module, kind)(**dict(options))
    made._force = True  # no advice on tokenised input from a library of a library
    return made


def _made(kind: str, options: Options) -> Any:
    return _engine(kind, tuple(sorted(options.items())))


def score(kind: str, prediction: str, reference: Sequence[str], options: Options) -> Cells:
    """Return how many references there are, and sacrebleu's sums, as a list."""
    engine = _made(kind, options)
    try:
        sums = engine._extract_corpus_statistics([prediction], [[gold] for gold in reference])[0]
    except AttributeError as error:
        raise NotSupported(
            f"This sacrebleu cannot be used: {error}.", hint="Install sacrebleu>=2.4,<3."
        ) from None
    return len(reference), [float(value) for value in sums]


def encode(statistics: Sequence[Cells], options: Options) -> tuple[Floats, tuple[Any, ...]]:  # noqa: ARG001
    """Lay out the number of references and the sums."""
    return np.array([[golds, *sums] for golds, sums in statistics], np.float64), ()


def finish(kind: str, table: Table, options: Options) -> Values:
    """Let sacrebleu make the score from the sums."""
    engine = _made(kind, options)
    lines = totals(table)[:, 1:].tolist()
    return {"score": np.array([engine._compute_score_from_stats(x).score for x in lines])}


def details(kind: str, names: tuple[str, ...], table: Table, options: Options) -> dict[str, Any]:
    """Return what else sacrebleu says."""
    line = totals(table)[0, 1:].tolist()
    made = _made(kind, options)._compute_score_from_stats(line)
    return {name: _plain(getattr(made, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def upstream(kind: str, table: Table, options: Options) -> str:
    """Return sacrebleu's own signature."""
    counts = np.unique(table.rows[:, 0])
    engine = _made(kind, options)
    engine.num_refs = int(counts[0]) if len(counts) == 1 else -1
    return f"sacrebleu/{engine.get_signature().format()}"


def _flag(name: str, summary: str) -> Option:
    return Option(name, summary, False, (True, False), key=UPSTREAM)


def _smooth_value(value: Any) -> float | None:
    return None if value is None else float(value)


def _order(value: Any) -> int:
    return 0 if value == 0 else positive_int(value)


BLEU = Definition(
    id="bleu",
    version="1.0",
    summary="BLEU by sacrebleu.",
    unit=PERCENT,
    main="score",
    statistics=("references", "sums"),
    read=read,
    score=partial(score, "BLEU"),
    encode=encode,
    finish=partial(finish, "BLEU"),
    details=partial(
        details, "BLEU", ("counts", "totals", "precisions", "bp", "sys_len", "ref_len")
    ),
    upstream=partial(upstream, "BLEU"),
    options=(
        Option("tokenize", "tokenizer", "13a", _TOKENIZERS, key=UPSTREAM),
        _flag("lowercase", "ignore case"),
        Option("smooth_method", "for counts of 0", "exp", ("exp", "floor", "add-k", "none"),
               key=UPSTREAM),
        Option("smooth_value", "for floor and add-k", None, check=_smooth_value, key=UPSTREAM),
        _flag("effective_order", "leave out orders without n-grams (sentences)"),
    ),
    source="sacrebleu (Post 2018)",
    requires=("sacrebleu", "metrics"),
)  # fmt: skip
CHRF = replace(
    BLEU,
    id="chrf",
    summary="chrF by sacrebleu; chrF++ with word_order=2.",
    score=partial(score, "CHRF"),
    finish=partial(finish, "CHRF"),
    details=partial(details, "CHRF", ("char_order", "word_order", "beta")),
    upstream=partial(upstream, "CHRF"),
    options=(
        Option("char_order", "longest character n-gram", 6, check=positive_int, key=UPSTREAM),
        Option("word_order", "longest word n-gram", 0, check=_order, key=UPSTREAM),
        Option("beta", "weight of recall", 2, check=positive_int, key="beta"),
        _flag("lowercase", "ignore case"),
        _flag("whitespace", "count white space"),
        _flag("eps_smoothing", "smooth as chrF++.py does"),
    ),
    source="sacrebleu (Popović 2015)",
)
TER = replace(
    BLEU,
    id="ter",
    summary="Translation edit rate by sacrebleu.",
    score=partial(score, "TER"),
    finish=partial(finish, "TER"),
    details=partial(details, "TER", ("num_edits", "ref_length")),
    upstream=partial(upstream, "TER"),
    options=(
        _flag("normalized", "normalise characters"),
        _flag("no_punct", "leave out punctuation"),
        _flag("asian_support", "split Asian characters"),
        _flag("case_sensitive", "heed case"),
    ),
    higher_is_better=False,
    source="sacrebleu (Snover et al. 2006)",
)
