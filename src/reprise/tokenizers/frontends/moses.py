"""English text cut into words as the Moses scripts do, which XLM and Transformer-XL learned from.

Source: tokenizer.perl, normalize-punctuation.perl, replace-unicode-punctuation.perl and
remove-non-printing-char.perl of the Moses project; order and patterns decide the words, so they
are kept. Ideographs count as symbols, as they do there, and each becomes a word.
"""

# ruff: noqa: RUF001 - characters that look like others are what this module is about

import re
import unicodedata
from collections.abc import Callable
from functools import cache

_Rule = tuple[re.Pattern[str], str]
_BMP = 0x10000
_IDEOGRAPHS = ((0x3400, 0xA000), (0xAC00, 0xD7B0), (0xF900, 0xFB00))
_DIACRITICS = (0x300, 0x370)  # marks that are no letters by themselves
_FULL_WIDTH = str.maketrans(
    "，、”“∶：？《》）！（；」「０１２３４５６７８９～’━〈〉【】％",
    ",,\"\"::?\"\")!(;\"\"0123456789~'-<>[]%",
)  # fmt: skip
_STOPS = re.compile(r"[。．]\s*")
_ABBREVIATIONS = frozenset(
    "A B C D E F G H I J K L M N O P Q R S T U V W X Y Z Adj Adm Adv Asst Bart Bldg Brig Bros Capt "
    "Cmdr Col Comdr Con Corp Cpl DR Dr Drs Ens Gen Gov Hon Hr Hosp Insp Lt MM MR MRS MS Maj "
    "Messrs Mlle Mme Mr Mrs Ms Msgr Op Ord Pfc Ph Prof Pvt Rep Reps Res Rev Rt Sen Sens Sfc Sgt Sr "
    "St Supt Surg v vs i.e rev e.g Rs Nos Nr Jan Feb Mar Apr Jun Jul Aug Sep Oct Nov Dec".split()
)
_BEFORE_NUMBERS = frozenset({"No", "Art", "pp"})
_ENDS_WITH_STOP = re.compile(r"(\S+)\.")
_DOTS = re.compile(r"\.{2,}")
_KEPT_DOTS = "DOT"  # stands for dots that stay together while single ones are looked at
_MARK = re.compile(r"((?:DOT)+)MULTI")


def _rules(*pairs: tuple[str, str]) -> list[_Rule]:
    return [(re.compile(pattern), replacement) for pattern, replacement in pairs]


_SPACES = (" +", " ")
_PUNCTUATION = _rules(
    ("\r", ""),
    (r"\(", " ("),
    (r"\)", ") "),
    _SPACES,
    (r"\) ([.!:?;,])", r")\1"),
    (r"\( ", "("),
    (r" \)", ")"),
    (r"(\d) %", r"\1%"),
    (" :", ":"),
    (" ;", ";"),
    ("`", "'"),
    ("''", ' " '),
    ("[„“”]", '"'),
    ("–", "-"),
    ("—", " - "),
    _SPACES,
    ("´", "'"),
    ("([a-zA-Z])‘([a-zA-Z])", r"\1'\2"),
    ("([a-zA-Z])’([a-zA-Z])", r"\1'\2"),
    ("[‘‚’]", "'"),
    ("''", '"'),
    ("…", "..."),
    ("\xa0«\xa0|«\xa0|«", '"'),
    ("\xa0»\xa0|\xa0»|»", '"'),
    ("\xa0%", "%"),
    ("nº\xa0", "nº "),
    ("\xa0:", ":"),
    ("\xa0ºC", " ºC"),
    ("\xa0cm", " cm"),
    (r"\xa0\?", "?"),
    ("\xa0!", "!"),
    ("\xa0;", ";"),
    (",\xa0", ", "),
    _SPACES,
    ('"([,.]+)', r'\1"'),
    (r"(\d)\xa0(\d)", r"\1.\2"),
)


def normalize_punctuation(text: str) -> str:
    """Write quotes, dashes and spaces in one way."""
    for pattern, replacement in _PUNCTUATION:
        text = pattern.sub(replacement, text)
    return text.strip()


def replace_full_width(text: str) -> str:
    """Write the punctuation of East Asian texts as English has it."""
    return _STOPS.sub(". ", text.translate(_FULL_WIDTH)).replace("…", "...")


