"""torch.hub's functions, name for name: `import reprise.hub as hub` for `from torch import hub`.

Names, order, keyword arguments and defaults are those of torch 2.13, so that scripts keep working;
what happens is ours: nothing runs to list, consent is for a commit, every file is checked.
`reprise.list`, `help` and `load` are the same functions with the hub in use as their default.
"""

import logging
import sys
from os import PathLike
from typing import TYPE_CHECKING, Any

from reprise.base.errors import InvalidInput
from reprise.hub import consent, settings
from reprise.hub.entrypoints import entry_point, looked_at
from reprise.hub.entrypoints import load as load_entry
from reprise.hub.finding import find_entry
from reprise.hub.manifest import EntryPoint, Manifest, names
from reprise.hub.snapshots import Options, Origin, Snapshot

if TYPE_CHECKING:
    from reprise.hub.isolated import Isolation

log = logging.getLogger("reprise.hub")

_UNSURE = frozenset({"dynamic-names", "incomplete"})
_DEDENTS = (3, 13)  # from this version on, Python strips a docstring's indentation itself
_SHOWN = 8  # names in one message


def get_dir() -> str:
    """Return the folder that holds snapshots and checkpoints, see `reprise.hub.settings`."""
    return settings.get_dir()


def set_dir(d: str | PathLike[str]) -> None:
    """Keep snapshots and checkpoints in this folder until the process ends; `~` is the home."""
    settings.set_dir(d)


def list_callables(  # noqa: PLR0913 - torch.hub's arguments, and three more
    github: str,
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: bool | str | None = "check",
    verbose: bool = True,
    *,
    classic: bool = False,
    source: str = "github",
    sandbox: "bool | Isolation" = False,
) -> list[str]:
    """List the entry points of a repo, sorted, without running its code.

    Args:
        github: `owner/name[:revision]`, `owner/name@commit`, `host:owner/name` or a folder.
        force_reload: Fetch the snapshot again, even though it is cached.
        skip_validation: Accept commits that are on no branch or tag.
        trust_repo: Checked but not needed: nothing is run.
        verbose: Log the commit at level INFO rather than DEBUG.
        classic: List exactly what torch.hub lists, incidental imports too. Where only running the
            code would tell, a warning says so.
        source: "github", "git", "local" or "hub".
        sandbox: Where only running the code would tell, run it confined and list what that shows.

    Raises:
        RepriseError: See `reprise.hub.snapshots.open_snapshot`.
    """
    consent.check_trust(trust_repo)
    snapshot, manifest = looked_at(
        github,
        Options(
            source=_source(source),
            force_reload=force_reload,
            skip_validation=skip_validation,
            verbose=verbose,
        ),
        sandbox,
    )
    if classic:
        _say_what_is_unsure(snapshot, manifest)
    return [*names(manifest, classic=classic)]


def help_text(  # noqa: PLR0913 - torch.hub's arguments, and three more
    github: str,
    model: str,
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: bool | str | None = "check",
    *,
    classic: bool = False,
    source: str = "github",
    sandbox: "bool | Isolation" = False,
) -> str | None:
    """Return the docstring of an entry point, without running any code.

    Args:
        github: As for `list`.
        model: Name of the entry point.
        force_reload: As for `list`.
        skip_validation: As for `list`.
        trust_repo: Checked but not needed: nothing is run.
        classic: Return it as this version of Python stores it in `__doc__`, as torch.hub does,
            rather than as written. Where only running the code would tell, a warning says so.
        source: As for `list`.
        sandbox: As for `list`.

    Raises:
        EntryNotFound: The repo has no such entry point; the message suggests others.
    """
    consent.check_trust(trust_repo)
    snapshot, manifest = looked_at(
        github,
        Options(source=_source(source), force_reload=force_reload, skip_validation=skip_validation),
        sandbox,
    )
    entry = find_entry(snapshot, manifest, model)
    if not classic:
        return entry.doc
    if not _is_doc_known(entry):
        log.warning("Only running %s would tell the docstring of %s.", snapshot.address, model)
    return _as_stored(entry.doc)


def load(  # noqa: PLR0913 - torch.hub's arguments, and one more
    repo_or_dir: str,
    model: str,
    *args: Any,
    source: str = "github",
    trust_repo: bool | str | None = "check",
    force_reload: bool = False,
    verbose: bool = True,
    skip_validation: bool = False,
    isolated: "bool | Isolation" = False,
    **kwargs: Any,
) -> Any:
    """Fetch a repo, run its code and return what an entry point makes, see `reprise.load`.

    Args:
        repo_or_dir: As for `list`.
        model: Name of the entry point.
        *args: Passed to the entry point.
        source: "github", "git", "local" or "hub".
        trust_repo: True agrees to run this commit, "check" asks once, False asks every time.
        force_reload: Fetch the snapshot again, even though it is cached.
        verbose: Log the commit at level INFO rather than DEBUG.
        skip_validation: Accept commits that are on no branch or tag.
        isolated: Run it confined, in an environment and a process of its own, without asking.
        **kwargs: Passed to the entry point, whatever their names. Those named like the arguments
            above are reached through `reprise.hub.entry_point(...)`.
    """
    options: dict[str, Any] = {
        "source": _source(source), "force_reload": force_reload,
        "verbose": verbose, "skip_validation": skip_validation, "isolated": isolated,
    }  # fmt: skip
    if kwargs.keys() & {"offline", "endpoint", "token"}:  # the entry point's here, not ours
        return entry_point(repo_or_dir, model, trust_repo=trust_repo, **options)(*args, **kwargs)
    return load_entry(repo_or_dir, model, *args, trust_repo=trust_repo, **options, **kwargs)


def _source(source: object) -> str:
    if not isinstance(source, str):
        raise InvalidInput(f"source must be 'github', 'git', 'local' or 'hub', not {source!r}.")
    return source.lower()


def _say_what_is_unsure(snapshot: Snapshot | Origin, manifest: Manifest) -> None:
    """Warn when torch.hub, which runs the code, may list other names."""
    if "executed-in-sandbox" in manifest.flags:
        return
    flags = sorted(_UNSURE.intersection(manifest.flags))
    unsure = [entry.name for entry in manifest.entry_points if entry.kind == "unknown"]
    if flags or unsure:
        shown = f"{', '.join(unsure[:_SHOWN])}{', …' if unsure[_SHOWN:] else ''}"
        log.warning(
            "Only running %s would tell its names for certain (%s).",
            snapshot.address,
            "; ".join([*flags, *([f"not known to be callable: {shown}"] if unsure else [])]),
        )


def _is_doc_known(entry: EntryPoint) -> bool:
    return (
        entry.doc is not None
        or entry.certainty == "executed"
        or (entry.certainty == "static" and entry.kind != "unknown")
    )


def _as_stored(doc: str | None) -> str | None:
    if doc is None or sys.version_info < _DEDENTS:
        return doc
    first, *rest = doc.expandtabs().split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in rest if line.strip()), default=0)
    return "\n".join([first.lstrip(), *(line[margin:] for line in rest)])
