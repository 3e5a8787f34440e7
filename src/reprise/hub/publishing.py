"""Publish a folder: check it, create the repo, upload in one commit."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidInput, Unauthenticated
from reprise.base.ids import RepoId, RepoType
from reprise.formats import card
from reprise.hub import api, requirements, settings
from reprise.hub.address import check_revision
from reprise.hub.checks import CARD, HUBCONF, Finding, check_folder
from reprise.hub.failures import translated
from reprise.hub.folder import Collected, collect
from reprise.hub.locking import LOCK, Locking, write_lock
from reprise.hub.manifest import read_manifest

log = logging.getLogger("reprise.hub")

_TYPES = tuple(RepoType)


@dataclass(frozen=True)
class Plan:
    """What `publish` would do."""

    folder: Path
    repo_id: RepoId
    repo_type: RepoType
    collected: Collected
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> list[Finding]:
        """The findings that stop it."""
        return [finding for finding in self.findings if finding.severity == "error"]

    @property
    def is_code(self) -> bool:
        """Whether it has entry points, so that a lock belongs to it."""
        return self.repo_type is RepoType.MODEL and self._holds(HUBCONF)

    @property
    def needs_lock(self) -> bool:
        """Whether the code needs packages and there is no lock yet."""
        if not self.is_code or self._holds(LOCK):
            return False
        return bool(
            requirements.lines(requirements.wanted(self.folder, read_manifest(self.folder)))
        )

    @property
    def space_sdk(self) -> str | None:
        """What a space runs on, as its card says; the hub wants to know before the first file."""
        if self.repo_type is not RepoType.SPACE:
            return None
        text = (self.folder / CARD).read_text(encoding="utf-8")
        return str(card.parse(text).data.get("sdk", "static"))

    def _holds(self, path: str) -> bool:
        return any(file.path == path for file in self.collected.files)


@dataclass(frozen=True)
class Published:
    """What `publish` did."""

    repo: str
    repo_type: str
    url: str
    commit: str
    files: int
    bytes: int
    unchanged: bool  # the repo held just these files already; no commit was made
    warnings: tuple[str, ...]
    locked: bool  # all that its code needs is in a lock, or it needs nothing


def publish(
    folder: str | Path,
    repo_id: str,
    *,
    repo_type: str = "model",
    private: bool = False,
    message: str = "",
    **options: Any,
) -> Published:
    """Publish a folder as a repo, in one commit; the repo is created when it does not exist.

    Args:
        folder: What to publish; `.gitignore` is obeyed, `.git` and `__pycache__` stay behind.
        repo_id: `owner/name`.
        repo_type: "model", "dataset", "space" or "metric".
        private: Create the repo so that only its owner sees it; an existing repo keeps its state.
        message: First line of the commit message.
        **options: `branch` (default: the repo's default branch), `prune` (also delete files that
            the folder lacks), `endpoint`, `token`, and `lock`: how to make the `pylock.toml` of
            a folder with a `hubconf.py` and without a lock (a `Locking`), or None for none.

    Raises:
        InvalidInput: Something in the folder must be put right first; the message lists it.
        IncompatibleDependencies: What the code asks for cannot be installed together; the message
            says which place asks for what.
        Unauthenticated: Not logged in.
        Forbidden: The account may not write there.

    Example:
        >>> publish("my-model", "ada/my-model").url  # doctest: +SKIP
    """
    lock: Locking | None = options.pop("lock", Locking())
    try:
        upload = Upload(private=private, message=message, **options)
    except TypeError as error:
        raise InvalidInput(f"Unknown option: {error}") from None
    planned = _checked(plan(folder, repo_id, repo_type=repo_type))
    if lock and planned.is_code and write_lock(planned.folder, read_manifest(planned.folder), lock):
        planned = _checked(plan(folder, repo_id, repo_type=repo_type))
    for finding in planned.findings:
        log.warning("%s", finding)
    return upload.run(planned)


def _checked(planned: Plan) -> Plan:
    """Return what can be published.

    Raises:
        InvalidInput: There are errors.
    """
    if planned.errors:
        listed = "\n".join(f"  {finding}" for finding in planned.errors)
        raise InvalidInput(f"{planned.folder} cannot be published yet:\n{listed}")
    return planned


def plan(folder: str | Path, repo_id: str, *, repo_type: str = "model") -> Plan:
    """Look at a folder and say what publishing it would do; nothing is sent.

    Raises:
        InvalidId, InvalidInput: The id, the type or the folder cannot be.
    """
    parsed = RepoId.parse(repo_id)
    if not parsed.owner:
        raise InvalidInput(f"Write owner/name, not just {repo_id!r}.")
    if repo_type not in _TYPES:
        raise InvalidInput(f"Unknown repo type {repo_type!r}; use one of {', '.join(_TYPES)}.")
    kind, root = RepoType(repo_type), Path(folder).expanduser()
    collected = collect(root)
    findings = tuple(check_folder(root, collected, kind))
    return Plan(root, parsed, kind, collected, findings)


@dataclass(frozen=True)
class Upload:
    """How to send what was planned."""

    private: bool = False
    message: str = ""
    branch: str | None = None
    prune: bool = False
    endpoint: str | None = None
    token: str | bool | None = None

    def run(self, planned: Plan) -> Published:
        """Create the repo if needed and commit every file at once."""
        url = self.endpoint or settings.endpoint()
        if self.branch is not None:
            check_revision(self.branch)
        client = _client(planned.repo_type, url, self.token)
        _require_token(client, url)
        where = {"repo_id": str(planned.repo_id), "repo_type": planned.repo_type.value}
        with translated(url, str(planned.repo_id)):
            page = client.create_repo(
                **where, private=self.private, exist_ok=True, space_sdk=planned.space_sdk
            )
            if self.branch:
                client.create_branch(**where, branch=self.branch, exist_ok=True)
            before = client.repo_info(**where, revision=self.branch, expand=["sha"]).sha
            commit = client.create_commit(
                **where,
                operations=[*_additions(planned), *self._deletions(client, planned)],
                commit_message=self.message or f"Publish {planned.folder.resolve().name}",
                revision=self.branch,
            )
        return Published(
            repo=str(page.repo_id),
            repo_type=planned.repo_type.value,
            url=str(page),
            commit=commit.oid,
            files=len(planned.collected.files),
            bytes=planned.collected.size,
            unchanged=commit.oid == before,
            warnings=tuple(str(finding) for finding in planned.findings),
            locked=planned.is_code and not planned.needs_lock,
        )

    def _deletions(self, client: Any, planned: Plan) -> list[Any]:
        from huggingface_hub import CommitOperationDelete

        if not self.prune:
            return []
        there = client.list_repo_files(
            str(planned.repo_id), repo_type=planned.repo_type.value, revision=self.branch
        )
        # .gitattributes says which files the hub keeps outside git; it was not ours to begin with.
        kept = {file.path for file in planned.collected.files} | {".gitattributes"}
        return [CommitOperationDelete(path_in_repo=path) for path in there if path not in kept]


def _additions(planned: Plan) -> list[Any]:
    from huggingface_hub import CommitOperationAdd

    return [
        CommitOperationAdd(path_in_repo=file.path, path_or_fileobj=str(file.local_path))
        for file in planned.collected.files
    ]


def _client(repo_type: RepoType, url: str, token: str | bool | None) -> Any:
    if repo_type is not RepoType.METRIC:
        return api.client(url, token)
    from reprise.hub.metric_client import MetricClient

    return MetricClient(url, api.token_for(url, token))


def _require_token(client: Any, url: str) -> None:
    import huggingface_hub

    if client.token or (client.token is None and huggingface_hub.get_token()):
        return
    raise Unauthenticated(
        f"Publishing needs an access token for {url}.", hint="Log in with: reprise login"
    )
