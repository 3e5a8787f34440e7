"""CRC-32C (Castagnoli) at memory-like speed without a compiled part: whole arrays are folded.

A CRC is linear: a word of the message weighs the same as another word, found in a table, a fixed
distance later. So a row of words is folded onto its second half, again and again, to one word.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from reprise.models.weights.arrays import numpy_module

_POLYNOMIAL = 0x82F63B78  # reflected
_ONES = 0xFFFFFFFF
_WORD = 4  # bytes
_SMALL = 256  # bytes, below which a plain loop is faster
_CHUNK_LOG = 18  # 256 KiB at a time: stays in the processor's cache
_MASK_DELTA = 0xA282EAD8  # TensorFlow and LevelDB store checksums rotated and shifted by this


def crc32c(data: bytes | memoryview) -> int:
    """Return the CRC-32C of some bytes."""
    view = memoryview(data).cast("B")
    if len(view) < _SMALL:
        return _advance_bytes(_ONES, view) ^ _ONES
    size = len(view) & -_WORD
    return _advance_bytes(_folded(view[:size]), view[size:]) ^ _ONES


def masked(crc: int) -> int:
    """Mask a checksum the way it is stored beside the data it covers."""
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & _ONES


def _advance_bytes(state: int, view: memoryview) -> int:
    table = _byte_table()
    for byte in view:
        state = table[(state ^ byte) & 0xFF] ^ (state >> 8)
    return state


def _folded(view: memoryview) -> int:
    """Run the register over whole words, starting from all ones."""
    np = numpy_module()
    log = min(_CHUNK_LOG, (len(view) - 1).bit_length())
    chunk = 1 << log
    first = len(view) % chunk or chunk
    row = np.zeros(chunk // _WORD, "<u4")  # zeros in front change nothing
    row[-(first // _WORD) :] = np.frombuffer(view[:first], "<u4")
    row[-(first // _WORD)] ^= np.uint32(_ONES)
    for start in range(first, len(view), chunk):
        row = _moved(row, log)
        row ^= np.frombuffer(view[start : start + chunk], "<u4")
    while len(row) > 1:
        log -= 1
        half = len(row) // 2
        row = _moved(row[:half], log) ^ row[half:]
    return int(_moved(row, 2)[0])


def _moved(row: Any, log: int) -> Any:
    """Weigh words as words 2**log bytes later."""
    low, high = _tables(log)
    halves = row.view("<u2")
    found = low[halves[0::2]]
    found ^= high[halves[1::2]]
    return found


@cache
def _tables(log: int) -> tuple[Any, Any]:
    """Where a word goes in 2**log bytes, by its lower and its upper 16 bits."""
    np = numpy_module()
    table = np.zeros((2, 1 << 16), "<u4")
    for bit, value in enumerate(_matrix(log)):
        part, place = divmod(bit, 16)
        table[part, 1 << place : 2 << place] = table[part, : 1 << place] ^ np.uint32(value)
    return table[0], table[1]


@cache
def _matrix(log: int) -> tuple[int, ...]:
    """What becomes of each bit of the register after 2**log bytes of zeros."""
    if log == 0:
        table = _byte_table()
        return tuple(table[(1 << bit) & 0xFF] ^ ((1 << bit) >> 8) for bit in range(32))
    before = _matrix(log - 1)
    return tuple(_applied(before, value) for value in before)


def _applied(matrix: tuple[int, ...], value: int) -> int:
    result = 0
    for bit, column in enumerate(matrix):
        if value >> bit & 1:
            result ^= column
    return result


@cache
def _byte_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        state = byte
        for _ in range(8):
            state = (state >> 1) ^ (_POLYNOMIAL if state & 1 else 0)
        table.append(state)
    return tuple(table)
