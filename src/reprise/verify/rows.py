"""Read one split of a data set from the files of a repo: the one place that knows how.

`configs` in the card decide which files a split has, else their names do. Nothing is run.
"""

import fnmatch
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidFormat, NotFound
from reprise.base.optional import require
from reprise.formats import card

MAX_ROWS = 10_000_000
_SUFFIXES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".arrow", ".conll"})
_ALIASES = {"validation": ("validation", "valid", "val", "dev"), "test": ("test", "eval")}


@dataclass(frozen=True)
class Rows:
    """Rows of one split.

    Attributes:
        columns: Column name -> values, all of one length.
        content_sha256: Of names, types and values, whatever file they came from.
        files: What was read, relative to the repo.
    """

    columns: dict[str, list[Any]]
    content_sha256: str
    files: tuple[str, ...]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def head(self, limit: int | None) -> "Rows":
        """Return the first rows only."""
        if limit is None or limit >= len(self):
            return self
        return Rows(
            {k: v[:limit] for k, v in self.columns.items()}, self.content_sha256, self.files
        )


def read_split(folder: Path, split: str, config: str | None = None) -> Rows:
    """Read a split.

    Raises:
        NotFound: The repo has no such configuration or split; the message names what it has.
        InvalidFormat: A file cannot be read; the message names it.
        MissingExtra: pyarrow is not installed.
    """
    arrow = require("pyarrow", extra="data")
    paths = list(_files(folder, split, config))
    tables = [_table(path) for path in paths]
    try:
        table = arrow.concat_tables(tables, promote_options="default")
    except (arrow.ArrowInvalid, arrow.ArrowTypeError) as error:
        raise InvalidFormat(f"The files of split {split!r} do not go together: {error}") from None
    if table.num_rows > MAX_ROWS:
        raise InvalidFormat(f"Split {split!r} has more than {MAX_ROWS:,} rows.")
    content = require("reprise.data.content", extra="data").content_id(table)
    names = tuple(path.relative_to(folder).as_posix() for path in paths)
    return Rows(table.to_pydict(), content, names)


def _files(folder: Path, split: str, config: str | None) -> Iterator[Path]:
    configs = _configs(folder)
    if configs:
        chosen = _config(configs, config)
        patterns = _patterns(chosen.get("data_files"))
        if split not in patterns:
            known = ", ".join(sorted(patterns)) or "none"
            raise NotFound(f"The data set has no split {split!r}; it has {known}.")
        found = [it for it in _all(folder) if _matches(it, folder, patterns[split])]
    else:
        words = _ALIASES.get(split, (split,))
        found = [it for it in _all(folder) if _is_named(it, words)]
    if not found:
        raise NotFound(f"The data set has no file for split {split!r}.")
    yield from found


def _all(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    return sorted(path for path in found if path.is_file())


def _configs(folder: Path) -> list[dict[str, Any]]:
    try:
        data = card.parse((folder / "README.md").read_text(encoding="utf-8")).data
    except (FileNotFoundError, UnicodeDecodeError, InvalidFormat):
        return []
    value = data.get("configs")
    return [it for it in value if isinstance(it, dict)] if isinstance(value, list) else []


def _config(configs: list[dict[str, Any]], name: str | None) -> dict[str, Any]:
    by_name = {str(it.get("config_name", "default")): it for it in configs}
    if name is None:
        return by_name.get("default", configs[0])
    if name not in by_name:
        known = ", ".join(sorted(by_name))
        raise NotFound(f"The data set has no configuration {name!r}; it has {known}.")
    return by_name[name]


def _patterns(value: Any) -> dict[str, list[str]]:
    """Read `data_files`: by split, or a list of split and path, or paths of the train split."""
    if isinstance(value, dict):
        return {str(split): _listed(paths) for split, paths in value.items()}
    if isinstance(value, list) and value and all(isinstance(it, dict) for it in value):
        return {str(it.get("split")): _listed(it.get("path")) for it in value}
    return {"train": _listed(value)}


def _listed(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [it for it in items if isinstance(it, str)]


def _matches(path: Path, folder: Path, patterns: list[str]) -> bool:
    name = path.relative_to(folder).as_posix()
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _is_named(path: Path, words: tuple[str, ...]) -> bool:
    parts = re.split(r"[^a-z0-9]+", path.as_posix().lower())
    return any(word in parts for word in words)


def _table(path: Path) -> Any:
    arrow = require("pyarrow", extra="data")
    try:
        match path.suffix.lower():
            case ".csv" | ".tsv":
                return _csv(path)
            case ".jsonl" | ".ndjson":
                return require("pyarrow.json", extra="data").read_json(path)
            case ".parquet":
                return require("pyarrow.parquet", extra="data").read_table(path)
            case ".conll":
                return arrow.table(_conll(path))
        return require("pyarrow.feather", extra="data").read_table(path)
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise InvalidFormat(f"{path.name} cannot be read: {json.dumps(str(error)[:300])}") from None


def _csv(path: Path) -> Any:
    csv = require("pyarrow.csv", extra="data")
    parse = csv.ParseOptions(
        delimiter="\t" if path.suffix.lower() == ".tsv" else ",", newlines_in_values=True
    )
    return csv.read_csv(path, parse_options=parse)


def _conll(path: Path) -> dict[str, list[list[str]]]:
    """Read sentences of token and tag, the first and the last column, between blank lines."""
    tokens: list[list[str]] = [[]]
    tags: list[list[str]] = [[]]
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fields = line.split("\t") if "\t" in line else line.split()
        if not line.strip():
            if tokens[-1]:
                tokens.append([])
                tags.append([])
        elif len(fields) < 2:  # noqa: PLR2004 - a token and its tag
            raise ValueError(f"line {number} has no tag")
        elif not line.startswith("-DOCSTART-"):
            tokens[-1].append(fields[0])
            tags[-1].append(fields[-1].strip())
    kept = [n for n, sentence in enumerate(tokens) if sentence]
    return {"tokens": [tokens[n] for n in kept], "tags": [tags[n] for n in kept]}
