"""SentencePiece's compiled normalization: the size of its trie, the trie, then texts.

A reader that believes the size fills the memory, so it is compared with what is there.
"""

from base64 import b64decode
from typing import Any

from reprise.base.errors import InvalidFormat

_WORD = 4  # bytes of a number
_MAX_TEXT = 1024  # bytes that one match becomes; NFKC's longest has 33


def check_charsmap(data: bytes) -> int:
    """Check a compiled normalization; return the bytes of the longest text it inserts.

    Raises:
        InvalidFormat: Its trie is longer than the file, or a text is absurdly long.
    """
    size = int.from_bytes(data[:_WORD], "little")
    if len(data) < _WORD or size % _WORD or not 0 < size <= len(data) - _WORD:
        raise InvalidFormat(f"the normalization claims a trie of {size} of its {len(data)} bytes")
    longest = max(map(len, data[_WORD + size :].split(b"\0")))
    if longest > _MAX_TEXT:
        raise InvalidFormat(f"the normalization inserts a text of {longest} bytes")
    return longest


def check_encoded(text: Any) -> int:
    """Check a compiled normalization in base64, as tokenizer.json holds it.

    Raises:
        InvalidFormat: It is no base64, or see `check_charsmap`.
    """
    try:
        return check_charsmap(b64decode(text, validate=True))
    except (TypeError, ValueError):
        raise InvalidFormat("The charsmap of Precompiled is not base64.") from None
    except InvalidFormat as error:
        raise InvalidFormat(f"The charsmap of Precompiled is broken: {error.message}.") from None
