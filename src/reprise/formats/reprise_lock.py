"""`reprise.lock`: everything that decides a number, pinned by commit and by content.

It stands beside a `pylock.toml`, which holds the Python packages and which it pins by hash. The
digest of a lock leaves out who wrote it and what it ran on: two locks with one digest mean the
same code, weights, rows, metrics, packages and settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from reprise.base.digests import canonical_json, sha256_hex
from reprise.base.errors import InvalidId
from reprise.base.ids import check_path
from reprise.formats import toml_text
from reprise.formats.claim import table_of
from reprise.formats.reading import Reader
from reprise.formats.trees import TreeFile, digest_of

VERSION = 1
NAME = "reprise.lock"
_WHAT = "This lock"
_SHORT = 12  # hex digits: 48 bits are enough to tell the locks of people apart
_UNHASHED = ("hardware", "created-by")
_Repo = TypeVar("_Repo", "LockedModel", "LockedData", "LockedCode")


@dataclass(frozen=True)
class LockedRepo:
    """A repo at one commit, with the content that counts.

    Attributes:
        name: What it is called in this lock, once per kind.
        repo: `owner/name`, with a host before it where it is not the hub in use.
        commit: 40 hex digits.
        tree_sha256: Over `files`.
        revision: What was asked for, and is asked again to upgrade; None for the default branch.
    """

    name: str
    repo: str
    commit: str
    tree_sha256: str
    revision: str | None = None


@dataclass(frozen=True)
class LockedModel(LockedRepo):
    """Weights, configuration and vocabulary of a repo; `tokenizer` is its fingerprint."""

    license: str | None = None
    file: tuple[TreeFile, ...] = ()
    tokenizer: str | None = None


@dataclass(frozen=True)
class LockedCode(LockedRepo):
    """Code of a repo; `entry` names the entry points that are used, none for any."""

    entry: tuple[str, ...] = ()
    file: tuple[TreeFile, ...] = ()


@dataclass(frozen=True)
class LockedData(LockedRepo):
    """A data set. `content_sha256` is over its rows, whatever file they came from."""

    config: str | None = None
    split: str | None = None
    rows: int | None = None
    content_sha256: str | None = None
    file: tuple[TreeFile, ...] = ()


@dataclass(frozen=True)
class LockedMetric:
    """A metric: id, version and the hash of its definition."""

    id: str
    version: str
    definition: str


@dataclass(frozen=True)
class PythonPart:
    """The lock of the Python packages beside this one, and its SHA-256."""

    lock: str
    sha256: str


@dataclass(frozen=True)
class RepriseLock:
    """A whole lock; every list is sorted by name."""

    requires_python: str | None = None
    platforms: tuple[str, ...] = ()
    python: PythonPart | None = None
    model: tuple[LockedModel, ...] = ()
    dataset: tuple[LockedData, ...] = ()
    code: tuple[LockedCode, ...] = ()
    metric: tuple[LockedMetric, ...] = ()
    determinism: Mapping[str, Any] = field(default_factory=dict)
    system: Mapping[str, Any] = field(default_factory=dict)
    hardware: Mapping[str, Any] = field(default_factory=dict)
    created_by: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON of all but `hardware` and `created-by`."""
        value = to_dict(self)
        return sha256_hex(canonical_json({k: v for k, v in value.items() if k not in _UNHASHED}))

    @property
    def short_id(self) -> str:
        """What papers can cite: `reprise:1:9f3c…`."""
        return f"reprise:{VERSION}:{self.digest[:_SHORT]}"

    @property
    def repos(self) -> tuple[LockedRepo, ...]:
        """All repos, of every kind."""
        return (*self.model, *self.dataset, *self.code)


def read(text: str) -> RepriseLock:
    """Read a lock from TOML.

    Raises:
        InvalidFormat: It is none, of another version, or its digests contradict its files.
    """
    return from_dict(toml_text.read(text, _WHAT))


def write(lock: RepriseLock) -> str:
    """Return the TOML of a lock, the same for the same lock."""
    head = "# Written by `reprise lock`; read by people, changed by `reprise lock --upgrade`.\n"
    return head + toml_text.write(to_dict(lock))


def to_dict(lock: RepriseLock) -> dict[str, Any]:
    """Return a lock as plain data, its lists sorted; what is not said is left out."""
    return {"version": VERSION, **table_of(ordered(lock))}


