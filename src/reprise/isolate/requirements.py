"""What an environment should hold: requirement lines, checked before any installer sees them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from reprise.base.errors import InvalidInput

_LONGEST = 1000


@dataclass(frozen=True)
class Sources:
    """Where packages come from; by default what the installer is configured with.

    Attributes:
        index: URL of the package index to use instead of the configured one.
        extra_indexes: Further ones.
        find_links: Folders or pages with wheels.
        offline: Use no network: folders and what the installer has cached.
    """

    index: str | None = None
    extra_indexes: tuple[str, ...] = ()
    find_links: tuple[str | Path, ...] = ()
    offline: bool = False

    def folders(self) -> list[Path]:
        """Return those places that are folders of this machine."""
        return [Path(place) for place in self.find_links if "://" not in str(place)]


def checked(lines: Iterable[str]) -> list[str]:
    """Return requirement lines in canonical form, sorted, each once.

    Only names with versions, extras and markers are accepted. Options and addresses are not: a
    line from a repo must not choose an index, read a file, or build from a git repository.

    Raises:
        InvalidInput: A line is something else; the message quotes it.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    found = set()
    for line in lines:
        try:
            requirement = Requirement(line[:_LONGEST])
        except InvalidRequirement as error:
            raise InvalidInput(
                f"{line[:80]!r} is not a requirement: {str(error).splitlines()[0]}.",
                hint="Write a name and versions: numpy>=1.26",
            ) from None
        if requirement.url:
            raise InvalidInput(
                f"{requirement.name} is required from an address, which cannot be locked safely.",
                hint="Build a wheel of it once and offer its folder through find_links.",
            )
        requirement.name = canonicalize_name(requirement.name)
        found.add(str(requirement))
    return sorted(found)
