"""Metric repos: a metric by the name of its repo and a commit.

A file that only composes built-in metrics runs nothing. A repo whose own code scores the examples
is treated like every repo with code: somebody agrees to the very commit first, or it runs confined
in a worker (`isolated=True`).
"""

from functools import partial
from typing import Any

from reprise.base.errors import InvalidId, InvalidInput
from reprise.base.ids import RepoType, is_commit
from reprise.hub.address import Address
from reprise.hub.snapshots import Options, Snapshot, open_snapshot
from reprise.metrics import composing
from reprise.metrics.catalogue import load
from reprise.metrics.declared import Declaration, PartOf, read_file
from reprise.metrics.definition import Definition
from reprise.metrics.options import text_of

_LOCAL = "local"


def load_definition(
    name: str,
    revision: str | None = None,
    *,
    trust_repo: bool | str = "check",
    isolated: Any = False,
) -> Definition:
    """Fetch a metric repo and return its definition.

    Args:
        name: `owner/name`, with or without `@commit` or `:revision`, or a folder (`./folder`).
        revision: Branch, tag or commit, when the name has none.
        trust_repo: Whether its code may run, see `reprise.load`.
        isolated: True to run its code in a worker that may touch nothing.

    Raises:
        ConsentRequired: Its code would have to run, and nobody agreed to that.
        InvalidFormat: Its metric file is broken.
        RepriseError: See `reprise.hub.snapshots.open_snapshot`.
    """
    text = _address(name, revision)
    snapshot = open_snapshot(text, Options(repo_type=RepoType.METRIC), weights=False)
    declared = read_file(snapshot.folder)
    identity, version = _name(snapshot)
    if not declared.has_code:
        return composing.compose(
            identity,
            version,
            tuple(_component(part) for part in declared.parts),
            summary=declared.summary,
            mean=declared.mean,
            main=declared.main,
        )
    return _by_code(identity, version, declared, _scorer(snapshot, trust_repo, isolated))


def _address(name: str, revision: str | None) -> str:
    if revision is None:
        return name
    if not isinstance(revision, str) or not revision:
        raise InvalidId(f"A revision is a branch, tag or commit, not {revision!r}.")
    if any(sign in name.rpartition("/")[2] for sign in "@:"):
        raise InvalidInput(f"{name} names a revision already; leave out {revision!r}.")
    return f"{name}@{revision}" if is_commit(revision) else f"{name}:{revision}"


def _scorer(snapshot: Snapshot, trust_repo: bool | str, isolated: Any) -> Any:
    """Return the repo's `score`: of this commit, from where the metric file came."""
    from reprise.hub.entrypoints import entry_point

    address, where = snapshot.address, {}
    text = str(address)
    if isinstance(address, Address):
        text = str(address.at(str(snapshot.commit)))
        where = {"hub": {"endpoint": address.endpoint}, "github": {"source": "github"}}.get(
            address.kind, {}
        )
    return entry_point(
        text, "score", trust_repo=trust_repo, isolated=isolated, repo_type=RepoType.METRIC, **where
    )


def _component(part: PartOf) -> composing.Component:
    identity, _, version = part.metric.partition("@")
    return composing.Component(load(identity, version), part.options, part.names)


def _by_code(identity: str, version: str, declared: Declaration, scorer: Any) -> Definition:
    names = declared.statistics
    return Definition(
        id=identity,
        version=version,
        summary=declared.summary,
        unit=declared.unit,
        main=declared.main,
        statistics=names,
        read=partial(composing.by_code, scorer, names),
        score=partial(composing.row_of, names),
        finish=partial(composing.by_formula, names, declared.values),
        higher_is_better=declared.higher_is_better,
        fixed=(("code", "hubconf"),),
        referenceless=True,
    )


def _name(snapshot: Snapshot) -> tuple[str, str]:
    """Return id and version: the commit is the version, so other commits are other metrics."""
    if not isinstance(snapshot.address, Address):
        return f"{_LOCAL}/{text_of(snapshot.root.name)}", "0"
    # The whole commit: two that begin alike can be made on purpose.
    return snapshot.address.key, str(snapshot.commit)
