"""Cards: the README of a repo, its metadata between `---` lines and the text below."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reprise.base.errors import InvalidFormat
from reprise.base.ids import RepoType
from reprise.formats import yaml_json
from reprise.formats.card_fields import Problem, validate

__all__ = ["Card", "Problem", "check", "parse", "render", "validate"]

# The expression that the hub's clients use, so that all agree on where the metadata ends.
_FRONT_MATTER = re.compile(r"^(\s*---(?:\r\n|\r|\n))([\S\s]*?)((?:\r\n|\r|\n)---[ \t]*(\r\n|\n|$))")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Card:
    """A parsed card."""

    data: dict[str, Any]  # the metadata, JSON values only
    body: str  # Markdown
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)  # where fields stand


def parse(text: str) -> Card:
    r"""Split a README into metadata and Markdown; without `---` lines all of it is Markdown.

    Dates stay text, as do numbers that JSON cannot hold.

    Raises:
        InvalidFormat: The metadata is not YAML this hub accepts; the message starts with the line.

    Example:
        >>> parse("---\nlicense: mit\n---\n# Hello\n")
        Card(data={'license': 'mit'}, body='# Hello\n', lines={'license': 2})
    """
    text = text.removeprefix("\ufeff")
    match = _FRONT_MATTER.match(text)
    if match is None:
        return Card({}, text)
    first_line = len(_LINE_BREAK.findall(match[1])) + 1
    data, lines = yaml_json.load_mapping(match[2], first_line=first_line)
    return Card(data, text[match.end() :], lines)


def render(data: Mapping[str, Any], body: str) -> str:
    """Write a README that `parse` splits into the same metadata and Markdown.

    Raises:
        InvalidInput: The metadata holds something JSON has no place for.
    """
    if not data and _would_be_split(body):
        return f"---\n{{}}\n---\n{body}"
    if not data:
        return body
    return f"---\n{yaml_json.dump(dict(data))}---\n{body}"


def check(text: str, repo_type: RepoType) -> list[Problem]:
    """List everything wrong with a README, errors first, in the order of its lines."""
    try:
        card = parse(text)
    except InvalidFormat as error:
        return [Problem("error", f"The metadata cannot be read: {error.message}")]
    problems = validate(card.data, repo_type, lines=card.lines)
    if not card.data:
        problems = [Problem("warning", _missing(text)), *problems]
    return sorted(problems, key=lambda problem: (problem.severity != "error", problem.line or 0))


def _would_be_split(body: str) -> bool:
    """Tell whether a text would be taken for a card with metadata of its own."""
    return body.startswith("\ufeff") or _FRONT_MATTER.match(body) is not None


def _missing(text: str) -> str:
    if re.match(r"\s*---[ \t]*[\r\n]", text) and _FRONT_MATTER.match(text) is None:
        return "The metadata opens with '---' but no second '---' line closes it."
    return (
        "empty or missing yaml metadata in repo card: start the README with lines like "
        "'license: mit' between two '---' lines, so that people can find the repo."
    )
