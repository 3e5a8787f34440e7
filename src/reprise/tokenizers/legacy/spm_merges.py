"""The merges that a BPE model of SentencePiece leaves to its reader."""

from collections.abc import Sequence

from reprise.base.errors import TooLarge
from reprise.tokenizers.checking import MAX_VOCAB
from reprise.tokenizers.legacy.sentencepiece import Kind, Piece

_JOINABLE = frozenset({Kind.NORMAL, Kind.USER_DEFINED, Kind.UNUSED})


def merges_of(pieces: Sequence[Piece]) -> list[list[str]]:
    """Return every way to make a piece of two others, the piece of the highest score first.

    Among the ways to make one piece, the shorter left part comes first, as in SentencePiece no
    order is needed: whichever merge applies first leads to the same piece.
    """
    ranks = {piece.text: number for number, piece in enumerate(pieces) if piece.kind in _JOINABLE}
    found: list[tuple[float, int, str, str]] = []
    for piece in pieces:
        text = piece.text
        if piece.kind not in {Kind.NORMAL, Kind.USER_DEFINED} or len(text) == 1:
            continue
        for cut in range(1, len(text)):
            left, right = text[:cut], text[cut:]
            if left in ranks and right in ranks:
                found.append((-piece.score, -cut, left, right))
        if len(found) > MAX_VOCAB:
            raise TooLarge(f"The SentencePiece model allows over {MAX_VOCAB} merges.")
    found.sort(key=lambda merge: (merge[0], merge[1]))
    return [[left, right] for _, _, left, right in found]
