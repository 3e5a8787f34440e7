"""Which characters may come next where an answer has to be JSON of a shape (RFC 8259)."""

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import NamedTuple

from reprise.worker.inside.json_nodes import ANYTHING, OBJECT, Fields, Node

MOST_LEVELS = 64  # lists and objects within each other
# White space between two signs: a little, or a new line and how far it is indented. Models that may
# write more often do nothing else any more.
_SPACES = " \t\n\r"
_FEW, _LINE, _INDENT = 2, 10, 8  # the last one for each bracket that is open
_DIGITS = "0123456789"
_HEXADECIMAL = "0123456789abcdefABCDEF"
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
# Where a number may end; `-`, `1.`, `1e` and `1e+` want a digit.
_NUMBER: dict[str, dict[str, str]] = {
    "minus": {"0": "zero", "123456789": "whole"},
    "zero": {".": "point", "eE": "power"},
    "whole": {_DIGITS: "whole", ".": "point", "eE": "power"},
    "point": {_DIGITS: "fraction"},
    "fraction": {_DIGITS: "fraction", "eE": "power"},
    "power": {"+-": "sign", _DIGITS: "exponent"},
    "sign": {_DIGITS: "exponent"},
    "exponent": {_DIGITS: "exponent"},
    "integer minus": {"0": "integer zero", "123456789": "integer whole"},
    "integer zero": {},
    "integer whole": {_DIGITS: "integer whole"},
}
_WHOLE_NUMBERS = {"zero", "whole", "fraction", "exponent", "integer zero", "integer whole"}


class Open(NamedTuple):
    """A bracket that is open.

    Attributes:
        node: Of the value that it began.
        passed: Of an object's names, those that are behind; of a list's items, where they count.
        is_list: Which bracket.
    """

    node: int
    passed: int
    is_list: bool


class State(NamedTuple):
    """How far an answer is.

    Attributes:
        mode: What is being written.
        open: Brackets that are open, the outermost first.
        rest: Of the ending or an escape, what is missing; of a word, a name or the beginning,
            what is there.
        spaces: White space in a row; from `_LINE` on it is behind a new line.
    """

    mode: str
    open: tuple[Open, ...] = ()
    rest: str = ""
    spaces: int = 0


