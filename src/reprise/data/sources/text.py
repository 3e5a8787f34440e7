"""Plain text: a row per line, paragraph or file."""

import re
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import InvalidInput
from reprise.data.features import Features
from reprise.data.sources.opening import read_text

_LINE = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Options:
    """How to read.

    Attributes:
        sample_by: What a row is: "line", "paragraph" (up to an empty line) or "document".
        keep_linebreaks: Keep the line end in each line.
        encoding: Of the file.
    """

    sample_by: str = "line"
    keep_linebreaks: bool = False
    encoding: str = "utf-8"
    on_conflict: str = "error"


def read(path: Path, options: Options, features: Features | None) -> pa.Table:  # noqa: ARG001
    """Read one file.

    Raises:
        InvalidFormat: It is not text in that encoding.
    """
    text = read_text(path, options.encoding)
    if options.sample_by == "document":
        rows = [text]
    elif options.sample_by == "paragraph":
        rows = [part for part in re.split(r"\n\n+", _LINE.sub("\n", text).strip("\n")) if part]
    elif options.sample_by == "line":
        rows = _lines(text, keep=options.keep_linebreaks)
    else:
        raise InvalidInput("sample_by is line, paragraph or document.")
    return pa.table({"text": pa.array(rows, pa.string())})


def _lines(text: str, *, keep: bool) -> list[str]:
    """Cut at line feeds and carriage returns alone: `splitlines` also cuts at form feeds."""
    ends = [match.span() for match in _LINE.finditer(text)]
    starts = [0, *(end for _, end in ends)]
    rows = [
        text[start : end if keep else stop]
        for start, (stop, end) in zip(starts, ends, strict=False)
    ]
    return [*rows, text[starts[-1] :]] if starts[-1] < len(text) else rows