def from_dict(value: object) -> RepriseLock:
    """Read a lock from plain data.

    Raises:
        InvalidFormat: As `read`.
    """
    reader = Reader(value, what=_WHAT)
    if (version := reader.whole("version")) != VERSION:
        raise reader.wrong("version", f"is {version}; this reads version {VERSION}")
    found = RepriseLock(
        requires_python=reader.maybe_text("requires-python"),
        platforms=reader.texts("platforms"),
        python=_python(reader.table("python")) if reader.has("python") else None,
        model=tuple(_model(item) for item in reader.tables("model")),
        dataset=tuple(_data(item) for item in reader.tables("dataset")),
        code=tuple(_code(item) for item in reader.tables("code")),
        metric=tuple(_metric(item) for item in reader.tables("metric")),
        determinism=reader.plain("determinism"),
        system=reader.plain("system"),
        hardware=reader.plain("hardware"),
        created_by=reader.maybe_text("created-by"),
    )
    for kind in ("model", "dataset", "code"):
        names = [item.name for item in getattr(found, kind)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise reader.wrong(kind, f"names {twice[0]!r} twice")
    if len({item.id for item in found.metric}) != len(found.metric):
        raise reader.wrong("metric", "names one metric twice")
    reader.end()
    return ordered(found)


def ordered(lock: RepriseLock) -> RepriseLock:
    """Return the same lock with every list sorted."""
    return replace(
        lock,
        platforms=tuple(sorted(lock.platforms)),
        model=tuple(sorted(map(_sorted, lock.model), key=lambda it: it.name)),
        dataset=tuple(sorted(map(_sorted, lock.dataset), key=lambda it: it.name)),
        code=tuple(sorted(map(_sorted, lock.code), key=lambda it: it.name)),
        metric=tuple(sorted(lock.metric, key=lambda it: it.id)),
    )


def _sorted(item: _Repo) -> _Repo:
    return replace(item, file=tuple(sorted(item.file, key=lambda file: file.path)))


def _python(reader: Reader) -> PythonPart:
    digest = reader.sha256("sha256")
    if digest is None:
        raise reader.wrong("sha256", "is missing")
    name = reader.text("lock")
    try:
        check_path(name)
    except InvalidId as error:
        raise reader.wrong("lock", f"is no path: {error.message}".rstrip(".")) from None
    reader.end()
    return PythonPart(name, digest)


def _model(reader: Reader) -> LockedModel:
    found = LockedModel(
        **_repo(reader), license=reader.maybe_text("license"),
        tokenizer=reader.sha256("tokenizer"), file=_files(reader),
    )  # fmt: skip
    return _whole(reader, found)


def _code(reader: Reader) -> LockedCode:
    found = LockedCode(**_repo(reader), entry=reader.texts("entry"), file=_files(reader))
    return _whole(reader, found)


def _data(reader: Reader) -> LockedData:
    found = LockedData(
        **_repo(reader),
        config=reader.maybe_text("config"),
        split=reader.maybe_text("split"),
        rows=reader.whole("rows"),
        content_sha256=reader.sha256("content-sha256"),
        file=_files(reader),
    )
    return _whole(reader, found)


def _metric(reader: Reader) -> LockedMetric:
    found = LockedMetric(reader.text("id"), reader.text("version"), reader.text("definition"))
    reader.end()
    return found


def _repo(reader: Reader) -> dict[str, Any]:
    commit, tree = reader.commit("commit"), reader.sha256("tree-sha256")
    if commit is None or tree is None:
        raise reader.wrong("", "needs commit and tree-sha256")
    return {
        "name": reader.text("name"), "repo": reader.text("repo"), "commit": commit,
        "tree_sha256": tree, "revision": reader.maybe_text("revision"),
    }  # fmt: skip


def _whole(reader: Reader, found: _Repo) -> _Repo:
    """Check that the digest of a tree is that of the files listed below it."""
    if digest_of(found.file) != found.tree_sha256:
        raise reader.wrong("tree-sha256", "is not the digest of the files listed")
    reader.end()
    return found


def _files(reader: Reader) -> tuple[TreeFile, ...]:
    found = []
    for item in reader.tables("file"):
        path, size, digest = item.text("path"), item.whole("size"), item.sha256("sha256")
        try:
            check_path(path)
        except InvalidId as error:
            raise item.wrong("path", f"is no path: {error.message}".rstrip(".")) from None
        if size is None or digest is None:
            raise item.wrong("", "needs path, size and sha256")
        item.end()
        found.append(TreeFile(path, size, digest))
    if len({file.path for file in found}) != len(found):
        raise reader.wrong("file", "names one path twice")
    return tuple(found)
