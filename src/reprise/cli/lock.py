"""`reprise lock`: make, check, compare, fetch and export a `reprise.lock`."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reprise.base.errors import InvalidInput, NotFound
from reprise.cli import output

if TYPE_CHECKING:
    from reprise.formats.pylock import Lock
    from reprise.formats.reprise_lock import LockedMetric, LockedModel, RepriseLock
    from reprise.hub.locking import Locking
    from reprise.hub.snapshots import Options

_Function = TypeVar("_Function", bound=Callable[..., Any])
_EXIT_DIFFERS = 1
_FILE = click.option(
    "-f", "--file", "path", default="reprise.lock", show_default=True,
    type=click.Path(path_type=Path), help="The lock.",
)  # fmt: skip


class _WithDefault(click.Group):
    """A group whose first command is meant where none is named: `reprise lock ada/net`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in {"--help", "-h"}):
            args = ["make", *args]
        return super().parse_args(ctx, args)


def _sources(function: _Function) -> _Function:
    decorators = (
        click.option("--endpoint", metavar="URL", help="Another hub than HF_ENDPOINT."),
        click.option("--offline", is_flag=True, help="Use only what is cached."),
        click.option("--python", metavar="PYTHON", help="Interpreter to choose packages for."),
        click.option("--find-links", multiple=True, metavar="PLACE", help="More wheels."),
    )
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


@click.group(cls=_WithDefault)
def lock() -> None:
    """Pin models, code, data, metrics and packages by commit and content.

    `reprise lock REPO…` makes or extends reprise.lock; see `reprise lock make --help`.
    """


@lock.command()
@click.argument("repos", nargs=-1)
@click.option("--data", multiple=True, metavar="REPO", help="A data set.")
@click.option("--split", metavar="NAME", help="Split of the data sets.")
@click.option("--config", metavar="NAME", help="Configuration of the data sets.")
@click.option("--metric", "metrics", multiple=True, metavar="ID", help="A metric: squad2@1.0.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="seeds=[0,1]")
@click.option("--upgrade", "upgrades", multiple=True, metavar="NAME", help="Resolve it again.")
@click.option("--check", "is_check", is_flag=True, help="Only say whether all of it still holds.")
@_FILE
@_sources
@output.json_option
def make(path: Path, is_check: bool, upgrades: tuple[str, ...], **given: Any) -> None:
    """Make reprise.lock and pylock.toml, or extend them by what is named.

    REPOS are model repos with their code. What is locked already stays as it is, unless it is
    named again or by --upgrade. --check fails when anything is not what was locked.
    """
    from reprise.formats.reprise_lock import RepriseLock
    from reprise.hub.lock import platform_tag, resolve, upgrade

    named = any(given[key] for key in ("repos", "data", "metrics", "settings"))
    if is_check:
        if named or upgrades:
            raise click.UsageError("--check changes nothing; leave out what is to be locked.")
        _check(path, given)
        return
    old = _existing(path, needed=not named or bool(upgrades))
    if not named and not upgrades:
        _show(path, old or RepriseLock())
        return
    options = _options(given)
    found = old or RepriseLock(platforms=(platform_tag(),))
    with output.status("locking"):
        for name in upgrades:
            found = upgrade(found, name, options)
        found = resolve(_wishes(given), base=found, options=options)
        found = _with_tokenizers(_with_rows(found, options), options)
        found = _with_metrics(found, given["metrics"])
        found = replace(
            found, determinism={**found.determinism, **dict(map(name_and_value, given["settings"]))}
        )
        _save(path, old, found, given)


@lock.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path), default="reprise.lock")
@output.json_option
def diff(old: Path, new: Path) -> None:
    """Say what differs between two locks: weights, rows, metrics, packages."""
    from reprise.formats.lock_diff import differences
    from reprise.hub.locked import read_lock

    sides = read_lock(old), read_lock(new)
    found = differences(*sides, packages=(_packages(old, sides[0]), _packages(new, sides[1])))
    rows = [asdict(change) for change in found]
    output.table(rows, ["kind", "name", "before", "after"], empty="They say the same.")


@lock.command()
@_FILE
@_sources
@output.json_option
def sync(path: Path, **given: Any) -> None:
    """Fetch all that is locked, by hash, and build its environment."""
    from reprise.hub.lock_check import sync as fetch_all
    from reprise.hub.locked import read_lock

    with output.status("fetching"):
        found = fetch_all(path, read_lock(path), _locking(given), _options(given))
    built = found.environment
    value = {
        "folders": {name: str(folder) for name, folder in found.folders.items()},
        "python": str(built.python) if built else None,
    }
    lines = [f"{name}\t{folder}" for name, folder in value["folders"].items()]  # type: ignore[union-attr]
    output.show(value, "\n".join([*lines, f"python\t{built.python}"] if built else lines))


@lock.command()
@click.argument("form", type=click.Choice(["croissant", "cyclonedx", "pylock", "ro-crate", "spdx"]))
@_FILE
def export(form: str, path: Path) -> None:
    """Print a lock in the words of other tools."""
    from reprise.formats import lock_exports, pylock
    from reprise.hub.locked import read_lock

    found = read_lock(path)
    packages = _packages(path, found)
    if form == "pylock":
        if packages is None:
            raise InvalidInput("This lock has no Python packages.")
        click.echo(pylock.write(packages), nl=False)
        return
    value = lock_exports.export(found, form, packages)
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _check(path: Path, given: dict[str, Any]) -> None:
    from reprise.hub.lock_check import problems
    from reprise.hub.locked import read_lock

    found = read_lock(path)
    with output.status("checking"):
        wrong = [*problems(path, found, _options(given)), *_metric_problems(found)]
        if not wrong:
            wrong = _tokenizer_problems(found, _options(given))
    value = {"lock": found.short_id, "digest": found.digest, "problems": wrong}
    output.show(value, lambda: "\n".join(wrong) or f"{found.short_id} holds")
    if wrong:
        click.get_current_context().exit(_EXIT_DIFFERS)


