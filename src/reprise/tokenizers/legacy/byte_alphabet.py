"""Bytes as printable characters, the way GPT-2's files write them."""

from functools import cache


@cache
def alphabet() -> dict[int, str]:
    """Return the character of each byte: itself if it prints, else one from 256 on."""
    printed = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in set(printed)]
    shown = {byte: chr(byte) for byte in printed}
    return {**shown, **{byte: chr(256 + number) for number, byte in enumerate(rest)}}


def as_text(data: bytes) -> str:
    """Return bytes as the characters that stand for them."""
    return data.decode("latin-1").translate(alphabet())
