"""How much a tokenizer may make of a text: a small file must not turn a sentence into gigabytes.

Replacements after replacements, bytes spelled as characters again and again, templates that repeat
the text: each step is small, and all together they double a text until the memory is full. What
follows bounds the product before an engine is built. Bounds are generous: no tokenizer in use
comes near.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from reprise.base.errors import InvalidFormat, TooLarge
from reprise.tokenizers.charsmap import check_encoded

MAX_STEPS = 512  # of a component, sequences in sequences counted
MAX_GROWTH = 4096  # characters that may come of one
MAX_COPIES = 16  # of a text in one row
MAX_INSERTED = 4096  # tokens that a template may add
MAX_TYPE_ID = 255  # segments are stored in a byte
_BYTES_OF_CHARACTER = 4  # what ByteLevel spells one character with, at most
_INNER = ("normalizers", "pretokenizers", "processors", "decoders")
_ZERO_WIDTH_ESCAPES = frozenset("AbBGKzZ0123456789kg")
_OPTIONAL = ("?", "*", "{0", "{,")


def check_amplifying(data: Mapping[str, Any]) -> None:
    """Check the components of a tokenizer, whose types are known to be right.

    Raises:
        InvalidFormat: A template repeats the text, or names a segment that does not exist.
        TooLarge: A component has too many steps, or could make too much of a text.
    """
    steps = {
        name: _steps(name, data.get(name))
        for name in ("normalizer", "pre_tokenizer", "post_processor", "decoder")
    }
    growth = _growth(steps["normalizer"]) * _spelling(steps["pre_tokenizer"])
    _check_growth("normalizer", growth)
    _check_growth("decoder", _growth(steps["decoder"]))
    _check_template(steps["post_processor"])


def _steps(name: str, part: Any) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for step in _walk(part):
        found.append(step)
        if len(found) > MAX_STEPS:
            raise TooLarge(f"The {name} has over {MAX_STEPS} steps.")
    return found


def _walk(part: Any) -> Iterator[Mapping[str, Any]]:
    if part is None:
        return
    inner = [step for key in _INNER for step in part.get(key, ())]
    if not inner:
        yield part
    for step in inner:
        yield from _walk(step)


def _check_growth(name: str, growth: int) -> None:
    if growth > MAX_GROWTH:
        raise TooLarge(
            f"The {name} could make over {MAX_GROWTH} characters of one.",
            hint="Its steps multiply each other: replacements of replacements, bytes of bytes.",
        )


def _spelling(steps: list[Mapping[str, Any]]) -> int:
    count = sum(step["type"] == "ByteLevel" for step in steps)
    return int(min(_BYTES_OF_CHARACTER**count, MAX_GROWTH + 1))


def _growth(steps: list[Mapping[str, Any]]) -> int:
    """Bound the characters that one character becomes, from the last step back to the first."""
    known: dict[str, int] = {}  # characters that become more than others
    others = 1
    for step in reversed(steps):
        if step["type"] != "Replace":
            # What stands here may come of any character: of a capital, of half an accent.
            known, others = {}, _alone(step) * max([others, *known.values()])
        else:
            known, others = _before(step, known, others)
        if max([others, *known.values()]) > MAX_GROWTH:
            return MAX_GROWTH + 1
    return max([others, *known.values()])


def _alone(step: Mapping[str, Any]) -> int:
    if step["type"] == "ByteLevel":
        return _BYTES_OF_CHARACTER
    if step["type"] == "Precompiled":
        return max(1, check_encoded(step.get("precompiled_charsmap")))
    return 1


def _before(
    step: Mapping[str, Any], known: dict[str, int], others: int
) -> tuple[dict[str, int], int]:
    """Go back over one replacement."""
    content = step.get("content")
    made = sum(known.get(char, others) for char in content) if isinstance(content, str) else 0
    pattern = step.get("pattern")
    plain = pattern.get("String") if isinstance(pattern, Mapping) else None
    if isinstance(plain, str) and plain:
        share = -(-made // len(plain))
        changed = {char: max(known.get(char, others), share) for char in plain}
        return {**known, **changed}, others
    regex = pattern.get("Regex") if isinstance(pattern, Mapping) else None
    between = 0 if isinstance(regex, str) and consumes(regex) else made
    return (
        {char: max(size, made) + between for char, size in known.items()},
        max(others, made) + between,
    )


def consumes(pattern: str) -> bool:
    """Tell whether each match of a pattern surely takes a character; in doubt, no."""
    found, sure, index = True, False, 0
    while index < len(pattern):
        char = pattern[index]
        if char == "|":
            found, sure, index = found and sure, False, index + 1
            continue
        end = pattern.find("}", index) + 1 if char == "{" else 0
        end = end or _end_of_atom(pattern, index)
        takes = char not in "()^$?*+{" and not (
            char == "\\" and pattern[index + 1 : index + 2] in _ZERO_WIDTH_ESCAPES
        )
        sure = sure or (takes and not pattern.startswith(_OPTIONAL, end))
        index = end
    return found and sure


def _end_of_atom(pattern: str, start: int) -> int:
    """Return where the character, class or group that begins at a place ends."""
    opened, end = {"[": 0, "(": 0}, start
    while end < len(pattern):
        char = pattern[end]
        if char == "\\":
            end = _end_of_escape(pattern, end)
        else:
            if opened["["]:
                opened["["] += (char == "[") - (char == "]")
            elif char in opened:
                opened[char] += 1
            elif char == ")":
                opened["("] -= 1
            end += 1
        if opened["["] <= 0 and opened["("] <= 0:
            return end
    return end


def _end_of_escape(pattern: str, start: int) -> int:
    if pattern[start + 1 : start + 3] in {"p{", "P{", "x{", "k{", "g{"}:
        close = pattern.find("}", start)
        return len(pattern) if close < 0 else close + 1
    return start + 2


def _check_template(steps: list[Mapping[str, Any]]) -> None:
    inserted = 0
    for step in steps:
        if step["type"] != "TemplateProcessing":
            continue
        sizes = _sizes(step.get("special_tokens"))
        inserted += max(_inserted(step, key, sizes) for key in ("single", "pair"))
        if inserted > MAX_INSERTED:
            raise TooLarge(f"The template inserts over {MAX_INSERTED} tokens.")


def _sizes(tokens: Any) -> dict[str, int]:
    if not isinstance(tokens, Mapping):
        return {}
    lists = ((name, entry.get("ids")) for name, entry in tokens.items() if _is_object(entry))
    return {name: len(ids) for name, ids in lists if isinstance(ids, list)}


def _inserted(step: Mapping[str, Any], key: str, sizes: Mapping[str, int]) -> int:
    """Count the tokens that a template inserts, and check what it names."""
    pieces = step.get(key)
    listed = pieces if isinstance(pieces, list) else ()
    parts = list(chain.from_iterable(piece.items() for piece in listed if _is_object(piece)))
    if sum(kind == "Sequence" for kind, _ in parts) > MAX_COPIES:
        raise InvalidFormat(f"The template repeats the text over {MAX_COPIES} times.")
    return sum(_piece(kind, part, key, sizes) for kind, part in parts if _is_object(part))


def _piece(kind: str, part: Mapping[str, Any], key: str, sizes: Mapping[str, int]) -> int:
    name, type_id = part.get("id"), part.get("type_id", 0)
    if type(type_id) is int and type_id > MAX_TYPE_ID:
        raise InvalidFormat(f"The template names segment {type_id}; they end at {MAX_TYPE_ID}.")
    if kind == "Sequence":
        if name == "B" and key == "single":
            raise InvalidFormat("The template for one text names the second text of a pair.")
        return 0
    if not isinstance(name, str) or name not in sizes:
        raise InvalidFormat(f"The template inserts {name!r:.80}, which special_tokens lacks.")
    return sizes[name]


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping)
