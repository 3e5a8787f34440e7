"""Envelopes whose payload names the key that signed them.

Whoever meets a hub for the first time learns from them which key to remember. That the named key
signed is checked here; whether to trust it is for whoever asks.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from reprise.base.errors import CorruptContent, InvalidFormat
from reprise.formats import dsse
from reprise.formats.dsse import Envelope
from reprise.formats.reading import Reader


class Keyed(Protocol):
    """What such a payload says, among it the public key of 32 raw bytes."""

    @property
    def key(self) -> bytes:
        """The key that it names."""


T = TypeVar("T", bound=Keyed)


@dataclass(frozen=True)
class Kind:
    """One kind of envelope.

    Attributes:
        payload_type: Its media type.
        what: Its name in messages: "This head of a log".
        most: Bytes of the largest one, as JSON.
    """

    payload_type: str
    what: str
    most: int = 16 << 10


def contents(envelope: Envelope, kind: Kind) -> Reader:
    """Open the payload of an envelope, before anybody has looked at its signature.

    Raises:
        InvalidFormat: It is of another kind, or no JSON.
    """
    if envelope.payload_type != kind.payload_type:
        raise InvalidFormat(f"{kind.what} is of another type: {envelope.payload_type[:80]!r}.")
    try:
        return Reader(json.loads(envelope.payload), what=kind.what)
    except (ValueError, RecursionError) as error:
        raise InvalidFormat(f"{kind.what} is not JSON: {error}") from None


def unseal(data: bytes, kind: Kind, read: Callable[[Reader], T]) -> T:
    """Read an envelope and check that the key it names signed it.

    Args:
        data: The envelope as JSON.
        kind: What it should be.
        read: Reads the payload.

    Raises:
        InvalidFormat: It is none of this kind.
        CorruptContent: It was changed after it was signed.
        MissingExtra: `cryptography` is not installed.
    """
    if len(data) > kind.most:
        raise InvalidFormat(f"{kind.what} is larger than {kind.most >> 10} KiB.")
    envelope = dsse.decode(data)
    found = read(contents(envelope, kind))
    try:
        dsse.verify(envelope, [found.key])
    except CorruptContent:
        raise CorruptContent(
            f"{kind.what} is not signed by the key it names.",
            hint="Ask again; if it stays so, tell the hub's operator.",
        ) from None
    return found
