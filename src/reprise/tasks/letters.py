"""From a letter for each moment to text, as connectionist temporal classification reads them.

Source: Graves et al., 2006. Letters that repeat are one letter, unless a blank stands between.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from reprise.base.errors import EntryNotFound, InvalidFormat
from reprise.tasks.files import read_object

FILES = ("vocab.json", "added_tokens.json", "tokenizer_config.json", "special_tokens_map.json")


@dataclass(frozen=True)
class Letter:
    """A letter, or a word, and the moments that it takes: first and one behind the last."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Letters:
    """What each class of a model stands for.

    Attributes:
        names: Letters by number.
        blank: The one that says nothing.
        between: The one that stands between words.
        lowers: Whether text is brought to lower case.
    """

    names: Mapping[int, str]
    blank: str
    between: str = "|"
    lowers: bool = False

    def read(self, classes: Sequence[int]) -> list[Letter]:
        """Read the classes of one moment after the other; a space stands between words."""
        found, at = [], 0
        for name, own in groupby(self.names.get(number, "") for number in classes):
            count = len(list(own))
            if name != self.blank:
                text = " " if name == self.between else name
                found.append(Letter(text, at, at + count))
            at += count
        return found

    def text(self, letters: Sequence[Letter]) -> str:
        """Join letters."""
        joined = "".join(letter.text for letter in letters).strip()
        return joined.lower() if self.lowers else joined


def words(letters: Sequence[Letter]) -> Iterator[Letter]:
    """Join the letters of each word."""
    for space, own in groupby(letters, key=lambda letter: letter.text == " "):
        if not space:
            inside = list(own)
            text = "".join(letter.text for letter in inside)
            yield Letter(text, inside[0].start, inside[-1].end)


def read_letters(folder: Path | None) -> Letters:
    """Read the files of a CTC tokenizer.

    Raises:
        EntryNotFound: There is no `vocab.json`.
        InvalidFormat: It is none of a single language.
    """
    vocabulary = read_object(folder / FILES[0]) if folder else {}
    if folder is None or not vocabulary:
        raise EntryNotFound(f"{folder} has no vocab.json, so nobody knows what its letters are.")
    told = read_object(folder / FILES[2])
    special = read_object(folder / FILES[3])
    numbers = {**vocabulary, **read_object(folder / FILES[1]), **_added(told)}
    if not all(type(number) is int for number in numbers.values()):
        raise InvalidFormat(
            f"{folder / FILES[0]} must map letters to numbers.",
            hint="Files of several languages in one are not read.",
        )
    names = {number: letter for letter, number in numbers.items()}
    blank = _name(told.get("pad_token") or special.get("pad_token") or "<pad>")
    between = _name(told.get("word_delimiter_token") or "|")
    return Letters(names, blank, between, bool(told.get("do_lower_case")))


def _added(told: Mapping[str, Any]) -> dict[str, Any]:
    """Read the tokens that newer files add beside the vocabulary: number to token."""
    listed = told.get("added_tokens_decoder")
    if not isinstance(listed, Mapping):
        return {}
    return {_name(token): int(number) for number, token in listed.items() if str(number).isdigit()}


def _name(token: Any) -> str:
    return str(token.get("content", "")) if isinstance(token, Mapping) else str(token)
