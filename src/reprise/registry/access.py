"""Who may do what: the one authorisation function, deny by default."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from reprise.base.errors import Forbidden, GatedRepo, RepoNotFound, Unauthenticated
from reprise.base.ids import RepoId, RepoType


class Action(IntEnum):
    """What a caller wants with a repo; each level includes those below."""

    READ = 1  # card, names of files, history
    FETCH = 2  # the files themselves; a gate stands between the two
    WRITE = 3  # commit, branch, tag, pull request
    ADMIN = 4  # settings, move, delete


class OrgRole(StrEnum):
    """A member's role in an organisation."""

    READ = "read"  # sees private repos
    CONTRIBUTOR = "contributor"  # also creates repos, and administers those
    WRITE = "write"  # also writes to every repo
    ADMIN = "admin"  # also administers repos and members


class TokenRole(StrEnum):
    """What an access token may be used for."""

    READ = "read"
    WRITE = "write"
    FINE_GRAINED = "fine-grained"  # per repo, see `AccessToken.scopes`
    WORKER = "worker"  # runs models for others; on its own it sees what anybody sees


@dataclass(frozen=True)
class Account:
    """A user or an organisation."""

    id: int
    name: str
    kind: str  # user, org
    fullname: str
    created_at: int = 0


@dataclass(frozen=True)
class AccessToken:
    """A credential, without its secret."""

    id: int
    name: str
    role: TokenRole
    scopes: Mapping[str, Action] = field(default_factory=dict)  # "model/owner/name" -> action
    expires_at: int | None = None


@dataclass(frozen=True)
class Caller:
    """Whoever sent a request; without an account, anybody."""

    account: Account | None = None
    token: AccessToken | None = None
    orgs: Mapping[int, OrgRole] = field(default_factory=dict)  # organisation id -> role

    @property
    def user(self) -> Account:
        """The account behind the request.

        Raises:
            Unauthenticated: The request carried no access token.
        """
        if self.account is None:
            raise Unauthenticated("Sign in first: send an access token (hf auth login --token …).")
        return self.account


ANONYMOUS = Caller()


@dataclass(frozen=True)
class Repo:
    """A repo as the hub knows it. Times are microseconds since 1970, UTC."""

    id: int
    type: RepoType
    owner_id: int
    repo_id: RepoId
    private: bool
    default_branch: str
    created_at: int
    updated_at: int
    creator_id: int | None = None
    gated: str = ""
    disabled: bool = False
    downloads: int = 0
    likes: int = 0
    used_storage: int = 0
    pipeline_tag: str | None = None
    library_name: str | None = None
    summary: str = ""
    card: str = "{}"  # JSON

    @property
    def scope(self) -> str:
        """How fine-grained tokens name the repo: `model/owner/name`, lower case."""
        return f"{self.type}/{self.repo_id.key}"


def allowed(caller: Caller, repo: Repo) -> Action | None:
    """Return the highest action a caller may take on a repo, or None when it must stay hidden."""
    owned = _by_account(caller, repo)
    if caller.token is not None and owned is not None:
        owned = _by_token(caller.token, repo, owned)
    if owned is None and not repo.private:
        return Action.READ if repo.gated else Action.FETCH
    return owned


def check(caller: Caller, action: Action, repo: Repo) -> None:
    """Let a caller pass, or say why not.

    Raises:
        RepoNotFound: The repo is hidden from the caller; nothing tells it from an absent one.
        GatedRepo: The caller sees the repo but has no access to its files.
        Unauthenticated: An anonymous caller wants to change something.
        Forbidden: The caller sees the repo but may not do this.
    """
    level = allowed(caller, repo)
    if level is None:
        raise RepoNotFound(f"Repository not found: {repo.repo_id}")
    if level < action is Action.FETCH:
        raise GatedRepo(
            f"Access to {repo.repo_id} is restricted: its files are for members of "
            f"{repo.repo_id.owner} alone. Sign in as one, or ask the owner."
        )
    if level < action:
        caller.user  # noqa: B018 - an anonymous caller is asked to sign in first
        raise Forbidden(_refusal(caller, action, repo))


