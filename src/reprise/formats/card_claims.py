"""Scores that cards and `.eval_results` state, read as claims with the pins they have.

A float in YAML has lost the zeros at its end: 0.910 is read as 0.91, which is claimed less exactly.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidFormat, RepriseError
from reprise.base.ids import is_commit
from reprise.formats import claim, yaml_json
from reprise.formats.claim import Claim
from reprise.formats.reading import is_number

EVAL_RESULTS = ".eval_results"
_WITH_SPREAD = re.compile(r"\s*(\S+?)\s*%?\s*(?:±|\+/?-)\s*(\S+?)\s*%?\s*")
_MAX = 2_000  # scores of one card


@dataclass(frozen=True)
class Found:
    """A claim and where it stands.

    Attributes:
        id: What names it among a repo's claims: a file's name, or `card-1`, `eval-name-1`.
        claim: What is claimed.
        origin: `claim`, `model-index` or `eval-results`.
        path: File in the repo.
    """

    id: str
    claim: Claim
    origin: str
    path: str


@dataclass(frozen=True)
class Claims:
    """All claims of a repo, and what could not be read, each with its place."""

    found: tuple[Found, ...] = ()
    problems: tuple[str, ...] = ()

    def __add__(self, other: "Claims") -> "Claims":
        return Claims(self.found + other.found, self.problems + other.problems)


def from_claim_file(text: str, path: str) -> Claims:
    """Read a file of `.reprise/claims`."""
    slug = path.rpartition("/")[2].removesuffix(".toml")
    try:
        return Claims((Found(claim.check_slug(slug), claim.read(text), "claim", path),))
    except RepriseError as error:
        return Claims(problems=(f"{path}: {error.message}",))


def from_card(data: Any, repo: str, commit: str | None, *, path: str = "README.md") -> Claims:
    """Read the `model-index` of a card's metadata.

    Args:
        data: Metadata of the card.
        repo: The repo that it is the card of.
        commit: Its commit.
        path: Where the card stands.
    """
    index = data.get("model-index") if isinstance(data, dict) else None
    rows, problems = [], []
    for place, result in _results(index):
        metrics = result.get("metrics")
        for number, metric in enumerate(metrics if isinstance(metrics, list) else []):
            where = f"{path}: {place}.metrics[{number}]"
            try:
                rows.append(_indexed(result, metric, repo, commit))
            except (InvalidFormat, AttributeError, TypeError) as error:
                problems.append(f"{where}: {_said(error)}")
    found = [Found(f"card-{n}", row, "model-index", path) for n, row in enumerate(rows[:_MAX], 1)]
    return Claims(tuple(found), tuple(problems))


def from_eval_results(text: str, repo: str, commit: str | None, *, path: str) -> Claims:
    """Read a file of `.eval_results`: a list of entries in YAML."""
    name = path.rpartition("/")[2].removesuffix(".yaml").removesuffix(".yml")
    try:
        entries = yaml_json.load(text)
    except InvalidFormat as error:
        return Claims(problems=(f"{path}: {error.message}",))
    if not isinstance(entries, list):
        return Claims(problems=(f"{path}: must be a list of results",))
    found, problems = [], []
    for number, entry in enumerate(entries[:_MAX], 1):
        try:
            row = _evaluated(entry, repo, commit)
            found.append(Found(f"eval-{name}-{number}", row, "eval-results", path))
        except (InvalidFormat, AttributeError, TypeError) as error:
            problems.append(f"{path}: [{number - 1}]: {_said(error)}")
    return Claims(tuple(found), tuple(problems))


def to_eval_result(claimed: Claim, task_id: str, *, notes: str = "") -> dict[str, Any]:
    """Return a claim as an entry of `.eval_results`; the signature travels in the notes."""
    number = float(claimed.result.value)
    value: dict[str, Any] = {
        "dataset": {"id": claimed.data.repo, "task_id": task_id},
        "value": int(number) if number.is_integer() and "." not in claimed.result.value else number,
    }
    if claimed.data.commit:
        value["dataset"]["revision"] = claimed.data.commit
    if said := notes or claimed.metric.signature:
        value["notes"] = said
    return value


def _results(index: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for m, model in enumerate(index if isinstance(index, list) else []):
        results = model.get("results") if isinstance(model, dict) else None
        for r, result in enumerate(results if isinstance(results, list) else []):
            if isinstance(result, dict):
                yield f"model-index[{m}].results[{r}]", result


def _indexed(result: dict[str, Any], metric: Any, repo: str, commit: str | None) -> Claim:
    task, data = result.get("task") or {}, result.get("dataset") or {}
    stated = _stated(metric.get("value"))
    revision = data.get("revision")
    args = {**_options(metric.get("args")), **_options(metric.get("config"))}
    return claim.from_dict({
        "schema": claim.SCHEMA,
        "task": task.get("type"),
        "model": _without_none({"repo": repo, "commit": commit}),
        "data": _without_none({
            "repo": data.get("type"),
            "config": _text(data.get("config")),
            "split": _text(data.get("split")),
            "commit": revision if is_commit(str(revision)) else None,
        }),
        "metric": {"id": _name(metric.get("type")), **({"args": args} if args else {})},
        "result": stated,
    })  # fmt: skip


def _evaluated(entry: Any, repo: str, commit: str | None) -> Claim:
    data = entry.get("dataset", {})
    revision = data.get("revision")
    return claim.from_dict({
        "schema": claim.SCHEMA,
        "task": data.get("task_id"),
        "model": _without_none({"repo": repo, "commit": commit}),
        "data": _without_none({
            "repo": data.get("id"),
            "commit": revision if is_commit(str(revision)) else None,
        }),
        # The benchmark's own eval.yaml says which metric a task has.
        "metric": {"id": _name(data.get("task_id"))},
        "result": _stated(entry.get("value")),
    })  # fmt: skip


def _stated(value: Any) -> dict[str, Any]:
    """Read a stated value: a number, a text with one, or `20.0 ± 1.2`."""
    text = repr(value) if isinstance(value, float) else str(value).strip()
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidFormat(f"value: {str(value)[:40]!r} is no number.")
    spread = _WITH_SPREAD.fullmatch(text)
    if spread and is_number(spread[1]) and is_number(spread[2]):
        return {"value": spread[1], "stderr": spread[2]}
    text = text.removesuffix("%").strip()
    if not is_number(text):
        raise InvalidFormat(f"value: {text[:40]!r} is no number.")
    return {"value": text}


def _options(value: Any) -> dict[str, Any]:
    """Return arguments as JSON has them; what TOML cannot say is left out."""
    if not isinstance(value, dict):
        return {}
    return {str(k): v for k, v in value.items() if isinstance(v, str | int | float | bool)}


def _name(value: Any) -> Any:
    return re.sub(r"\s+", "_", value.strip()) if isinstance(value, str) else value


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _without_none(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item is not None}


def _said(error: Exception) -> str:
    return error.message if isinstance(error, RepriseError) else "is not built like a result"
