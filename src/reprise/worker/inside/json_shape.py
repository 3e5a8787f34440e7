"""Which characters may come next where an answer has to be a JSON object (RFC 8259)."""

import re
from dataclasses import dataclass
from typing import NamedTuple

MOST_LEVELS = 64  # lists and objects within each other
_MOST_SPACES = 100  # in a row: a model that only writes white space would never end
_SPACES = " \t\n\r"
_DIGITS = "0123456789"
_HEXADECIMAL = "0123456789abcdefABCDEF"
_LITERALS = {"t": "rue", "f": "alse", "n": "ull"}
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
}
_WHOLE_NUMBERS = {"zero", "whole", "fraction", "exponent"}


class State(NamedTuple):
    """How far an answer is.

    Attributes:
        mode: What is being written.
        open: Brackets that are open, the outermost first.
        rest: Of a literal or the ending, what is missing; of the beginning, what is there.
        spaces: White space in a row.
    """

    mode: str
    open: str = ""
    rest: str = ""
    spaces: int = 0


@dataclass(frozen=True)
class JsonShape:
    """A JSON object, and what stands around it.

    Attributes:
        beginnings: One of these comes before it; none of them begins another.
        ending: This comes behind it.
    """

    beginnings: tuple[str, ...] = ()
    ending: str = ""

    @property
    def start(self) -> State:
        """Where an answer begins."""
        return State("beginning" if self.beginnings else "root")

    def over(self, state: State) -> bool:
        """Tell whether nothing may come any more."""
        return state.mode == "over"

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
        if mode in {"text", "key", "text escape", "key escape", "text code", "key code"}:
            return self._text(state, character)
        if mode in {"literal", "ending", "beginning"}:
            return self._fixed(state, character)
        if mode == "over":
            return None
        if character in _SPACES:
            return state._replace(spaces=state.spaces + 1) if state.spaces < _MOST_SPACES else None
        return self._structure(state._replace(spaces=0), character)

    def _structure(self, state: State, character: str) -> State | None:
        """Read a character between values."""
        mode = state.mode
        if mode == "root":
            return self._opened(state, character) if character == "{" else None
        if mode in {"first key", "next key"} and character == '"':
            return state._replace(mode="key")
        if mode == "colon":
            return state._replace(mode="value") if character == ":" else None
        closes = mode in {"first key", "first value", "behind"}
        if closes and character == ("}" if state.open[-1] == "{" else "]"):
            return self._behind(state._replace(open=state.open[:-1]))
        if mode == "behind":
            following = "next key" if state.open[-1] == "{" else "value"
            return state._replace(mode=following) if character == "," else None
        return self._value(state, character) if mode in {"value", "first value"} else None

    def _value(self, state: State, character: str) -> State | None:
        if character in "{[":
            return self._opened(state, character)
        if character == '"':
            return state._replace(mode="text")
        if character in _LITERALS:
            return state._replace(mode="literal", rest=_LITERALS[character])
        if character in _DIGITS:
            return state._replace(mode="zero" if character == "0" else "whole")
        return state._replace(mode="minus") if character == "-" else None

    def _opened(self, state: State, character: str) -> State | None:
        if len(state.open) == MOST_LEVELS:
            return None
        mode = "first key" if character == "{" else "first value"
        return state._replace(mode=mode, open=state.open + character)

    def _behind(self, state: State) -> State:
        """Go behind a value."""
        if state.open:
            return state._replace(mode="behind", rest="")
        return State("ending", rest=self.ending) if self.ending else State("over")

    def _number(self, state: State, character: str) -> State | None:
        for characters, mode in _NUMBER[state.mode].items():
            if character in characters:
                return state._replace(mode=mode)
        if state.mode not in _WHOLE_NUMBERS:
            return None
        return self._step(self._behind(state), character)

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

    def _fixed(self, state: State, character: str) -> State | None:
        """Read a character of a literal, of the ending, or of one of the beginnings."""
        if state.mode == "beginning":
            there = state.rest + character
            if there in self.beginnings:
                return State("root")
            going = any(one.startswith(there) for one in self.beginnings)
            return state._replace(rest=there) if going else None
        if character != state.rest[0]:
            return None
        if left := state.rest[1:]:
            return state._replace(rest=left)
        return State("over") if state.mode == "ending" else self._behind(state)
