"""`list`, `help` and `load`: torch.hub's three questions, asked safely.

`list` and `help` read the code and never run it. `load` runs it, after somebody agreed to the
very commit. The keyword arguments are torch.hub's, and a few more at their end.
"""

import functools
import logging
from collections.abc import Callable
from typing import Any

from reprise.base.errors import EntryNotFound, InvalidInput
from reprise.hub import consent, settings
from reprise.hub.address import Address
from reprise.hub.manifest import EntryPoint, Manifest, find, names
from reprise.hub.manifest import read_manifest as read_folder
from reprise.hub.packages import naming, require_declared
from reprise.hub.snapshots import Options, Snapshot, open_snapshot

log = logging.getLogger("reprise.hub")

_LISTED = 12  # entry points named in one message


def list_entries(
    repo: str,
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: bool | str | None = "check",
    verbose: bool = True,
    *,
    classic: bool = False,
    **options: Any,
) -> list[str]:
    """List the entry points of a repo, sorted, without running its code.

    Args:
        repo: `owner/name`, `owner/name:branch`, `owner/name@commit`, `host:owner/name`, or a
            folder; `#folder` at the end picks a subfolder.
        force_reload: Fetch the snapshot again, even though it is cached.
        skip_validation: Accept commits that are on no branch or tag of a GitHub repo.
        trust_repo: Checked but not needed: nothing is run.
        verbose: Log the commit at level INFO rather than DEBUG.
        classic: List every name that torch.hub would show, incidental imports too.
        **options: `source` ("hub", "github", "local"), `endpoint`, `token`, `offline`.

    Raises:
        RepriseError: See `reprise.hub.snapshots.open_snapshot`.

    Example:
        >>> list("owner/name")  # doctest: +SKIP
        ['resnet18', 'resnet50']
    """
    consent.check_trust(trust_repo)
    wanted = _options(options, force_reload, skip_validation, verbose)
    return [*names(_readable(open_snapshot(repo, wanted, weights=False)), classic=classic)]


def entry_help(
    repo: str,
    entry: str,
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: bool | str | None = "check",
    **options: Any,
) -> str | None:
    """Return the docstring of an entry point exactly as written, without running any code.

    Args:
        repo: As for `list`.
        entry: Name of the entry point.
        force_reload: As for `list`.
        skip_validation: As for `list`.
        trust_repo: Checked but not needed: nothing is run.
        **options: As for `list`.

    Raises:
        EntryNotFound: The repo has no such entry point; the message suggests others.
    """
    consent.check_trust(trust_repo)
    wanted = _options(options, force_reload, skip_validation, verbose=True)
    snapshot = open_snapshot(repo, wanted, weights=False)
    return find_entry(snapshot, _readable(snapshot), entry).doc


def load(  # noqa: PLR0913 - torch.hub's arguments, and three more
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
    **kwargs: Any,
) -> Any:
    """Fetch a repo, run its code and return what an entry point makes.

    Running unknown code asks for consent once per commit: on a terminal by a question, elsewhere
    by `ConsentRequired`. Local folders are yours and are not asked about.

    Args:
        repo: As for `list`.
        entry: Name of the entry point.
        *args: Passed to the entry point.
        source: "hub", "github" or "local".
        trust_repo: True agrees now; "check" asks unless somebody agreed to this commit before;
            False asks every time.
        force_reload: Fetch the snapshot again, even though it is cached.
        verbose: Log the commit at level INFO rather than DEBUG.
        skip_validation: Accept commits that are on no branch or tag of a GitHub repo.
        offline: True forbids every connection; None means as `HF_HUB_OFFLINE` says.
        endpoint: Base URL of another hub than the one in use.
        token: Access token for it; never sent elsewhere.
        **kwargs: Passed to the entry point. One whose parameters are named like those above is
            called through `reprise.hub.entry_point(...)(...)`.

    Raises:
        ConsentRequired: Nobody agreed to run this commit.
        MissingDependencies: Packages are missing; the message has the command that installs them.
        EntryNotFound: The repo has no such entry point; the message suggests others.
        RepriseError: See `reprise.hub.snapshots.open_snapshot`.
    """
    options = Options(source, endpoint, token, offline, force_reload, skip_validation, verbose)
    return _ready(repo, entry, options, trust_repo)(*args, **kwargs)


