"""The files of a tokenizer: a folder on this machine, or the few files needed from a hub."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from reprise.base.errors import EntryNotFound, InvalidFormat, InvalidInput, TooLarge
from reprise.base.ids import check_path, is_commit
from reprise.tokenizers.spec import MAX_JSON, parse_json

# Everything that a tokenizer may be made from.
PATTERNS = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "config.json",
    "chat_template.jinja",
    "chat_template.json",
    "additional_chat_templates/*.jinja",
    "vocab.txt",
    "vocab.json",
    "vocab.bin",
    "vocab.pkl",
    "merges.txt",
    "tekken.json",
    "*.model",
    "*.tiktoken",
    "*.spm",
    "*.bpe.codes",
)
_MAX_CONFIG = 32 << 20


@dataclass(frozen=True)
class Folder:
    """A folder that holds a tokenizer's files; names are read, never executed."""

    path: Path
    name: str  # as the caller wrote it, for messages

    def has(self, name: str) -> bool:
        """Tell whether there is such a file."""
        return (self.path / name).is_file()

    def first(self, *names: str) -> str | None:
        """Return the first of these names that exists."""
        return next((name for name in names if self.has(name)), None)

    def matching(self, pattern: str) -> list[str]:
        """Return the names that match a pattern, sorted."""
        return sorted(str(path.relative_to(self.path)) for path in self.path.glob(pattern))

    def read(self, name: str, *, limit: int = MAX_JSON) -> bytes:
        """Return the bytes of a file.

        Raises:
            EntryNotFound: There is none.
            TooLarge: Over `limit` bytes.
        """
        path = self.path / name
        if not path.is_file():
            raise EntryNotFound(f"{self.name} has no {name}.")
        with path.open("rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise TooLarge(f"{self.name}: {name} is over {limit} bytes.")
        return data

    def text(self, name: str, *, limit: int = MAX_JSON) -> str:
        """Return a file as text.

        Raises:
            InvalidFormat: It is not UTF-8.
        """
        try:
            return self.read(name, limit=limit).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InvalidFormat(
                f"{self.name}: {name} is not UTF-8: byte {error.start} is invalid."
            ) from None

    def json(self, name: str) -> dict[str, Any]:
        """Return an object from a JSON file; an empty one when there is no such file.

        Raises:
            InvalidFormat: The file holds something else.
        """
        if not self.has(name):
            return {}
        data = parse_json(self.read(name, limit=_MAX_CONFIG), f"{self.name}: {name}")
        if not isinstance(data, dict):
            raise InvalidFormat(f"{self.name}: {name} holds no object.")
        return data


def open_folder(
    name_or_path: str | PathLike[str],
    *,
    revision: str | None = None,
    subfolder: str = "",
    **options: Any,
) -> Folder:
    """Find the files of a tokenizer.

    Args:
        name_or_path: A folder, or a repo as `reprise.download` takes it.
        revision: Branch, tag or commit, when the repo does not name one itself.
        subfolder: Folder inside the repo.
        **options: `endpoint`, `token`, `offline`, see `reprise.download`.

    Raises:
        EntryNotFound: There is no such folder.
        RepriseError: See `reprise.download`.
    """
    name = str(name_or_path)
    if subfolder:
        check_path(subfolder)
    local_path = Path(name).expanduser()
    if local_path.is_dir():
        return _inside(local_path, subfolder, name)
    if local_path.is_file():
        raise InvalidInput(f"{name} is a file; pass the folder that holds the tokenizer.")
    if name.startswith((".", "/", "~")):
        raise EntryNotFound(f"There is no folder {name}.")
    from reprise.hub.picking import fetch_matching

    patterns = [f"{subfolder}/{each}" if subfolder else each for each in PATTERNS]
    fetched = fetch_matching(_at(name, revision), patterns, **options)
    return _inside(fetched, subfolder, name)


def _inside(root: Path, subfolder: str, name: str) -> Folder:
    path = root / subfolder
    if not path.is_dir():
        raise EntryNotFound(f"{name} has no folder {subfolder}.")
    return Folder(path, f"{name}/{subfolder}" if subfolder else name)


def _at(repo: str, revision: str | None) -> str:
    if revision is None:
        return repo
    return f"{repo}@{revision}" if is_commit(revision) else f"{repo}:{revision}"
