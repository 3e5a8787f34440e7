"""CoNLL and CoNLL-U: a row per sentence, a list per column."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import InvalidFormat
from reprise.data.features import Features
from reprise.data.sources.opening import opened_text, suffix_of

CONLLU = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_TWO = ("tokens", "tags")


@dataclass(frozen=True)
class Options:
    """How to read.

    Attributes:
        column_names: Of the fields; `tokens` and `tags` for two, those of CoNLL-U for `.conllu`.
        sep: What stands between fields; by default tabs, or white space where there are none.
        encoding: Of the file.
    """

    column_names: tuple[str, ...] | None = None
    sep: str | None = None
    encoding: str = "utf-8"
    on_conflict: str = "error"


def read(path: Path, options: Options, features: Features | None) -> pa.Table:  # noqa: ARG001
    """Read one file.

    In CoNLL-U the comments `sent_id` and `text` become columns; ranges (`3-4`) and empty nodes
    (`5.1`) are kept as lines of their own, as the format has them.

    Raises:
        InvalidFormat: A line has another number of fields than the first; the message names it.
    """
    is_u = suffix_of(path) == ".conllu"
    names = options.column_names or (CONLLU if is_u else None)
    columns: list[list[list[str]]] = []
    notes: dict[str, list[str | None]] = {"sent_id": [], "text": []} if is_u else {}
    for sentence, comments in _sentences(path, options, has_comments=is_u):
        if not columns:
            columns = [[] for _ in sentence[0]]
            names = names or (_TWO if len(columns) == len(_TWO) else _numbered(len(columns)))
        for number, values in enumerate(zip(*sentence, strict=True)):
            columns[number].append(list(values))
        for name, found in notes.items():
            found.append(comments.get(name))
    if names is not None and columns and len(names) != len(columns):
        raise InvalidFormat(f"{path} has {len(columns)} columns, but {len(names)} names are given.")
    columns = columns or [[] for _ in names or ()]
    arrays = {name: pa.array(notes[name], pa.string()) for name in notes}
    lists = pa.list_(pa.string())
    return pa.table(
        {**arrays, **{n: pa.array(c, lists) for n, c in zip(names or (), columns, strict=True)}}
    )


def _numbered(count: int) -> tuple[str, ...]:
    return ("tokens", *(f"column_{number}" for number in range(1, count - 1)), "tags")


def _sentences(
    path: Path, options: Options, *, has_comments: bool
) -> Iterator[tuple[list[list[str]], dict[str, str]]]:
    sentence: list[list[str]] = []
    comments: dict[str, str] = {}
    width = 0
    with opened_text(path, options.encoding) as file:
        for number, line in enumerate(file, 1):
            text = line.rstrip("\r\n")
            if not text.strip():
                if sentence:
                    yield sentence, comments
                sentence, comments = [], {}
                continue
            if has_comments and text.startswith("#"):
                name, _, value = text[1:].partition("=")
                comments[name.strip()] = value.strip()
                continue
            if text.startswith("-DOCSTART-"):
                continue
            sep = options.sep or ("\t" if "\t" in text else None)
            fields = text.split(sep)
            width = width or len(fields)
            if len(fields) != width:
                raise InvalidFormat(
                    f"{path}, line {number}: {len(fields)} fields, earlier lines have {width}.",
                    hint="Pass sep= if fields hold white space.",
                )
            sentence.append(fields)
    if sentence:
        yield sentence, comments
