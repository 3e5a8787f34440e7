"""`list`, `help` and `load`: torch.hub's three questions, asked safely.

`list` and `help` read the code and do not run it. `load` runs it, after somebody agreed to the
very commit, or confined in a worker. The keyword arguments are torch.hub's, and a few more at
their end.
"""

import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reprise.hub import consent, settings
from reprise.hub.address import Address
from reprise.hub.finding import (
    check_name,
    checked_options,
    find_entry,
    found,
    look,
    read_manifest,
)
from reprise.hub.manifest import Dependency, Manifest, names
from reprise.hub.packages import naming, require_declared
from reprise.hub.snapshots import Options, Origin, Snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.hub.isolated import Isolation

__all__ = ["entry_help", "entry_point", "find_entry", "list_entries", "load", "read_manifest"]

log = logging.getLogger("reprise.hub")


def list_entries(  # noqa: PLR0913 - torch.hub's arguments, and two more
    repo: str,
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: bool | str | None = "check",
    verbose: bool = True,
    *,
    classic: bool = False,
    sandbox: "bool | Isolation" = False,
    **options: Any,
) -> list[str]:
    """List the entry points of a repo, sorted, without running its code.

    Args:
        repo: `owner/name`, `owner/name:branch`, `owner/name@commit`, `host:owner/name`, the URL
            of a page or of a git repo, or a folder; `#folder` at the end picks a subfolder.
        force_reload: Fetch the snapshot again, even though it is cached.
        skip_validation: Accept commits that are on no branch or tag of a GitHub repo.
        trust_repo: Checked but not needed: nothing is run.
        verbose: Log the commit at level INFO rather than DEBUG.
        classic: List every name that torch.hub would show, incidental imports too.
        sandbox: Where names are made while the code runs, run it confined and list those, too;
            see `reprise.hub.sandboxed.complete`.
        **options: `source` ("hub", "github", "git", "local"), `endpoint`, `token`, `offline`.

    Raises:
        RepriseError: See `reprise.hub.snapshots.open_snapshot`.

    Example:
        >>> list("owner/name")  # doctest: +SKIP
        ['resnet18', 'resnet50']
    """
    consent.check_trust(trust_repo)
    wanted = _options(options, force_reload, skip_validation, verbose)
    _, manifest = looked_at(repo, wanted, sandbox)
    return [*names(manifest, classic=classic)]


def entry_help(
    repo: str,
    entry: str,
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: bool | str | None = "check",
    *,
    sandbox: "bool | Isolation" = False,
    **options: Any,
) -> str | None:
    """Return the docstring of an entry point exactly as written, without running any code.

    Args:
        repo: As for `list`.
        entry: Name of the entry point.
        force_reload: As for `list`.
        skip_validation: As for `list`.
        trust_repo: Checked but not needed: nothing is run.
        sandbox: As for `list`.
        **options: As for `list`.

    Raises:
        EntryNotFound: The repo has no such entry point; the message suggests others.
    """
    consent.check_trust(trust_repo)
    wanted = _options(options, force_reload, skip_validation, verbose=True)
    snapshot, manifest = looked_at(repo, wanted, sandbox)
    return find_entry(snapshot, manifest, entry).doc


