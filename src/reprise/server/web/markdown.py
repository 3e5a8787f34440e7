"""Markdown from strangers to safe HTML."""

import re
from collections.abc import MutableMapping
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.tasklists import tasklists_plugin

from reprise.server.web.highlight import highlight
from reprise.server.web.sanitize import Base, clean

# Part of the key of everything that is kept: raise it when the output changes.
VERSION = 1
MAX_TEXT = 200_000  # characters; the rest of a longer text is left out
_MAX_COLOURED = 60_000  # characters of code coloured in one text
_LARGEST = 6
_SLUG = re.compile(r"[^\w\- ]")
_ALIGN = re.compile(r"text-align:(left|right|center)")


def to_html(text: str, base: Base) -> str:
    """Render Markdown with tables, footnotes, task lists and coloured code.

    Headings go down one level, because the page has its own first. Ids are prefixed, so that they
    cannot collide with the page's.
    """
    cut = len(text) > MAX_TEXT
    budget = [_MAX_COLOURED]

    def colour(code: str, language: str, _attrs: str) -> str:
        if len(code) > budget[0]:
            return escape(code)
        budget[0] -= len(code)
        return highlight(code, language)

    parser = _parser(colour)
    html = clean(parser.render(text[:MAX_TEXT]), base)
    return html + ("<p><em>The rest is not shown: the text is too long.</em></p>" if cut else "")


def _parser(colour: Any) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "highlight": colour})
    parser.enable(["table", "strikethrough"])
    parser.use(footnote_plugin).use(tasklists_plugin)
    parser.core.ruler.push("reprise", _adapt)
    return parser


def _adapt(state: StateCore) -> None:
    """Give headings ids and one level less, and write alignment as an attribute."""
    seen: dict[str, int] = {}
    for index, token in enumerate(state.tokens):
        if token.type == "heading_open":
            token.attrSet("id", _unique(slug(state.tokens[index + 1].content), seen))
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1:]) + 1, _LARGEST)}"
        if token.type in {"th_open", "td_open"}:
            found = _ALIGN.search(str(token.attrs.pop("style", "")))
            token.attrs.update({"align": found[1]} if found else {})
        if token.type == "inline":
            _replace_boxes(token.children or [])


def _replace_boxes(children: list[Any]) -> None:
    """Write task list boxes as characters: forms have no place in a card."""
    for child in children:
        if child.type == "html_inline" and "task-list-item-checkbox" in child.content:
            child.type, child.content = "text", "☑" if "checked=" in child.content else "☐"


def slug(text: str) -> str:
    """Turn a heading into an anchor as the public hub and GitHub do."""
    return _SLUG.sub("", text.strip().lower()).replace(" ", "-")


def _unique(anchor: str, seen: MutableMapping[str, int]) -> str:
    times = seen.get(anchor, 0)
    seen[anchor] = times + 1
    return f"{anchor}-{times}" if times else anchor
