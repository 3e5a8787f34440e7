"""Claims: a score that somebody states, with all that it takes to compute it again.

    .reprise/claims/<slug>.toml

A claim pins model, data, metric and run by commit and by content. Pins may be missing, as in
scores that were read from a card: then the claim says so, and a rerun proposes them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from reprise.base.digests import canonical_json, sha256_hex
from reprise.base.errors import InvalidId
from reprise.base.ids import RepoId, check_path
from reprise.formats import toml_text
from reprise.formats.reading import Reader, decimal

SCHEMA = 1
FOLDER = ".reprise/claims"
KINDS = ("inference", "training")
UNITS = ("fraction", "percent", "raw")
_WHAT = "This claim"
_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_METRIC = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,199}(@[0-9]+(\.[0-9]+)?|@[0-9a-f]{40})?")


@dataclass(frozen=True)
class ModelPin:
    """Which model: `tree_sha256` is over its files, see `reprise.formats.trees`."""

    repo: str
    commit: str | None = None
    tree_sha256: str | None = None
    format: str | None = None  # of the weights: "safetensors"


@dataclass(frozen=True)
class DataPin:
    """Which examples: `content_sha256` is over the rows, whatever file they came from."""

    repo: str
    commit: str | None = None
    config: str | None = None
    split: str | None = None
    rows: int | None = None
    content_sha256: str | None = None
    labels: tuple[str, ...] = ()  # names of the label ids, in order
    limit: int | None = None  # only the first so many rows


@dataclass(frozen=True)
class MetricPin:
    """Which number: `id` is `squad2@1.0`, `value` which of its values, None for the main one."""

    id: str
    value: str | None = None
    args: Mapping[str, Any] = field(default_factory=dict)
    signature: str | None = None
    unit: str | None = None
    higher_is_better: bool | None = None


@dataclass(frozen=True)
class Stated:
    """What is claimed. Numbers are decimal texts: the digits count."""

    value: str
    n: int | None = None
    ci: tuple[str, ...] = ()
    stderr: str | None = None
    predictions_sha256: str | None = None


@dataclass(frozen=True)
class Setup:
    """How it was computed: a built-in evaluator and its arguments, precision, seeds, lock."""

    entry: str | None = None
    args: Mapping[str, Any] = field(default_factory=dict)
    dtype: str | None = None
    batch: int | None = None
    threads: int | None = None
    seeds: tuple[int, ...] = ()
    prompt_sha256: str | None = None
    lock: str | None = None  # digest of reprise.lock


@dataclass(frozen=True)
class Claim:
    """A claim. `tolerance` may only be tighter than the policy's."""

    task: str
    model: ModelPin
    data: DataPin
    metric: MetricPin
    result: Stated
    run: Setup = field(default_factory=Setup)
    kind: str = "inference"
    hardware: Mapping[str, Any] = field(default_factory=dict)
    tolerance: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of all of it."""
        return sha256_hex(canonical_json(to_dict(self)))

    @property
    def missing_pins(self) -> tuple[str, ...]:
        """What is not pinned yet, sorted; nothing when everything is."""
        found = {
            "model.commit": self.model.commit,
            "model.tree-sha256": self.model.tree_sha256,
            "data.commit": self.data.commit,
            "data.split": self.data.split,
            "data.content-sha256": self.data.content_sha256,
            "metric.signature": self.metric.signature,
            "metric.unit": self.metric.unit,
            "run.entry": self.run.entry,
            "run.lock": self.run.lock,
        }
        return tuple(sorted(name for name, value in found.items() if value is None))

    @property
    def pins(self) -> str:
        """`full` or `partial`."""
        return "partial" if self.missing_pins else "full"


def read(text: str) -> Claim:
    """Read a claim from TOML.

    Raises:
        InvalidFormat: It is none; the message names the key.
    """
    return from_dict(toml_text.read(text, _WHAT))


def write(claim: Claim) -> str:
    """Return the TOML of a claim, the same for the same claim."""
    return toml_text.write(to_dict(claim))


def from_dict(value: object) -> Claim:
    """Read a claim from plain data.

    Raises:
        InvalidFormat: As `read`.
    """
    reader = Reader(value, what=_WHAT)
    schema = reader.whole("schema")
    if schema != SCHEMA:
        raise reader.wrong("schema", f"is {schema}; this reads schema {SCHEMA}")
    found = Claim(
        task=reader.text("task"),
        kind=reader.choice("kind", KINDS) or "inference",
        model=_model(reader.table("model")),
        data=_data(reader.table("data")),
        metric=_metric(reader.table("metric")),
        result=_stated(reader.table("result")),
        run=_setup(reader.table("run")),
        hardware=reader.plain("hardware"),
        tolerance=reader.number("tolerance"),
    )
    if found.tolerance is not None and decimal(found.tolerance) < 0:
        raise reader.wrong("tolerance", "must not be negative")
    reader.end()
    return found


def to_dict(claim: Claim) -> dict[str, Any]:
    """Return a claim as plain data; what is not said is left out."""
    found: dict[str, Any] = {"schema": SCHEMA, **table_of(claim)}
    return found


def table_of(value: Any) -> dict[str, Any]:
    """Return a dataclass as a table: keys with hyphens, without what is None or empty."""
    found: dict[str, Any] = {}
    for part in fields(value):
        item = getattr(value, part.name)
        if is_dataclass(item):
            item = table_of(item)
        elif isinstance(item, tuple):
            item = [table_of(entry) if is_dataclass(entry) else entry for entry in item]
        elif isinstance(item, Mapping):
            item = dict(item)
        if item is None or item in ([], {}):
            continue
        found[part.name.replace("_", "-")] = item
    return found


def check_slug(slug: str) -> str:
    """Return the name of a claim's file, without its ending.

    Raises:
        InvalidId: It would be none.
    """
    if not _SLUG.fullmatch(slug):
        raise InvalidId(
            f"{slug[:100]!r} cannot name a claim: use lower-case letters, digits, '-', '_', '.'."
        )
    return slug


def _model(reader: Reader) -> ModelPin:
    found = ModelPin(
        _repo(reader), reader.commit("commit"), reader.sha256("tree-sha256"),
        reader.maybe_text("format"),
    )  # fmt: skip
    reader.end()
    return found


def _data(reader: Reader) -> DataPin:
    found = DataPin(
        repo=_repo(reader),
        commit=reader.commit("commit"),
        config=reader.maybe_text("config"),
        split=reader.maybe_text("split"),
        rows=reader.whole("rows"),
        content_sha256=reader.sha256("content-sha256"),
        labels=reader.texts("labels"),
        limit=reader.whole("limit"),
    )
    reader.end()
    return found


def _metric(reader: Reader) -> MetricPin:
    found = MetricPin(
        id=reader.text("id"),
        value=reader.maybe_text("value"),
        args=reader.plain("args"),
        signature=reader.maybe_text("signature"),
        unit=reader.choice("unit", UNITS),
        higher_is_better=reader.flag("higher-is-better"),
    )
    if not _METRIC.fullmatch(found.id):
        raise reader.wrong("id", f'must be like "squad2@1.0", not {found.id[:80]!r}')
    reader.end()
    return found


def _stated(reader: Reader) -> Stated:
    value = reader.number("value")
    if value is None:
        raise reader.wrong("value", "is missing")
    ends = reader.texts("ci")
    if ends and (len(ends) != 2 or decimal(ends[0]) > decimal(ends[1])):  # noqa: PLR2004
        raise reader.wrong("ci", 'must be two numbers in order: ["77.1", "79.0"]')
    found = Stated(
        value, reader.whole("n"), ends, reader.number("stderr"), reader.sha256("predictions-sha256")
    )
    reader.end()
    return found


def _setup(reader: Reader) -> Setup:
    found = Setup(
        entry=reader.maybe_text("entry"),
        args=reader.plain("args"),
        dtype=reader.maybe_text("dtype"),
        batch=reader.whole("batch"),
        threads=reader.whole("threads"),
        seeds=reader.wholes("seeds"),
        prompt_sha256=reader.sha256("prompt-sha256"),
        lock=reader.sha256("lock"),
    )
    reader.end()
    return found


def _repo(reader: Reader) -> str:
    """Take a repo id, perhaps with a host before it: `host:owner/name`."""
    text = reader.text("repo")
    host, colon, name = text.rpartition(":")
    try:
        RepoId.parse(name)
        if colon:
            check_path(host.replace(":", "/"))
    except InvalidId as error:
        raise reader.wrong("repo", f"is no repo id: {error.message}".rstrip(".")) from None
    return text
