"""Signatures: all that decides a number, in one line, in the spirit of sacrebleu.

    squad2@1.0|n:11873|value:f1|norm:en|agg:max|missing:0|na:text|…|unit:percent|…|def:3f2a9c1e

Two numbers may be compared when their signatures say the same about everything but the version
of the code that computed them and how the interval was made.
"""

from dataclasses import dataclass

from reprise.base.errors import InvalidFormat

# What may differ between comparable numbers: code that the test vectors hold to one behaviour,
# and the draws behind the interval.
_CODE = ("def", "up.version")
_INTERVAL = ("bs", "seed")
_MAX = 4096  # characters


@dataclass(frozen=True)
class Comparison:
    """Whether two numbers may be compared; true in a condition when they may.

    Attributes:
        differences: What forbids it: "norm: en or none".
        notes: What differs without forbidding it.
    """

    differences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not self.differences

    def __str__(self) -> str:
        if not self.differences:
            return "comparable"
        return f"not comparable: {'; '.join(self.differences)}"


def parse(signature: str) -> dict[str, str]:
    """Read a signature into its fields; `id` and `version` come first, keys after `up` are `up.…`.

    Raises:
        InvalidFormat: It is none.
    """
    if not isinstance(signature, str) or not signature or len(signature) > _MAX:
        raise InvalidFormat("A signature is a text such as squad2@1.0|n:11873|…|def:3f2a9c1e.")
    head, *rest = signature.split("|")
    identity, at, version = head.rpartition("@")
    if not at or not identity or not version:
        raise InvalidFormat(f"{head[:80]!r} does not start a signature: write id@version.")
    fields = {"id": identity, "version": version}
    prefix = ""
    for part in rest:
        key, colon, value = part.partition(":")
        if not colon or not key or prefix + key in fields:
            raise InvalidFormat(f"{part[:80]!r} in a signature is no key:value, or comes twice.")
        fields[prefix + key] = value
        prefix = "up." if key == "up" else prefix
    return fields


def comparable(first: str, second: str) -> Comparison:
    """Tell whether two numbers with these signatures may be compared, and why not.

    Args:
        first: A signature, as in `Score.signature`.
        second: Another one.

    Raises:
        InvalidFormat: One of them is no signature.

    Example:
        >>> str(comparable("f1@1.0|n:10|average:macro", "f1@1.0|n:10|average:micro"))
        'not comparable: average: macro or micro'
    """
    left, right = parse(first), parse(second)
    differences, notes = [], []
    for key in dict.fromkeys([*left, *right]):
        a, b = left.get(key, "absent"), right.get(key, "absent")
        if a == b:
            continue
        if key in (*_CODE, *_INTERVAL) or (key == "version" and _major(a) == _major(b)):
            notes.append(f"{key}: {a} or {b}")
        else:
            differences.append(f"{key}: {a} or {b}")
    return Comparison(tuple(differences), tuple(notes))


def board_key(signature: str) -> str:
    """Return the same text for two signatures exactly when their numbers may be compared.

    Raises:
        InvalidFormat: It is no signature.

    Example:
        >>> board_key("f1@1.2|n:10|average:macro|seed:1|def:00ff00ff")
        'f1@1|average:macro|n:10'
    """
    fields = parse(signature)
    name = f"{fields.pop('id')}@{_major(fields.pop('version'))}"
    kept = sorted(key for key in fields if key not in (*_CODE, *_INTERVAL))
    return "|".join([name, *(f"{key}:{fields[key]}" for key in kept)])


def _major(version: str) -> str:
    return version.partition(".")[0]
