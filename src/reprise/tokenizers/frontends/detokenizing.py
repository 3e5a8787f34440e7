"""Words put together into English text as the Moses scripts do.

Source: detokenizer.perl of the Moses project, by way of sacremoses; the order of the cases decides.
"""

import re
import unicodedata
from collections.abc import Sequence

from reprise.tokenizers.frontends.moses import is_alpha

_ESCAPED = (
    ("&bar;", "|"), ("&#124;", "|"), ("&lt;", "<"), ("&gt;", ">"), ("&bra;", "["), ("&ket;", "]"),
    ("&quot;", '"'), ("&apos;", "'"), ("&#91;", "["), ("&#93;", "]"), ("&amp;", "&"),
)  # fmt: skip
_CLOSES = re.compile(r"[,.?!:;\\%}\])]+")
_QUOTES = re.compile(r"['\"„“`]+")
_DOUBLE = re.compile("[„“”]+")
_OPENS = frozenset("([{¿¡")
# Characters of scripts that are written without spaces.
_CJK = (
    (0x1100, 0x11FF), (0x2E80, 0xA4CF), (0xA840, 0xA87F), (0xAC00, 0xD7AF), (0xF900, 0xFAFF),
    (0xFE30, 0xFE4F), (0xFF65, 0xFFDC), (0x17000, 0x18AFF), (0x1B000, 0x1B12F), (0x1B170, 0x1B2FF),
    (0x20000, 0x2FFFF),
)  # fmt: skip


def join_words(tokens: Sequence[str]) -> str:
    """Put words together: no space before commas, contractions and closing quotes.

    Args:
        tokens: As `reprise.tokenizers.frontends.moses.words` cuts them.
    """
    text = f" {' '.join(tokens)} ".replace(" @-@ ", "-")
    for written, meant in _ESCAPED:
        text = text.replace(written, meant)
    found, space, open_quotes = "", " ", dict[str, bool]()
    before = ""
    for token in text.split():
        glued, following = _sides(token, before, open_quotes)
        found += token if glued else space + token
        space, before = following, token
    return re.sub(" {2,}", " ", found).strip()


def _sides(token: str, before: str, open_quotes: dict[str, bool]) -> tuple[bool, str]:
    """Tell whether a word sticks to the one before it, and what parts it from the next."""
    if _is_cjk(token[0]):
        return bool(before) and _is_cjk(before[-1]), " "
    if all(char in _OPENS or unicodedata.category(char) == "Sc" for char in token):
        return False, ""
    contracts = before and token[0] == "'" and is_alpha(token[1:2])
    if contracts or _CLOSES.fullmatch(token):
        return True, " "
    return _quote(token, before, open_quotes) if _QUOTES.fullmatch(token) else (False, " ")


def _quote(mark: str, before: str, open_quotes: dict[str, bool]) -> tuple[bool, str]:
    kind = '"' if _DOUBLE.fullmatch(mark) else mark
    closes = open_quotes.get(kind, False)
    if not closes and mark == "'" and before.endswith("s"):
        return True, " "  # the Jones' house
    open_quotes[kind] = not closes
    return (True, " ") if closes else (False, "")


def _is_cjk(char: str) -> bool:
    return any(start <= ord(char) <= end for start, end in _CJK)
