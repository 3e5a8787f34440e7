"""Files of sound: plain wav by the standard library, every other format and rate by libsndfile.

FLAC, Ogg, Opus, MP3, AIFF and wav of 24 bits or of fractions need the extra `sound`; so does sound
at another rate than a model takes.
"""

import wave
from typing import Any, BinaryIO

import numpy as np

from reprise.base.errors import InvalidInput, TooLarge
from reprise.base.optional import require
from reprise.tasks.rows import Array

LONGEST = 1 << 28  # samples: 4.6 hours at 16,000 a second
FASTEST = 768_000  # samples a second
_BLOCK = 1 << 16  # samples read at once
_WIDTHS: dict[int, tuple[str, float, float]] = {  # bytes of a sample: its kind, zero and largest
    1: ("u1", 128.0, 2.0**7), 2: ("<i2", 0.0, 2.0**15), 4: ("<i4", 0.0, 2.0**31),
}  # fmt: skip


def read_sound(file: BinaryIO, *, longest: int = LONGEST, what: str = "This") -> tuple[Array, int]:
    """Read sound; several channels become their mean.

    Args:
        file: At its beginning.
        longest: Most samples of a channel.
        what: What errors call it.

    Returns:
        Samples [N] from -1 to 1, and how many there are in a second.

    Raises:
        InvalidInput: It is no sound, or holds none.
        TooLarge: It is longer than that.
        MissingExtra: Its format needs libsndfile.
    """
    found = _plain_wav(file, longest, what) or _decoded(file, longest, what)
    if not found[0].size:
        raise InvalidInput(f"{what} holds no sound.")
    return found


def at_rate(samples: Array, found: int, wanted: int) -> Array:
    """Give samples [N] at another rate.

    Raises:
        InvalidInput: The rate cannot be.
        MissingExtra: The rates differ, and what resamples is not installed.
    """
    if isinstance(found, bool) or not isinstance(found, int) or not 0 < found <= FASTEST:
        raise InvalidInput(f"{found!r:.50} is no number of samples a second.")
    if found == wanted:
        return samples
    return np.asarray(require("soxr", extra="sound").resample(samples, found, wanted))


def _plain_wav(file: BinaryIO, longest: int, what: str) -> tuple[Array, int] | None:
    """Read whole numbers of 8, 16 or 32 bits; None: it is something else."""
    try:
        with wave.open(file) as opened:
            channels, width, rate, frames, *_ = opened.getparams()
            _check_length(frames, longest, what)
            data = opened.readframes(frames) if width in _WIDTHS else b""
    except (wave.Error, EOFError, OSError):
        width = 0
    if width not in _WIDTHS:
        file.seek(0)
        return None
    kind, zero, largest = _WIDTHS[width]
    whole = len(data) // (width * channels) * width * channels
    samples = np.frombuffer(data[:whole], kind).astype(np.float32).reshape(-1, channels)
    samples = (samples - np.float32(zero)) / np.float32(largest)
    return samples.mean(axis=1, dtype=np.float32), rate


def _decoded(file: BinaryIO, longest: int, what: str) -> tuple[Array, int]:
    soundfile: Any = require("soundfile", extra="sound")
    try:
        with soundfile.SoundFile(file) as opened:
            _check_length(opened.frames, longest, what)
            parts, length = [], 0
            for block in opened.blocks(_BLOCK, dtype="float32", always_2d=True):
                length += len(block)
                _check_length(length, longest, what)  # what a file claims may be less than it holds
                parts.append(block.mean(axis=1))
            rate = opened.samplerate
    except (soundfile.SoundFileError, TypeError, ValueError) as error:
        raise InvalidInput(
            f"{what} is no sound that can be read: {error}",
            hint="Convert it first: ffmpeg -i sound -ar 16000 sound.wav",
        ) from None
    return np.concatenate(parts) if parts else np.zeros(0, np.float32), rate


def _check_length(samples: int, longest: int, what: str) -> None:
    if samples > longest:
        raise TooLarge(f"{what} is longer than {longest:,} samples.",
                       hint="Cut it into pieces.")  # fmt: skip