def remove_control(text: str) -> str:
    """Remove characters that are not printed."""
    return "".join(each for each in text if not unicodedata.category(each).startswith("C"))


def words(text: str, *, split_dashes: bool = False) -> list[str]:
    """Cut English text into words.

    Args:
        text: One sentence or more; line breaks are spaces.
        split_dashes: Write `foo-bar` as `foo @-@ bar`.
    """
    rules = _patterns()
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"[\x00-\x1f]", "", text).strip()
    text = rules["symbol"].sub(r" \1 ", text)
    if split_dashes:
        text = rules["dash"].sub(r"\1 @-@ ", text)
    text = _DOTS.sub(_hide_dots, text)
    for name, replacement in (("comma_1", r"\1 , "), ("comma_2", r" , \1"), ("comma_3", r"\1 , ")):
        text = rules[name].sub(replacement, text)
    for number, replacement in enumerate(
        (r"\1 ' \2", r"\1 ' \2", r"\1 ' \2", r"\1 '\2", r"\1 '\2")
    ):
        text = rules[f"quote_{number}"].sub(replacement, text)
    text = " ".join(_part_stops(text.split()))
    text = re.sub(r"\.' ?$", " . ' ", text)
    return _MARK.sub(lambda match: "." * (len(match[1]) // len(_KEPT_DOTS)), text).split()


def _hide_dots(match: re.Match[str]) -> str:
    marked = f" {_KEPT_DOTS * len(match[0])}MULTI"
    return f"{marked} " if match.end() < len(match.string) else marked


def _part_stops(tokens: list[str]) -> list[str]:
    """Part the stop that ends a sentence from its word, but not that of an abbreviation."""
    found = []
    for at, token in enumerate(tokens):
        match = _ENDS_WITH_STOP.fullmatch(token)
        following = tokens[at + 1] if at + 1 < len(tokens) else ""
        found.append(f"{match[1]} ." if match and not _keeps_stop(match[1], following) else token)
    return found


def _keeps_stop(word: str, following: str) -> bool:
    if ("." in word and any(map(is_alpha, word))) or word in _ABBREVIATIONS:
        return True
    if following[:1].islower():
        return True
    return word in _BEFORE_NUMBERS and following[:1].isdigit() and following[0].isascii()


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    """Make the patterns that need classes of characters, once."""
    alnum = _class(lambda char: is_alpha(char) or unicodedata.category(char) == "Nd")
    alpha, number = _class(is_alpha), _class(lambda char: unicodedata.category(char)[0] == "N")
    found = {
        "symbol": rf"([^{alnum}\s\.'\`\,\-])",
        "dash": rf"([{alnum}])\-(?=[{alnum}])",
        "comma_1": rf"([^{number}])[,]",
        "comma_2": rf"[,]([^{number}])",
        "comma_3": rf"([{number}])[,]$",
        "quote_0": rf"([^{alpha}])[']([^{alpha}])",
        "quote_1": rf"([^{alpha}{number}])[']([{alpha}])",
        "quote_2": rf"([{alpha}])[']([^{alpha}])",
        "quote_3": rf"([{alpha}])[']([{alpha}])",
        "quote_4": rf"([{number}])[']([s])",
    }
    return {name: re.compile(pattern) for name, pattern in found.items()}


def is_alpha(char: str) -> bool:
    """Tell whether Moses counts a character as a letter; nothing is none."""
    if not char:
        return False
    code, kind = ord(char), unicodedata.category(char)
    if code >= _BMP or any(start <= code < end for start, end in _IDEOGRAPHS):
        return False
    if kind in {"Mn", "Mc"}:
        return not _DIACRITICS[0] <= code < _DIACRITICS[1]
    return kind[0] == "L" or kind == "Nl"


def _class(belongs: Callable[[str], bool]) -> str:
    """Return the inside of a character class, as ranges."""
    found: list[list[int]] = []
    for code in range(_BMP):
        if belongs(chr(code)):
            if found and found[-1][1] == code - 1:
                found[-1][1] = code
            else:
                found.append([code, code])
    return "".join(f"\\u{start:04x}-\\u{end:04x}" for start, end in found)