def entry_point(
    repo: str, entry: str, *, trust_repo: bool | str | None = "check", **options: Any
) -> Callable[..., Any]:
    """Return an entry point without calling it.

    Args:
        repo: As for `list`.
        entry: Name of the entry point.
        trust_repo: As for `load`.
        **options: Any field of `reprise.hub.snapshots.Options`.

    Raises:
        RepriseError: As `load`.
    """
    return _ready(repo, entry, _checked(options), trust_repo)


def read_manifest(repo: str, **options: Any) -> tuple[Snapshot, Manifest]:
    """Return a repo's snapshot (its code at least) and its manifest; nothing is run.

    Args:
        repo: As for `list`.
        **options: Any field of `reprise.hub.snapshots.Options`.
    """
    snapshot = open_snapshot(repo, _checked(options), weights=False)
    return snapshot, _readable(snapshot)


def find_entry(snapshot: Snapshot, manifest: Manifest, name: str) -> EntryPoint:
    """Return an entry point of a manifest.

    Raises:
        EntryNotFound: There is none by that name; the message suggests others.
    """
    entry = find(manifest, _check_name(name))
    if entry is None:
        raise EntryNotFound(
            f"{snapshot.address} has no entry point {name!r}.", hint=_others(name, manifest)
        )
    return entry


def _ready(repo: str, entry: str, options: Options, trust_repo: object) -> Callable[..., Any]:
    """Do all that must come before foreign code runs, in the order that wastes least."""
    from reprise.hub import namespace

    consent.check_trust(trust_repo)
    _check_name(entry)
    snapshot = open_snapshot(repo, options)
    manifest = _readable(snapshot)
    if "dynamic-names" not in manifest.flags:
        find_entry(snapshot, manifest, entry)
    if isinstance(snapshot.address, Address) and snapshot.commit:
        policy = consent.Policy(settings.trust_file())
        consent.require_consent(snapshot.address, snapshot.commit, trust_repo, policy=policy)
    absent = require_declared(manifest, repo)
    if options.force_reload:
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


def _readable(snapshot: Snapshot) -> Manifest:
    manifest = read_folder(snapshot.folder)
    if "no-hubconf" in manifest.flags:
        raise EntryNotFound(
            f"{snapshot.address} has no hubconf.py, so it offers no entry points.",
            hint=f"Download it instead with: reprise download {snapshot.address}"
            if isinstance(snapshot.address, Address)
            else "",
        )
    return manifest


def _check_name(entry: object) -> str:
    # Not only identifiers: repos that fill globals() offer names such as "camembert-base".
    if not isinstance(entry, str) or not entry:
        raise InvalidInput(f"An entry point is named by a text, not {entry!r}.")
    return entry


def _others(name: str, manifest: Manifest) -> str:
    from difflib import get_close_matches

    offered = list(names(manifest))
    if close := get_close_matches(name, offered, n=3, cutoff=0.5):
        return f"Did you mean {' or '.join(close)}?"
    if not offered:
        return "It has none that can be read without running it."
    return f"It has: {', '.join(offered[:_LISTED])}{', …' if offered[_LISTED:] else ''}"


def _options(
    given: dict[str, Any], force_reload: bool, skip_validation: bool, verbose: bool
) -> Options:
    fields = {"force_reload": force_reload, "skip_validation": skip_validation, "verbose": verbose}
    return _checked(given | fields)


def _checked(given: dict[str, Any]) -> Options:
    try:
        return Options(**given)
    except TypeError as error:
        raise InvalidInput(f"Unknown option: {error}") from None