def load(  # noqa: PLR0913 - torch.hub's arguments, and four more
    repo: str,
    entry: str,
    *args: Any,
    source: str = "hub",
    trust_repo: bool | str | None = "check",
    force_reload: bool = False,
    verbose: bool = True,
    skip_validation: bool = False,
    offline: bool | None = None,
    endpoint: str | None = None,
    token: str | bool | None = None,
    isolated: "bool | Isolation" = False,
    lock: "str | Path | None" = None,
    **kwargs: Any,
) -> Any:
    """Fetch a repo, run its code and return what an entry point makes.

    Running unknown code asks for consent once per commit: on a terminal by a question, elsewhere
    by `ConsentRequired`. Local folders are yours and are not asked about. With `isolated` the code
    runs confined, in an environment and a process of its own, and nobody is asked.

    Args:
        repo: As for `list`.
        entry: Name of the entry point.
        *args: Passed to the entry point.
        source: "hub", "github", "git" or "local".
        trust_repo: True agrees now; "check" asks unless somebody agreed; False asks every time.
        force_reload: Fetch the snapshot again, even though it is cached.
        verbose: Log the commit at level INFO rather than DEBUG.
        skip_validation: Accept commits that are on no branch or tag of a GitHub repo.
        offline: True forbids every connection; None means as `HF_HUB_OFFLINE` says.
        endpoint: Base URL of another hub than the one in use.
        token: Access token for it; never sent elsewhere.
        isolated: True, or an `Isolation`: run it in a worker; see `reprise.hub.isolated`.
        lock: A `reprise.lock` or its folder; decides commit, content and isolated packages.
        **kwargs: Passed to the entry point; names as above go through `entry_point(…)(…)`.

    Raises:
        ConsentRequired: Nobody agreed to run this commit.
        MissingDependencies: Packages are missing; the message has the command that installs them.
        EntryNotFound: The repo has no such entry point; the message suggests others.
        NotSupported: `isolated`, and this machine cannot confine untrusted code.
        RemoteFailure: `isolated`, and the code raised.
        RepriseError: See `reprise.hub.snapshots.open_snapshot`.
    """
    options = Options(
        source, endpoint, token, offline, force_reload, skip_validation, verbose, lock=lock
    )
    return _ready(repo, entry, options, trust_repo, isolated)(*args, **kwargs)


def entry_point(
    repo: str,
    entry: str,
    *,
    trust_repo: bool | str | None = "check",
    isolated: "bool | Isolation" = False,
    **options: Any,
) -> Callable[..., Any]:
    """Return an entry point without calling it.

    Args:
        repo: As for `list`.
        entry: Name of the entry point.
        trust_repo: As for `load`.
        isolated: As for `load`; each call then starts a worker of its own.
        **options: Any field of `reprise.hub.snapshots.Options`.

    Raises:
        RepriseError: As `load`.
    """
    return _ready(repo, entry, checked_options(options), trust_repo, isolated)


def looked_at(
    repo: str, options: Options, sandbox: "bool | Isolation"
) -> tuple[Snapshot | Origin, Manifest]:
    """Return a repo's place and manifest, completed in a sandbox where that is asked for."""
    if sandbox is False:
        return look(repo, options)
    from reprise.hub import sandboxed

    return sandboxed.look(repo, options, sandbox)


def _ready(
    repo: str,
    entry: str,
    options: Options,
    trust_repo: object,
    isolated: "bool | Isolation",
) -> Callable[..., Any]:
    """Do all that must come before foreign code runs, in the order that wastes least."""
    consent.check_trust(trust_repo)
    check_name(entry)
    if isolated is not False:
        from reprise.hub.isolated import isolated_entry_point

        return isolated_entry_point(
            repo, entry, isolated=isolated, options=options, trust_repo=trust_repo
        )
    snapshot, manifest = found(repo, entry, options)
    if isinstance(snapshot.address, Address) and snapshot.commit:
        policy = consent.Policy(settings.trust_file())
        consent.require_consent(snapshot.address, snapshot.commit, trust_repo, policy=policy)
    absent = require_declared(manifest, repo)
    return _in_this_process(repo, entry, snapshot, absent, again=options.force_reload)


def _in_this_process(
    repo: str, entry: str, snapshot: Snapshot, absent: tuple[Dependency, ...], *, again: bool
) -> Callable[..., Any]:
    from reprise.hub import namespace

    if again:
        namespace.unload(snapshot.key)
    _register(snapshot)
    with naming(absent, repo):
        function = namespace.entry_point(snapshot.folder, snapshot.key, entry)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with naming(absent, repo):
            return function(*args, **kwargs)

    return call


def _register(snapshot: Snapshot) -> None:
    """Let other processes find the code when they unpickle what it made."""
    from reprise.hub.namespace import registry

    try:
        if registry.lookup(snapshot.key) != snapshot.folder.resolve():
            registry.register(snapshot.key, snapshot.folder)
    except OSError as error:  # a shared cache that may only be read is fine for loading
        log.debug("Cannot register %s: %s", snapshot.key, error)


def _options(
    given: dict[str, Any], force_reload: bool, skip_validation: bool, verbose: bool
) -> Options:
    fields = {"force_reload": force_reload, "skip_validation": skip_validation, "verbose": verbose}
    return checked_options(given | fields)
