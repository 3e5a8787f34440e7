"""Where snapshots come from: one module per kind of place, all with the same two methods."""

from pathlib import Path
from typing import ClassVar, Protocol

from reprise.hub.address import Address


class Source(Protocol):
    """A place that turns revisions into commits and commits into files.

    `splits` tells whether the code can be fetched without the weights.
    """

    splits: ClassVar[bool]

    def resolve(self, revision: str | None) -> str:
        """Ask which commit a revision means now; None is the default branch.

        Raises:
            RepoNotFound, RevisionNotFound, GatedRepo, Unauthenticated: The place says no.
            HubUnreachable: It could not be asked.
        """
        ...

    def fetch(self, commit: str, into: Path, *, weights: bool = True) -> None:
        """Put the files of a commit into an empty folder, every digest checked.

        Args:
            commit: 40 hex digits.
            into: An empty folder.
            weights: False to fetch only what listing entry points needs.

        Raises:
            CorruptContent: The bytes are not those of the commit.
            HubUnreachable: The network failed on the way.
        """
        ...


def source_for(
    address: Address, *, token: str | bool | None = None, skip_validation: bool = False
) -> Source:
    """Return the source that serves an address.

    Args:
        address: The repo.
        token: An access token for it; None takes the stored one, but only for the hub in use.
        skip_validation: Accept commits that are on none of the repo's branches or tags (GitHub
            serves a fork's commits under the name of the original).
    """
    if address.kind == "git":
        from reprise.hub.sources.git_repo import GitSource

        return GitSource(address, token=token, skip_validation=skip_validation)
    if address.kind == "github":
        from reprise.hub.sources.github import GithubSource

        return GithubSource(address, token=token, skip_validation=skip_validation)
    from reprise.hub.sources.hub import HubSource

    return HubSource(address, token=token)