@dataclass(frozen=True)
class JsonShape:
    """A JSON object, and what stands around it.

    Attributes:
        beginnings: One of these comes before it; none of them begins another.
        ending: This comes behind it.
        nodes: What values may be: the first is anything, the second the object itself.
    """

    beginnings: tuple[str, ...] = ()
    ending: str = ""
    nodes: tuple[Node, ...] = (ANYTHING, OBJECT)

    @property
    def start(self) -> State:
        """Where an answer begins."""
        return State("beginning" if self.beginnings else "value")

    def over(self, state: State) -> bool:
        """Tell whether nothing may come any more."""
        return state.mode == "over"

    def following(self, state: State) -> set[str] | None:
        """List the characters that may come next, where they are few; None: any of ASCII."""
        if state.mode == "name":
            those = [name for name, _ in self._names(state)]
        elif state.mode == "word" and state.rest not in self.nodes[self._wanted(state)].words:
            those = list(self.nodes[self._wanted(state)].words)
        else:
            return None
        at = len(state.rest)
        return {one[at] for one in those if one.startswith(state.rest) and len(one) > at}

    def read(self, state: State, text: str) -> State | None:
        """Read text; None when it cannot come there."""
        found: State | None = state
        at = 0
        while at < len(text) and found is not None:
            if found.mode in {"text", "key"}:
                plain = _PLAIN.match(text, at)
                at = plain.end() if plain else at
                if at == len(text):
                    break
            found = self._step(found, text[at])
            at += 1
        return found

    def _step(self, state: State, character: str) -> State | None:
        mode = state.mode
        if mode in _NUMBER:
            return self._number(state, character)
        if mode in {"word", "name"}:
            return self._word(state, character)
        if mode.startswith(("text", "key")):
            return self._text(state, character)
        if mode in {"ending", "beginning", "over"}:
            return self._around(state, character)
        if character not in _SPACES:
            return self._structure(state._replace(spaces=0), character)
        return self._space(state, character)

    def _space(self, state: State, character: str) -> State | None:
        if character == "\n":
            return state._replace(spaces=_LINE) if state.spaces < _LINE else None
        indent = _LINE + _INDENT * max(1, len(state.open))
        most = _FEW if state.spaces < _LINE else indent
        return state._replace(spaces=state.spaces + 1) if state.spaces < most else None

    # -- between values ---------------------------------------------------------------------

    def _structure(self, state: State, character: str) -> State | None:
        mode = state.mode
        if mode == "colon":
            return state._replace(mode="value") if character == ":" else None
        if character in "}]":
            closes = mode in {"first key", "first value", "behind"} and self._may_close(state)
            return self._closed(state, character) if closes else None
        if mode in {"first key", "next key"}:
            return self._key(state) if character == '"' else None
        if mode == "behind":
            return self._next(state) if character == "," else None
        return self._value(state, character)

    def _may_close(self, state: State) -> bool:
        """Tell whether all that has to be there is there."""
        node, count, is_list = state.open[-1]
        held = self.nodes[node]
        if is_list:
            return held.items is None or count >= held.items.least
        return (
            not any(needed for _, _, needed in held.fields.names[count:]) if held.fields else True
        )

    def _closed(self, state: State, character: str) -> State | None:
        if (character == "]") is not state.open[-1].is_list:
            return None
        return self._behind(state._replace(open=state.open[:-1]))

    def _next(self, state: State) -> State | None:
        """Read a comma."""
        node, count, is_list = state.open[-1]
        held = self.nodes[node]
        if is_list:
            most = held.items.most if held.items else None
            return state._replace(mode="value") if most is None or count < most else None
        fields = held.fields or Fields()
        more = fields.others is not None or count < len(fields.names)
        return state._replace(mode="next key") if more else None

    def _key(self, state: State) -> State | None:
        """Read the beginning of a name."""
        fields = self.nodes[state.open[-1].node].fields or Fields()
        if fields.others is not None:
            return state._replace(mode="key")
        return state._replace(mode="name", rest='"') if self._names(state) else None

    def _names(self, state: State) -> list[tuple[str, int]]:
        """List the names that may come, each with how many are behind then."""
        node, count, _ = state.open[-1]
        fields, found = self.nodes[node].fields or Fields(), []
        for number, (name, _, needed) in enumerate(fields.names[count:], count + 1):
            found.append((name, number))
            if needed:
                break
        return found

    # -- values -----------------------------------------------------------------------------

    def _wanted(self, state: State) -> int:
        """Say which node the next value is of."""
        if not state.open:
            return 1
        node, count, is_list = state.open[-1]
        held = self.nodes[node]
        if is_list:
            return held.items.each if held.items else 0
        fields = held.fields or Fields()
        return fields.others if fields.others is not None else fields.names[count - 1][1]

    def _value(self, state: State, character: str) -> State | None:
        number = self._wanted(state)
        node = self.nodes[number]
        if (character == "{" and node.fields) or (character == "[" and node.items):
            return self._opened(state, number, is_list=character == "[")
        if character == '"' and node.text:
            return state._replace(mode="text")
        if node.number and character in "-0123456789":
            kind = "minus" if character == "-" else "zero" if character == "0" else "whole"
            return state._replace(mode=kind if node.number == "number" else f"integer {kind}")
        fitting = _beginning(node.words, character)[0]
        return self._word(state._replace(mode="word", rest=""), character) if fitting else None

    def _opened(self, state: State, node: int, *, is_list: bool) -> State | None:
        if len(state.open) == MOST_LEVELS:
            return None
        opened = (*state.open, Open(node, 0, is_list))
        return state._replace(mode="first value" if is_list else "first key", open=opened)

    def _behind(self, state: State) -> State:
        """Go behind a value."""
        if not state.open:
            return State("ending", rest=self.ending) if self.ending else State("over")
        node, count, is_list = state.open[-1]
        items = self.nodes[node].items
        if is_list and items and (items.least or items.most is not None):
            count = min(count + 1, max(items.least, items.most or 0))
        opened = (*state.open[:-1], Open(node, count, is_list))
        return state._replace(mode="behind", open=opened, rest="")

    def _number(self, state: State, character: str) -> State | None:
        for characters, mode in _NUMBER[state.mode].items():
            if character in characters:
                return state._replace(mode=mode)
        if state.mode not in _WHOLE_NUMBERS:
            return None
        return self._step(self._behind(state), character)

    def _word(self, state: State, character: str) -> State | None:
        """Read a character of one of some values, or of one of an object's names."""
        there = state.rest + character
        if state.mode == "name":
            names = self._names(state)
            for name, count in names:
                if name == there:
                    last = state.open[-1]._replace(passed=count)
                    return state._replace(mode="colon", open=(*state.open[:-1], last), rest="")
            going = any(name.startswith(there) for name, _ in names)
            return state._replace(rest=there) if going else None
        words = self.nodes[self._wanted(state)].words
        first, more = _beginning(words, there)
        if first == there and not more:
            return self._behind(state)
        if first:
            return state._replace(rest=there)
        whole = _beginning(words, state.rest)[0] == state.rest  # 1, where 12 may be too
        return self._step(self._behind(state), character) if whole else None

    def _text(self, state: State, character: str) -> State | None:
        kind, _, part = state.mode.partition(" ")
        if part:
            return self._escape(state, character)
        if character == "\\":
            return state._replace(mode=f"{kind} escape")
        if character == '"':
            return state._replace(mode="colon") if kind == "key" else self._behind(state)
        return state if character >= " " else None

    def _escape(self, state: State, character: str) -> State | None:
        """Read a character behind a backslash."""
        kind, _, part = state.mode.partition(" ")
        if part == "code":
            left = state.rest[1:]
            mode = f"{kind} code" if left else kind
            return state._replace(mode=mode, rest=left) if character in _HEXADECIMAL else None
        if character == "u":
            return state._replace(mode=f"{kind} code", rest="0000")
        return state._replace(mode=kind) if character in '"\\/bfnrt' else None

    def _around(self, state: State, character: str) -> State | None:
        """Read a character of the ending, or of one of the beginnings."""
        if state.mode == "beginning":
            there = state.rest + character
            if there in self.beginnings:
                return State("value")
            going = any(one.startswith(there) for one in self.beginnings)
            return state._replace(rest=there) if going else None
        if character != state.rest[:1]:  # nothing is left where it is over
            return None
        left = state.rest[1:]
        return state._replace(rest=left) if left else State("over")


def _beginning(words: tuple[str, ...], text: str) -> tuple[str, bool]:
    """Give the first of sorted words that begins with a text, and whether there are more."""
    at = bisect_left(words, text)
    fits = [word for word in words[at : at + 2] if word.startswith(text)]
    return (fits[0] if fits else ""), len(fits) > 1
