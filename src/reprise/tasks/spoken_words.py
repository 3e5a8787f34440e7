"""Tokens joined to words: by spaces, or by characters where a language puts none between words.

Words are those of transformers' pipeline: signs that open go to the word behind them, signs that
close to the one before.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

UNSPACED = ("zh", "ja", "th", "lo", "my", "yue")  # languages
_SIGNS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_OPENING = "\"'“¡¿([{-"
_CLOSING = "\"'.。,，!！?？:：”)]}、"  # noqa: RUF001 - signs of other scripts
_BROKEN = "\ufffd"  # what decoders write for bytes that are no character
_MORE = 3  # bytes, so at most as many tokens, that may complete a character

Decode = Callable[[list[int]], str]


@dataclass(frozen=True)
class Word:
    """A word and its tokens: the first, and one behind the last."""

    text: str
    start: int
    end: int

    def with_next(self, other: "Word") -> "Word":
        """Join it with the word behind it."""
        return Word(self.text + other.text, self.start, other.end)


def join_words(tokens: Sequence[int], decode: Decode, *, spaced: bool = True) -> list[Word]:
    """Join tokens to words.

    Args:
        tokens: Of a text, without special ones.
        decode: Turns tokens into text.
        spaced: Whether the language has spaces between words; otherwise a word is one token, or as
            many as make whole characters.
    """
    found = characters(tokens, decode)
    if spaced:
        found = _by_spaces(found)
    return [word for word in _closed(_opened(found)) if word.text]


def characters(tokens: Sequence[int], decode: Decode) -> list[Word]:
    """Cut tokens into the smallest parts that are whole characters.

    A character of several bytes may have several tokens. Bytes that no more tokens make a character
    of stand for themselves.
    """
    found: list[Word] = []
    start = 0
    for end in range(1, len(tokens) + 1):
        text = decode(list(tokens[start:end]))
        if _BROKEN not in text or decode(list(tokens[start : end + _MORE])).startswith(text):
            found.append(Word(text, start, end))
            start = end
    return found


def _by_spaces(parts: Iterable[Word]) -> list[Word]:
    """Begin a word at every space, and at every sign; runs of signs count as the reference does."""
    found: list[Word] = []
    for part in parts:
        if found and not part.text.startswith(" ") and part.text.strip() not in _SIGNS:
            found[-1] = found[-1].with_next(part)
        else:
            found.append(part)
    return found


def _opened(words: Sequence[Word]) -> list[Word]:
    """Join signs that open, with a space before them, to what follows."""
    found: list[Word] = []
    for word in reversed(words):
        if found and word.text.startswith(" ") and word.text.strip() in _OPENING:
            found[-1] = word.with_next(found[-1])
        else:
            found.append(word)
    return found[::-1]


def _closed(words: Iterable[Word]) -> list[Word]:
    """Join signs that close to what stands before them."""
    found: list[Word] = []
    for word in words:
        if found and not found[-1].text.endswith(" ") and word.text in _CLOSING:
            found[-1] = found[-1].with_next(word)
        else:
            found.append(word)
    return found