def _save(path: Path, old: "RepriseLock | None", found: "RepriseLock", given: Any) -> None:
    from reprise.hub.lock import Made, packages_of, save

    before = _packages(path, old) if old else None
    same_code = old is not None and old.code == found.code
    packages = before if same_code else \
        packages_of(found, _locking(given), _options(given), old=before)  # fmt: skip
    _show(path, save(Made(found, packages), path))


def _show(path: Path, found: "RepriseLock") -> None:
    from reprise.formats.reprise_lock import to_dict

    value = {"path": str(path), "id": found.short_id, "digest": found.digest, **to_dict(found)}
    output.show(value, lambda: _page(found))


def _page(found: "RepriseLock") -> str:
    lines = [found.short_id]
    for kind in ("model", "code", "dataset"):
        lines += [
            f"{kind}\t{item.name}\t{item.commit[:12]}\t{len(item.file)} files"
            for item in getattr(found, kind)
        ]
    lines += [f"metric\t{item.id}@{item.version}\t{item.definition}" for item in found.metric]
    return "\n".join(lines)


def _existing(path: Path, *, needed: bool) -> "RepriseLock | None":
    from reprise.hub.locked import read_lock

    try:
        return read_lock(path)
    except NotFound:
        if needed:
            raise
        return None


def _packages(path: Path, found: "RepriseLock") -> "Lock | None":
    from reprise.hub.locked import packages_path
    from reprise.hub.locking import read_packages

    place = packages_path(path) if found.python else None
    return read_packages(place) if place else None


def _wishes(given: dict[str, Any]) -> list[Any]:
    from reprise.hub.lock import Wish

    data = [Wish(repo, "dataset", given["split"], given["config"]) for repo in given["data"]]
    return [*(Wish(repo) for repo in given["repos"]), *data]


def _with_rows(found: "RepriseLock", options: "Options") -> "RepriseLock":
    """Add number and digest of the rows to splits that lack them."""
    from reprise.hub.lock_check import fetch
    from reprise.verify.rows import read_split

    items = []
    for item in found.dataset:
        if item.split is None or item.content_sha256 is not None:
            items.append(item)
            continue
        rows = read_split(fetch(item, options), item.split, item.config)
        items.append(replace(item, rows=len(rows), content_sha256=rows.content_sha256))
    return replace(found, dataset=tuple(items))


def _with_tokenizers(found: "RepriseLock", options: "Options") -> "RepriseLock":
    """Add the fingerprint of the tokenizer to models that lack it."""
    items = tuple(
        item if item.tokenizer else replace(item, tokenizer=_tokenizer(item, options))
        for item in found.model
    )
    return replace(found, model=items)


def _tokenizer(item: "LockedModel", options: "Options") -> str | None:
    from reprise.hub.lock_check import fetch

    if not find_spec("tokenizers"):
        return None
    from reprise.tokenizers.identity import fingerprint_of, is_likely

    if not is_likely(file.path for file in item.file):
        return None
    return fingerprint_of(fetch(item, options))


def _tokenizer_problems(found: "RepriseLock", options: "Options") -> list[str]:
    if not find_spec("tokenizers"):
        return []
    pairs = [(item, _tokenizer(item, options)) for item in found.model if item.tokenizer]
    return [
        f"{item.name}: its tokenizer is {here or 'none'}, and {item.tokenizer} was locked."
        for item, here in pairs
        if here != item.tokenizer
    ]


def _with_metrics(found: "RepriseLock", names: tuple[str, ...]) -> "RepriseLock":
    made = {item.id: item for item in found.metric} | {it.id: it for it in map(_metric, names)}
    return replace(found, metric=tuple(made.values()))


def _metric(name: str) -> "LockedMetric":
    from reprise.formats.reprise_lock import LockedMetric
    from reprise.metrics import load_metric
    from reprise.metrics.fingerprint import definition_hash

    definition = load_metric(name).definition
    return LockedMetric(definition.id, definition.version, definition_hash(definition))


def _metric_problems(found: "RepriseLock") -> list[str]:
    return [
        f"{item.id}@{item.version}: its definition is {here}, and {item.definition} was locked."
        for item in found.metric
        if (here := _metric(f"{item.id}@{item.version}").definition) != item.definition
    ]


def name_and_value(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE; the value is JSON, or else the text as it is.

    Raises:
        UsageError: It is written otherwise.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"{text!r}: write NAME=VALUE.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _options(given: dict[str, Any]) -> "Options":
    from reprise.hub.snapshots import Options

    return Options(endpoint=given["endpoint"], offline=given["offline"] or None)


def _locking(given: dict[str, Any]) -> "Locking":
    from reprise.hub.isolated import log_step
    from reprise.hub.locking import Locking
    from reprise.isolate.requirements import Sources

    sources = Sources(find_links=given["find_links"], offline=given["offline"])
    return Locking(python=given["python"], sources=sources, progress=log_step)
