"""SentencePiece models: pieces with scores, and how the text is normalized before.

Source: sentencepiece_model.proto of the SentencePiece project; only what decides ids is read.
"""

from dataclasses import dataclass
from enum import IntEnum
from math import isfinite
from struct import Struct

from reprise.base.errors import InvalidFormat, TooLarge
from reprise.tokenizers.charsmap import check_charsmap
from reprise.tokenizers.checking import MAX_VOCAB
from reprise.tokenizers.legacy.protobuf import bytes_of, fields, float_of, int_of, text_of

MAX_FILE = 64 << 20  # bytes; the largest models in use have five million
UNIGRAM, BPE = 1, 2
# Numbers of fields: of the model, of a piece, of trainer_spec, of normalizer_spec.
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_TEXT, _SCORE, _TYPE = 1, 2, 3
_MODEL_TYPE, _BYTE_FALLBACK, _UNK_ID = 3, 35, 40
_CHARSMAP, _DUMMY_PREFIX, _TRIMS = 2, 3, 4
_TEXT_KEY, _SCORE_KEY = 0x0A, 0x15  # fields 1 and 2 of a piece, with their wire types
_AROUND_TEXT = 7  # bytes: key and length of the text, key and value of the score
_FLOAT = Struct("<f")
_MAX_PIECE = 4096  # characters


class Kind(IntEnum):
    """What a piece is for."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True)
class Piece:
    """A piece of text, its score (a log probability, or minus its rank) and its kind."""

    text: str
    score: float = 0.0
    kind: int = Kind.NORMAL


@dataclass(frozen=True)
class SentencePiece:
    """A model.

    Attributes:
        pieces: In the order of their ids.
        algorithm: `UNIGRAM` or `BPE`.
        byte_fallback: Whether unknown characters become bytes.
        unk_id: Id of the unknown piece.
        charsmap: The normalization, compiled, as the file holds it; may be empty.
        dummy_prefix: Whether a space is put in front of the text.
        trims: Whether spaces around the text go, and runs of them become one.
    """

    pieces: tuple[Piece, ...]
    algorithm: int = UNIGRAM
    byte_fallback: bool = False
    unk_id: int = 0
    charsmap: bytes = b""
    dummy_prefix: bool = True
    trims: bool = True


def read(data: bytes, name: str) -> SentencePiece:
    """Read a `.model` file.

    Raises:
        InvalidFormat: It is no SentencePiece model; the message says at what it fails.
        TooLarge: It is over `MAX_FILE` bytes or has over `MAX_VOCAB` pieces.
    """
    if len(data) > MAX_FILE:
        raise TooLarge(f"{name} has {len(data)} bytes; at most {MAX_FILE} are read.")
    try:
        found = _model(memoryview(data))
    except InvalidFormat as error:
        raise InvalidFormat(f"{name} is no SentencePiece model: {error.message}.") from None
    if not found.pieces:
        raise InvalidFormat(f"{name} is no SentencePiece model: it has no pieces.")
    if found.algorithm not in {UNIGRAM, BPE}:
        raise InvalidFormat(
            f"{name} is a SentencePiece model of type {found.algorithm}; unigram (1) and BPE (2) "
            "can be used."
        )
    if not 0 <= found.unk_id < len(found.pieces):
        raise InvalidFormat(f"{name}: the unknown piece has id {found.unk_id}, which is no piece.")
    return found


def _model(data: memoryview) -> SentencePiece:
    pieces: list[Piece] = []
    known: dict[str, int | bool | bytes] = {}
    for number, value in fields(data):
        if number == _PIECES:
            if len(pieces) == MAX_VOCAB:
                raise TooLarge(f"The model has over {MAX_VOCAB} pieces.")
            pieces.append(_piece(bytes_of(value)))
        elif number == _TRAINER:
            known |= _trainer(bytes_of(value))
        elif number == _NORMALIZER:
            known |= _normalizer(bytes_of(value))
    return SentencePiece(tuple(pieces), **known)  # type: ignore[arg-type]  # by field, below


def _piece(data: memoryview) -> Piece:
    text, score, kind = "", 0.0, int(Kind.NORMAL)
    common = _common_piece(data)
    if common is not None:
        return common
    for number, value in fields(data):
        if number == _TEXT:
            text = text_of(value)
        elif number == _SCORE:
            score = float_of(value)
        elif number == _TYPE:
            kind = int_of(value)
    if not text or len(text) > _MAX_PIECE:
        raise InvalidFormat(f"a piece has {len(text)} characters")
    if not isfinite(score):
        raise InvalidFormat(f"piece {text!r:.40} has the score {score}")
    return Piece(text, score, kind)


def _common_piece(data: memoryview) -> Piece | None:
    """Read a piece laid out as trainers write normal ones; None for any other. Ten times faster."""
    size = len(data) - _AROUND_TEXT
    if not 0 < size < 0x80 or data[0] != _TEXT_KEY or data[1] != size:  # noqa: PLR2004 - one byte
        return None
    if data[size + 2] != _SCORE_KEY:
        return None
    score: float = _FLOAT.unpack_from(data, size + 3)[0]
    if not isfinite(score):
        return None
    try:
        return Piece(str(data[2 : size + 2], "utf-8"), score)
    except UnicodeDecodeError:
        return None


def _trainer(data: memoryview) -> dict[str, int | bool | bytes]:
    found: dict[str, int | bool | bytes] = {}
    for number, value in fields(data):
        if number == _MODEL_TYPE:
            found["algorithm"] = int_of(value)
        elif number == _BYTE_FALLBACK:
            found["byte_fallback"] = bool(int_of(value))
        elif number == _UNK_ID:
            found["unk_id"] = int_of(value)
    return found


def _normalizer(data: memoryview) -> dict[str, int | bool | bytes]:
    found: dict[str, int | bool | bytes] = {}
    for number, value in fields(data):
        if number == _CHARSMAP:
            found["charsmap"] = _charsmap(bytes(bytes_of(value)))
        elif number == _DUMMY_PREFIX:
            found["dummy_prefix"] = bool(int_of(value))
        elif number == _TRIMS:
            found["trims"] = bool(int_of(value))
    return found


def _charsmap(data: bytes) -> bytes:
    if data:
        check_charsmap(data)
    return data
