"""From a claim to what has to be run: every pin it has is used, what it lacks is found or refused.

Pins that can be found (a commit, the one entry point that the card calls, the only column of
texts) are found and reported, so that the author can add them. What would be a guess is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from reprise.base.errors import NotFound, RepriseError
from reprise.formats.claim import Claim
from reprise.formats.verdict import Outcome

ENTRY_POINT = "entry-point"  # the evaluator that calls what an entry point made
_INPUTS = ("text", "sentence", "question", "tokens", "words", "input", "inputs", "query", "prompt")
_LABELS = ("label", "labels", "category", "intent", "class", "tags", "ner_tags", "target", "answer")
BATCH = 32
_KNOWN_ARGS = frozenset({"name", "args", "kwargs", "call", "input", "label", "method", "train"})


class NoAnswer(RepriseError):
    """A claim cannot be answered; carries the outcome that says why."""

    def __init__(self, outcome: Outcome, reason: str, *, log: str = "") -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.log = log


@dataclass(frozen=True)
class Calling:
    """How the model is made and asked.

    Attributes:
        entry: Entry point of the model's repo.
        kwargs: Arguments of the entry point.
        call: Keyword arguments of each call.
        method: What is called of what it made; empty for the thing itself.
        batch: Examples in one call.
    """

    entry: str
    kwargs: Mapping[str, Any]
    call: Mapping[str, Any]
    method: str
    batch: int


@dataclass(frozen=True)
class Columns:
    """Which column goes into the model, and which holds what is right."""

    input: str
    label: str


@dataclass(frozen=True)
class Offer:
    """An entry point of a repo: its name, and whether it can be made without arguments."""

    name: str
    needs_arguments: bool


def calling(claim: Claim, offers: Sequence[Offer], checked: Sequence[str]) -> Calling:
    """Choose the entry point.

    Args:
        claim: The claim.
        offers: The entry points of the repo's own.
        checked: Those that the card's `checks` call.

    Raises:
        NoAnswer: Nobody says which one is meant, or it does not exist.
    """
    run = claim.run
    check_entry(run.entry)
    if unknown := sorted(set(run.args) - _KNOWN_ARGS):
        raise NoAnswer(Outcome.UNVERIFIABLE, f"run.args has {unknown[0]!r}, which means nothing")
    name = run.args.get("name") or _only(offers, checked)
    if name not in {offer.name for offer in offers}:
        close = get_close_matches(str(name), [offer.name for offer in offers], n=1)
        hint = f"; there is {close[0]}" if close else ""
        raise NoAnswer(Outcome.NOT_RUNNABLE, f"the repo has no entry point {name!r}{hint}")
    return Calling(
        str(name), _table(run.args, "kwargs"), _table(run.args, "call"),
        str(run.args.get("method", "")), run.batch or BATCH,
    )  # fmt: skip


def check_entry(entry: str | None) -> None:
    """Refuse what is neither an entry point nor left open.

    Raises:
        NoAnswer: The claim names something else, such as the harness of somebody else.
    """
    if entry not in {None, ENTRY_POINT}:
        raise NoAnswer(
            Outcome.UNVERIFIABLE,
            f"run.entry is {entry!r}, which this version cannot run; it runs {ENTRY_POINT} "
            "and its own evaluators",
        )


def columns(claim: Claim, names: Sequence[str], textual: Sequence[str]) -> Columns:
    """Choose the columns.

    Args:
        claim: The claim.
        names: Columns of the data.
        textual: Those that hold texts, or lists of texts.

    Raises:
        NoAnswer: Nobody says which ones are meant, or they do not exist.
    """
    given = {key: claim.run.args.get(key) for key in ("input", "label")}
    for key, name in given.items():
        if name is not None and name not in names:
            raise NoAnswer(
                Outcome.NOT_RUNNABLE,
                f"run.args.{key} is {name!r}, and the data has {', '.join(names)}",
            )
    into = given["input"] or _first(_INPUTS, [it for it in textual if it != given["label"]])
    right = given["label"] or _first(_LABELS, [it for it in names if it != into])
    if into is None or right is None:
        what = "input" if into is None else "label"
        raise NoAnswer(
            Outcome.UNVERIFIABLE,
            f"the claim does not say which column is the {what}: run.args.{what}; "
            f"the data has {', '.join(names)}",
        )
    return Columns(str(into), str(right))


def metric_name(claim: Claim, known: Any) -> str:
    """Return the metric to compute, `id@version`; the newest where the claimed one is gone.

    Args:
        claim: The claim.
        known: `reprise.metrics.catalogue.resolve`.

    Raises:
        NoAnswer: There is no such metric.
    """
    wanted = claim.metric.id
    for name in (wanted, wanted.partition("@")[0]):
        try:
            found = known(name)
        except NotFound:
            continue
        return f"{found.id}@{found.version}"
    raise NoAnswer(Outcome.UNVERIFIABLE, f"there is no metric {wanted!r}")


def _only(offers: Sequence[Offer], checked: Sequence[str]) -> str:
    """Return the one entry point that can be meant."""
    names = {offer.name for offer in offers}
    simple = [offer.name for offer in offers if not offer.needs_arguments]
    for candidates in ([name for name in checked if name in names], simple):
        if len(candidates) == 1:
            return candidates[0]
    known = ", ".join(sorted(names)) or "none"
    raise NoAnswer(
        Outcome.UNVERIFIABLE,
        f"the claim does not say which entry point: run.args.name; the repo has {known}",
    )


def _first(wanted: Sequence[str], names: Sequence[str]) -> str | None:
    lower = {name.lower(): name for name in names}
    found = [lower[name] for name in wanted if name in lower]
    if found:
        return found[0]
    return names[0] if len(names) == 1 else None


def _table(args: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = args.get(key, {})
    if not isinstance(value, Mapping):
        raise NoAnswer(Outcome.UNVERIFIABLE, f"run.args.{key} must be a table")
    return value