def check_speaks(caller: Caller, repo: Repo) -> None:
    """Let a caller propose, vote or report: whoever may read the repo, with a token that writes.

    Raises:
        RepoNotFound: The repo is hidden from the caller.
        Unauthenticated: Nobody is signed in.
        Forbidden: The access token is for reading, or for other repos.
    """
    check(caller, Action.READ, repo)
    caller.user  # noqa: B018 - asks the anonymous to sign in
    token = caller.token
    if token is None or token.role is TokenRole.WRITE:
        return
    if token.role is TokenRole.READ or token.scopes.get(repo.scope, Action.READ) < Action.WRITE:
        raise Forbidden(
            f"The access token {token.name!r} is not for writing to {repo.repo_id}. "
            "Use a token with the write role."
        )


def check_decides(caller: Caller, repo: Repo, *, reviews: bool) -> None:
    """Let a reviewer decide on a repo that is not the reviewer's own.

    Args:
        caller: Whoever asks.
        repo: What to decide on.
        reviews: The caller is one of the hub's reviewers.

    Raises:
        Forbidden: No reviewer, not with this token, or the caller can write to the repo.
    """
    check_speaks(caller, repo)
    if not reviews:
        raise Forbidden("Only reviewers decide on submissions; the hub's operator names them.")
    owned = _by_account(caller, repo)
    if owned is not None and owned >= Action.WRITE:
        raise Forbidden(f"Nobody decides on their own work: you may write to {repo.repo_id}.")


def check_tests(caller: Caller, repo: Repo, *, reviews: bool) -> bool:
    """Let a caller report what checks found, and tell whether it counts as a reviewer's word.

    Args:
        caller: Whoever asks.
        repo: What was checked.
        reviews: The caller is one of the hub's reviewers.

    Raises:
        Forbidden: Neither a reviewer nor somebody who may write to the repo; or a reading token.
    """
    check_speaks(caller, repo)
    owned = _by_account(caller, repo)
    writes = owned is not None and owned >= Action.WRITE
    if not writes and not reviews:
        raise Forbidden(
            f"Only reviewers and those who may write to {repo.repo_id} report what checks found."
        )
    return not writes


def is_own(caller: Caller, repo: Repo) -> bool:
    """Tell whether a repo is the caller's or an organisation's of theirs, whatever the token."""
    return _by_account(caller, repo) is not None or (
        caller.account is not None and caller.account.id == repo.creator_id
    )


def sees_submission(caller: Caller, repo: Repo, *, reviews: bool) -> bool:
    """Tell whether a caller may see what is not published: its authors and reviewers may."""
    level = allowed(caller, repo)
    if level is None or caller.account is None:
        return False
    return reviews or level >= Action.WRITE


def _by_account(caller: Caller, repo: Repo) -> Action | None:
    if caller.account is not None and caller.account.id == repo.owner_id:
        return Action.ADMIN
    match caller.orgs.get(repo.owner_id):
        case OrgRole.ADMIN:
            return Action.ADMIN
        case OrgRole.WRITE:
            return Action.WRITE
        case OrgRole.CONTRIBUTOR if caller.user.id == repo.creator_id:
            return Action.ADMIN
        case OrgRole.CONTRIBUTOR | OrgRole.READ:
            return Action.FETCH
        case None:
            return None


def _by_token(token: AccessToken, repo: Repo, owned: Action) -> Action | None:
    if token.role is TokenRole.WRITE:
        return owned
    if token.role is TokenRole.READ:
        return min(Action.FETCH, owned)
    scoped = token.scopes.get(repo.scope)
    return min(scoped, owned) if scoped is not None else None


def _refusal(caller: Caller, action: Action, repo: Repo) -> str:
    verb = {Action.WRITE: "write to", Action.ADMIN: "administer"}.get(action, "read")
    name = caller.token.name if caller.token else "?"
    return (
        f"You may not {verb} {repo.repo_id}: the account or its access token {name!r} lacks the "
        "right. Use a token with the write role, or ask an admin of the owner."
    )
