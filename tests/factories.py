"""Builders for test data: real accounts, tokens and repos in a real registry."""

from dataclasses import dataclass, field

import httpx2

from reprise.base.ids import RepoId, RepoType
from reprise.registry import accounts, commits, repos, tokens
from reprise.registry.access import Account, OrgRole, Repo, TokenRole
from reprise.registry.registry import Registry


@dataclass(frozen=True)
class Hub:
    """A live hub with one user, `ada`, who holds a write token."""

    url: str
    registry: Registry
    token: str
    opened: list[httpx2.Client] = field(default_factory=list)

    def client(self, token: str | None = None) -> httpx2.Client:
        """An HTTP client; with a token it speaks for somebody. Closed with the hub."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.opened.append(httpx2.Client(base_url=self.url, headers=headers, timeout=60))
        return self.opened[-1]

    def api(self, token: str | None = None):
        """The unmodified Hub client, signed in as ada or with another token."""
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.url, token=token or self.token)


def make_user(registry: Registry, name: str) -> Account:
    """A user."""
    with registry.db.write() as conn:
        return accounts.create_user(conn, name, now=registry.clock())


def make_org(registry: Registry, name: str, **roles: str) -> Account:
    """An organisation; keyword arguments give members their roles: `ada="admin"`."""
    with registry.db.write() as conn:
        org = accounts.create_org(conn, name, now=registry.clock())
        for user, role in roles.items():
            accounts.set_role(conn, org, accounts.find(conn, user), OrgRole(role))
    return org


def make_token(
    registry: Registry, user: str, role: str = "write", *, name: str = "", **grant
) -> str:
    """An access token; returns its secret."""
    with registry.db.write() as conn:
        account = accounts.find(conn, user)
        wanted = tokens.Grant(name or f"{role} token", TokenRole(role), **grant)
        return tokens.create(conn, account, wanted, now=registry.clock()).secret


def make_repo(
    registry: Registry, repo_id: str, repo_type: str = "model", *, private: bool = False
) -> Repo:
    """A repo with its initial commit, owned by an existing user."""
    parsed, now = RepoId.parse(repo_id), registry.clock()
    with registry.db.write() as conn:
        owner = accounts.find(conn, parsed.owner)
        caller = tokens.caller_of(conn, owner)
        repo = repos.create(conn, caller, RepoType(repo_type), parsed, private=private, now=now)
        commits.initial(conn, registry, repo, owner, now)
    return repo
