"""Find repos on the hub."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.hub import api, settings
from reprise.hub.failures import translated

# What people say -> what the protocol says.
SORTS = {
    "trending": "trendingScore",
    "downloads": "downloads",
    "likes": "likes",
    "updated": "lastModified",
    "created": "createdAt",
}
# What is asked for besides the id: no more than people are shown.
_FIELDS = {
    "model": ["downloads", "likes", "lastModified", "private", "tags", "pipeline_tag",
              "library_name"],
    "dataset": ["downloads", "likes", "lastModified", "private", "tags"],
    "space": ["likes", "lastModified", "private", "tags"],
}  # fmt: skip
REPO_TYPES = tuple(_FIELDS)


@dataclass(frozen=True)
class Found:
    """One repo in a search result."""

    id: str
    repo_type: str
    task: str | None
    library: str | None
    downloads: int
    likes: int
    updated: str | None  # ISO 8601, UTC
    private: bool
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Query:
    """What to look for."""

    text: str = ""
    repo_type: str = "model"
    owner: str | None = None
    task: str | None = None
    library: str | None = None
    tags: Sequence[str] = ()
    sort: str = "trending"
    limit: int = 20

    def arguments(self) -> dict[str, Any]:
        """Return the query in the words of huggingface_hub.

        Raises:
            InvalidInput: Unknown type or order, or a limit below 1.
        """
        if self.repo_type not in REPO_TYPES:
            known = ", ".join(REPO_TYPES)
            raise InvalidInput(f"Unknown repo type {self.repo_type!r}; use one of {known}.")
        if self.sort not in SORTS:
            raise InvalidInput(f"Unknown order {self.sort!r}; use one of {', '.join(SORTS)}.")
        if self.limit < 1:
            raise InvalidInput(f"A search needs a limit of at least 1, not {self.limit}.")
        tags = [*self.tags, *([self.library] if self.library else [])]
        given: dict[str, Any] = {
            "sort": SORTS[self.sort],
            "limit": self.limit,
            "expand": _FIELDS[self.repo_type],
        }
        given |= {"search": self.text} if self.text else {}
        given |= {"author": self.owner} if self.owner else {}
        if self.task and self.repo_type == "model":
            given["pipeline_tag"] = self.task
        elif self.task:
            tags.append(f"task_categories:{self.task}")
        return given | ({"filter": tags} if tags else {})


def search(
    text: str = "", *, endpoint: str | None = None, token: str | bool | None = None, **query: Any
) -> list[Found]:
    """Search the hub.

    Args:
        text: Part of a name.
        endpoint: Base URL of another hub than the one in use.
        token: Access token for it.
        **query: `repo_type`, `owner`, `task`, `library`, `tags`, `sort` ("trending", "downloads",
            "likes", "updated", "created") and `limit`, see `Query`.

    Raises:
        InvalidInput: The query cannot be understood.
        HubUnreachable: The hub cannot be asked.

    Example:
        >>> [found.id for found in search("bert", task="fill-mask")]  # doctest: +SKIP
    """
    url = endpoint or settings.endpoint()
    try:
        wanted = Query(text=text, **query)
    except TypeError as error:
        raise InvalidInput(f"Unknown search option: {error}") from None
    arguments = wanted.arguments()
    with translated(url, "The search"):
        client = api.client(url, token)
        ask: dict[str, Callable[..., Iterable[Any]]] = {
            "model": client.list_models,
            "dataset": client.list_datasets,
            "space": client.list_spaces,
        }
        return [_found(info, wanted.repo_type) for info in ask[wanted.repo_type](**arguments)]


def _found(info: Any, repo_type: str) -> Found:
    updated = getattr(info, "last_modified", None)
    return Found(
        id=info.id,
        repo_type=repo_type,
        task=getattr(info, "pipeline_tag", None),
        library=getattr(info, "library_name", None),
        downloads=getattr(info, "downloads", None) or 0,
        likes=info.likes or 0,
        updated=f"{updated:%Y-%m-%dT%H:%M:%SZ}" if updated else None,
        private=bool(info.private),
        tags=tuple(info.tags or ()),
    )
