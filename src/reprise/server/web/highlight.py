"""Colours for code: spans with classes, never styles; large texts stay plain."""

import time
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

import pygments
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

Token = tuple[Any, str]  # kind and text

CLASS_PREFIX = "hl-"
MAX_CODE = 100_000  # characters of one file
_MAX_SECONDS = 2.0  # of one thread's time
_MAX_LINE = 5_000  # characters; minified code is not worth colouring
# Names and endings -> languages. Only well-known ones: each lexer is code that strangers feed.
_LANGUAGES = {
    "python": "py pyi python python3 pycon",
    "json": "json jsonc jsonl ipynb webmanifest json5",
    "yaml": "yaml yml cff",
    "toml": "toml",
    "bash": "sh bash zsh shell console shellsession",
    "c": "c h",
    "cpp": "cpp cc cxx hpp hh c++ cuda cu cuh",
    "go": "go",
    "rust": "rs rust",
    "java": "java",
    "javascript": "js mjs cjs jsx javascript",
    "typescript": "ts tsx typescript",
    "css": "css scss",
    "html": "html htm",
    "xml": "xml svg xhtml",
    "ini": "ini cfg conf properties",
    "sql": "sql",
    "r": "r",
    "julia": "jl julia",
    "diff": "diff patch",
    "make": "makefile mk make",
    "docker": "dockerfile docker",
    "swift": "swift",
    "kotlin": "kt kotlin",
    "lua": "lua",
    "markdown": "md markdown",
}
_BY_NAME = {name: language for language, names in _LANGUAGES.items() for name in names.split()}


def language_of(path: str) -> str:
    """Guess the language of a file from its name; the empty string when unknown."""
    name = path.rpartition("/")[2].lower()
    return _BY_NAME.get(name) or _BY_NAME.get(name.rpartition(".")[2], "")


def highlight(code: str, language: str) -> str:
    """Turn code into safe HTML; unknown languages and large texts stay plain.

    Each line is closed in itself, so that the result may be split at line breaks.
    """
    known = _BY_NAME.get(language.lower(), "")
    if not known or len(code) > MAX_CODE or _has_long_line(code):
        return escape(code)
    try:
        lexer = get_lexer_by_name(known, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return escape(code)
    formatter: HtmlFormatter[str] = HtmlFormatter(nowrap=True, classprefix=CLASS_PREFIX)
    try:
        coloured: str = pygments.format(_in_time(lexer.get_tokens(code)), formatter)
    except TimeoutError:
        return escape(code)
    return coloured


def _in_time(tokens: Iterable[Token]) -> Iterator[Token]:
    """Pass tokens on; give up on texts that make a lexer's expressions slow."""
    limit = time.thread_time() + _MAX_SECONDS
    for token in tokens:
        if time.thread_time() > limit:
            raise TimeoutError
        yield token


def _has_long_line(code: str) -> bool:
    return any(len(line) > _MAX_LINE for line in code.splitlines())
