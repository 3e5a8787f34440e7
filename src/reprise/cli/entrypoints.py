"""`reprise list`, `help` and `load`: the entry points of a repo."""

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reprise.base.errors import RepriseError
from reprise.cli import output
from reprise.cli.isolation_options import isolation_options, taken

if TYPE_CHECKING:
    from reprise.hub.manifest import Manifest
    from reprise.hub.snapshots import Origin, Snapshot

log = logging.getLogger("reprise.cli")

_Function = TypeVar("_Function", bound=Callable[..., Any])
_SANDBOX = "Run code that cannot be read, confined, and list what it makes."


def snapshot_options(function: _Function) -> _Function:
    """Give a command the options that say where a repo comes from; they arrive as `options`."""
    decorators = (
        click.option(
            "--source",
            type=click.Choice(["hub", "github", "git", "local"]),
            default="hub",
            help="Where the repo lives.  [default: hub]",
        ),
        click.option("--endpoint", metavar="URL", help="Another hub than HF_ENDPOINT."),
        click.option("--offline", is_flag=True, help="Use only what is cached."),
        click.option("--force-reload", is_flag=True, help="Fetch it again, even though cached."),
        click.option(
            "--skip-validation",
            is_flag=True,
            help="Accept commits that are on no branch or tag of a GitHub or git repo.",
        ),
    )
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


def given(options: dict[str, Any]) -> dict[str, Any]:
    """Turn command-line options into the library's: a flag that is not set says nothing."""
    return {**options, "offline": options["offline"] or None}


@click.command("list")
@click.argument("repo")
@click.option("--classic", is_flag=True, help="List all that torch.hub.list would show.")
@click.option("--sandbox", is_flag=True, help=_SANDBOX)
@snapshot_options
@isolation_options
@output.json_option
def list_command(repo: str, classic: bool, sandbox: bool, **options: Any) -> None:
    """List the entry points of REPO without running its code, unless --sandbox says so.

    REPO is owner/name, owner/name:branch, owner/name@commit, host:owner/name, the URL of a page,
    the URL of a git repo (https://host/path.git, git@host:path), or a folder (./folder).
    """
    from reprise.hub.snapshots import describe

    snapshot, manifest = _looked_at(repo, sandbox, options)
    shown = [entry for entry in manifest.entry_points if classic or entry.own]
    rows = [
        {
            "name": entry.name,
            "signature": entry.signature,
            "summary": _summary(entry.doc),
            **describe(snapshot),
            "file": entry.file,
            "line": entry.line,
            "certainty": entry.certainty,
        }
        for entry in shown
    ]
    output.table(rows, ["name", "signature", "summary"], empty="It has no entry points.")
    for problem in manifest.problems:
        output.warn(f"{problem.file}:{problem.line}: {problem.message}")
    if "executed-in-sandbox" in manifest.flags:
        seen = sum(entry.certainty == "executed" for entry in shown)
        output.hint(f"{seen} of {len(shown)} names are known from running the code in a sandbox.")
    elif "dynamic-names" in manifest.flags:
        output.hint("Some of its names are made while the code runs; --sandbox shows them.")
    elif rows:
        output.hint(f"reprise help {repo} {shown[0].name}")


@click.command("help")
@click.argument("repo")
@click.argument("entry")
@click.option("--sandbox", is_flag=True, help=_SANDBOX)
@snapshot_options
@isolation_options
@output.json_option
def help_command(repo: str, entry: str, sandbox: bool, **options: Any) -> None:
    """Show signature and docstring of ENTRY in REPO; only --sandbox runs code."""
    from reprise.hub.finding import find_entry
    from reprise.hub.snapshots import describe

    snapshot, manifest = _looked_at(repo, sandbox, options)
    found = find_entry(snapshot, manifest, entry)
    needs = [item.distribution + item.specifier for item in manifest.dependencies if item.declared]
    value = {**asdict(found), **describe(snapshot), "dependencies": needs}
    output.show(value, lambda: _page(found.name, found.signature, found.doc, needs))
    if found.certainty == "executed":
        output.hint("Known from running the code in a sandbox.")


