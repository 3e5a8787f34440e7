"""Who a xet request is for: one repo, one caller, reading or writing, for at most an hour.

Clients trade their access token for a xet token once and send only that one afterwards. Rights
are looked up again on every request, so a revoked token or a moved repo counts at once.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, not_, select

from reprise.base.errors import Forbidden, RepoNotFound, Unauthenticated
from reprise.registry import access, repos, signed, tokens
from reprise.registry.access import ANONYMOUS, Action, Caller, Repo, allowed, check
from reprise.registry.db.database import lock_repo
from reprise.registry.db.schema import account_xorb, repo, repo_xorb
from reprise.registry.registry import Registry
from reprise.registry.xet.rows import batches

LIFETIME = 3600 * 1_000_000  # microseconds
_PURPOSE = "xet token"


@dataclass(frozen=True)
class Scope:
    """What a xet token stands for."""

    repo: Repo
    caller: Caller


@dataclass(frozen=True)
class XetToken:
    """A xet token. `expires` is in microseconds since 1970."""

    secret: str
    expires: int


def issue(registry: Registry, caller: Caller, scoped: Repo, action: Action) -> XetToken:
    """Make a xet token for reading or writing. The caller's right must have been checked."""
    expires = registry.clock() + LIFETIME
    fields = {
        "repo": str(scoped.id),
        "token": str(caller.token.id) if caller.token else "",
        "action": action.name,
        "nonce": secrets.token_hex(4),  # tells sessions apart
    }
    return XetToken(signed.token(registry.secret, _PURPOSE, fields, expires=expires), expires)


def open_scope(conn: Connection, registry: Registry, token: str | None, action: Action) -> Scope:
    """Find out what a xet token allows now.

    Raises:
        Unauthenticated: Missing, forged or expired; clients then fetch a new one.
        Forbidden: A token for reading was sent to write, or the caller lost the right.
        RepoNotFound: The repo is gone, or the caller may no longer see it.
    """
    now = registry.clock()
    fields = _fields(registry, token, now)
    caller = tokens.recall(conn, int(fields["token"]), now=now) if fields["token"] else ANONYMOUS
    scoped = repos.by_number(conn, int(fields["repo"]))
    if scoped is None:
        raise RepoNotFound("The repo of this xet token was deleted.")
    if Action[fields["action"]] < action:
        raise Forbidden("This xet token is for reading; fetch one from xet-write-token to upload.")
    if action is Action.FETCH:
        check(caller, action, scoped)
    else:  # what is uploaded counts for nothing until a commit refers to it
        access.check_speaks(caller, scoped)
    return Scope(scoped, caller)


def _fields(registry: Registry, token: str | None, now: int) -> dict[str, str]:
    if token is None:
        raise Unauthenticated("Send a xet token: fetch one from xet-read-token or xet-write-token.")
    try:
        return signed.open_token(registry.secret, _PURPOSE, token, now=now)
    except Forbidden:
        message = "The xet token is not valid or has expired. Fetch a new one."
        raise Unauthenticated(message) from None


def hold(conn: Connection, scope: Scope) -> None:
    """Lock the scope's repo for writing.

    Raises:
        RepoNotFound: It was deleted while the upload was under way.
    """
    lock_repo(conn, scope.repo.id)
    if repos.by_number(conn, scope.repo.id) is None:
        raise RepoNotFound(f"{scope.repo.repo_id} was deleted during the upload.")


def readable(conn: Connection, scope: Scope, hashes: Iterable[bytes]) -> set[bytes]:
    """Return those xorbs that belong to the scope's repo or to one its caller may read anyway.

    This is the boundary of deduplication: everything outside must look as if it did not exist.
    """
    return _select(conn, scope, hashes, (_of_repo, _of_public_repos, _of_own_repos))


def referable(conn: Connection, scope: Scope, hashes: Iterable[bytes]) -> set[bytes]:
    """Return those xorbs that a file of the scope's repo may be built from.

    Beside the readable ones these are all that the caller's account ever uploaded or used: clients
    remember xorbs for weeks and refer to them again from other repos, or after a repo was deleted.
    """
    sources = (_of_repo, _of_account, _of_public_repos, _of_own_repos)
    return _select(conn, scope, hashes, sources)


Source = Callable[[Connection, Scope, list[bytes]], set[bytes]]
_SHARED = (repo_xorb.c.repo_id == repo.c.id) & not_(repo.c.disabled)


def _select(
    conn: Connection, scope: Scope, hashes: Iterable[bytes], sources: tuple[Source, ...]
) -> set[bytes]:
    found: set[bytes] = set()
    for some in batches(dict.fromkeys(hashes)):
        left = some
        for source in sources:
            found |= source(conn, scope, left)
            left = [hash_ for hash_ in left if hash_ not in found]
            if not left:
                break
    return found


def _of_repo(conn: Connection, scope: Scope, hashes: list[bytes]) -> set[bytes]:
    query = select(repo_xorb.c.hash).where(
        repo_xorb.c.repo_id == scope.repo.id, repo_xorb.c.hash.in_(hashes)
    )
    return set(conn.execute(query).scalars())


def _of_account(conn: Connection, scope: Scope, hashes: list[bytes]) -> set[bytes]:
    if scope.caller.account is None:
        return set()
    query = select(account_xorb.c.hash).where(
        account_xorb.c.account_id == scope.caller.account.id, account_xorb.c.hash.in_(hashes)
    )
    return set(conn.execute(query).scalars())


def _of_public_repos(conn: Connection, _scope: Scope, hashes: list[bytes]) -> set[bytes]:
    public = not_(repo.c.private) & (repo.c.gated == "")
    query = select(repo_xorb.c.hash).where(_SHARED, public, repo_xorb.c.hash.in_(hashes))
    return set(conn.execute(query.distinct()).scalars())


def _of_own_repos(conn: Connection, scope: Scope, hashes: list[bytes]) -> set[bytes]:
    """Look into repos of the caller and the caller's organisations, as far as the token goes."""
    if scope.caller.account is None:
        return set()
    owners = [scope.caller.account.id, *scope.caller.orgs]
    pairs = select(repo_xorb.c.hash, repo.c.id).where(
        _SHARED, repo.c.owner_id.in_(owners), repo_xorb.c.hash.in_(hashes)
    )
    found, may = set(), {}
    for hash_, number in conn.execute(pairs):
        if number not in may:
            other = repos.by_number(conn, number)
            may[number] = other is not None and allowed(scope.caller, other) is not None
        if may[number]:
            found.add(hash_)
    return found
