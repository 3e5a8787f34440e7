"""Read tokens: what a worker gets with a job, good for reading one repo for a quarter of an hour.

They stand for whoever asked, as that person's rights are when they are used, and for no more than
the one repo. They are signed, not stored.
"""

from dataclasses import replace

from sqlalchemy import Connection

from reprise.base.errors import Forbidden, Unauthenticated
from reprise.registry import repos, signed, tokens
from reprise.registry.access import AccessToken, Action, Caller, Repo, TokenRole, check
from reprise.registry.registry import Registry

PREFIX = "job_"
LIFETIME = 15 * 60 * 1_000_000  # microseconds
_PURPOSE = "read token"


def issue(registry: Registry, caller: Caller, repo: Repo) -> str | None:
    """Make a read token, or None for what anybody may read.

    The caller's right to fetch the repo's files must have been checked.
    """
    if caller.token is None or not (repo.private or repo.gated):
        return None
    fields = {"repo": str(repo.id), "token": str(caller.token.id)}
    expires = registry.clock() + LIFETIME
    return PREFIX + signed.token(registry.secret, _PURPOSE, fields, expires=expires)


def identify(conn: Connection, registry: Registry, secret: str | None) -> Caller:
    """Find out who sends a secret, be it an access token or a read token.

    Raises:
        Unauthenticated: It is unknown, forged, expired, or its owner lost the right.
    """
    if secret is None or not secret.startswith(PREFIX):
        return tokens.identify(conn, secret, now=registry.clock())
    return _open(conn, registry, secret.removeprefix(PREFIX))


def _open(conn: Connection, registry: Registry, text: str) -> Caller:
    now = registry.clock()
    try:
        fields = signed.open_token(registry.secret, _PURPOSE, text, now=now)
    except Forbidden as error:
        raise Unauthenticated(error.message) from None
    caller = tokens.recall(conn, int(fields["token"]), now=now)
    repo = repos.by_number(conn, int(fields["repo"]))
    if repo is None:
        raise Unauthenticated("The repo of this read token was deleted.")
    check(caller, Action.FETCH, repo)
    assert caller.token is not None
    scopes = {repo.scope: Action.FETCH}
    narrow = AccessToken(caller.token.id, "a job's", TokenRole.FINE_GRAINED, scopes)
    return replace(caller, token=narrow)