@click.command("load", context_settings={"ignore_unknown_options": True})
@click.argument("repo")
@click.argument("entry")
@click.argument("arguments", nargs=-1)
@click.option("--trust", is_flag=True, help="Agree to run the repo's code at this commit.")
@click.option("--isolated", is_flag=True, help="Run it confined, in an environment of its own.")
@snapshot_options
@isolation_options
@output.json_option
def load_command(
    repo: str, entry: str, arguments: tuple[str, ...], trust: bool, isolated: bool, **options: Any
) -> None:
    """Load ENTRY of REPO and say what came out: a check that it works here.

    ARGUMENTS are JSON values, `name=value` for keyword arguments; anything that is not JSON is
    taken as text: pretrained=true depth=50 name=resnet.

    With --isolated the code gets an environment and a process of its own, without network and
    with read-only files, and nobody has to agree.
    """
    from reprise.hub.entrypoints import entry_point

    worker = taken(options, isolated, "--isolated")
    positional, keywords = parse_arguments(arguments)
    with code_of(repo):
        function = entry_point(
            repo, entry, trust_repo=trust or "check", isolated=worker or False, **given(options)
        )
        made = function(*positional, **keywords)
        value = _described(made) | (_remote(made) if isolated else {})
    output.show(value, lambda: "\n".join(f"{name}: {value[name]}" for name in value))


@contextmanager
def code_of(repo: str) -> Iterator[None]:
    """Turn what a repo's code raises into an error of the command."""
    try:
        yield
    except (RepriseError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        log.debug("%s", traceback.format_exc())
        raise click.ClickException(
            f"The code of {repo} failed: {type(error).__name__}: {error} "
            "(reprise -v load … shows where)"
        ) from error


def _looked_at(
    repo: str, sandbox: bool, options: dict[str, Any]
) -> "tuple[Snapshot | Origin, Manifest]":
    from reprise.hub.entrypoints import looked_at
    from reprise.hub.finding import checked_options

    worker = taken(options, sandbox, "--sandbox")
    return looked_at(repo, checked_options(given(options)), worker or False)


def _summary(doc: str | None) -> str:
    lines = (doc or "").strip().splitlines()
    return lines[0].strip() if lines else ""


def _page(name: str, signature: str | None, doc: str | None, needs: list[str]) -> str:
    from inspect import cleandoc

    parts = [f"{name}{signature or '(…)'}", cleandoc(doc) if doc else "No docstring."]
    if needs:
        parts.append(f"Needs: {', '.join(needs)}")
    return "\n\n".join(parts)


def parse_arguments(arguments: tuple[str, ...]) -> tuple[list[Any], dict[str, Any]]:
    """Turn words of the command line into positional and keyword arguments."""
    positional: list[Any] = []
    keywords: dict[str, Any] = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if equals and name.isidentifier():
            keywords[name] = _value(value)
        else:
            positional.append(_value(argument))
    return positional, keywords


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _described(made: Any) -> dict[str, Any]:
    """Say what an entry point returned, without importing any framework."""
    return {"type": f"{type(made).__module__}.{type(made).__qualname__}", **_measure(made)}


def _remote(made: Any) -> dict[str, Any]:
    """Say what lives in a worker, and how that is confined."""
    from reprise.hub.isolated import facts_of

    return facts_of(made) or {"isolated": True}


def _measure(made: Any) -> dict[str, Any]:
    """Count the parameters of whatever has some."""
    parameters = getattr(made, "parameters", None)
    if not callable(parameters):
        return {"value": repr(made)[:200]}
    try:
        return {"parameters": sum(_size(item) for item in parameters())}
    except (AttributeError, TypeError):
        return {}


def _size(parameter: Any) -> int:
    count = getattr(parameter, "numel", None)
    return int(count()) if callable(count) else int(parameter.size)  # numpy's is a number
