"""Sound to log-mel features, as Whisper's models were trained on."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from reprise.base.errors import InvalidFormat, InvalidInput, NotFound, TooLarge
from reprise.tasks.rows import Array
from reprise.tasks.sound_files import at_rate, read_sound

_MAX_BYTES = 1 << 29
_LOWEST = 1e-10
_AT_ONCE = 3000  # frames
_RANGE = 8.0  # powers of ten below the loudest that are told apart


@dataclass(frozen=True)
class Hearing:
    """How sound becomes features; Whisper's numbers unless a file says otherwise."""

    mels: int = 80
    rate: int = 16_000  # samples per second
    window: int = 400  # samples
    hop: int = 160  # samples
    seconds: int = 30

    @property
    def samples(self) -> int:
        """Samples of one input; shorter sound is followed by silence."""
        return self.seconds * self.rate

    @property
    def frames(self) -> int:
        """Frames of one input."""
        return self.samples // self.hop

    def features(self, sound: Array) -> Array:
        """Make features [mels, frames] of samples from -1 to 1; short sound ends in silence."""
        silence = max(0, self.samples - len(sound))
        padded = np.pad(sound.astype(np.float32), (0, silence))
        padded = np.pad(padded, self.window // 2, mode="reflect")
        frames = np.lib.stride_tricks.sliding_window_view(padded, self.window)[:: self.hop][:-1]
        heard = np.empty((self.mels, len(frames)), np.float32)
        filters, hann = self.filters(), _hann(self.window)
        for start in range(0, len(frames), _AT_ONCE):  # an hour at once would take gigabytes
            part = frames[start : start + _AT_ONCE].astype(np.float64) * hann
            power = np.abs(np.fft.rfft(part)) ** 2
            heard[:, start : start + len(part)] = np.log10(np.maximum(power @ filters, _LOWEST)).T
        heard = np.maximum(heard, heard.max() - _RANGE)
        return np.asarray((heard + 4.0) / 4.0, np.float32)

    def filters(self) -> Array:
        """Triangles [frequencies, mels] of equal area on Slaney's mel scale."""
        frequencies = np.linspace(0, self.rate / 2, self.window // 2 + 1)
        edges = _hertz(np.linspace(_mel(0.0), _mel(self.rate / 2), self.mels + 2))
        slopes = edges[None, :] - frequencies[:, None]
        widths = np.diff(edges)
        down, up = -slopes[:, :-2] / widths[:-1], slopes[:, 2:] / widths[1:]
        triangles = np.maximum(0.0, np.minimum(down, up))
        return np.asarray(triangles * (2.0 / (edges[2:] - edges[:-2])))


def read_hearing(settings: Mapping[str, Any] | None) -> Hearing:
    """Read `preprocessor_config.json` of a model of sound.

    Raises:
        InvalidFormat: Something in it cannot be.
    """
    told = settings or {}
    names = {"mels": "feature_size", "rate": "sampling_rate", "window": "n_fft",
             "hop": "hop_length", "seconds": "chunk_length"}  # fmt: skip
    given = {name: told[key] for name, key in names.items() if key in told}
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= 192_000:  # noqa: PLR2004 - samples per second
            raise InvalidFormat(f"preprocessor_config.json has {names[name]} {value!r:.50}.")
    return Hearing(**given)


def open_sound(given: Any, rate: int) -> Array:
    """Read sound, and give it at the rate that a model takes.

    Args:
        given: The path of a file, or its bytes; samples [N] from -1 to 1 at `rate`; or
            `{"array" or "raw", "sampling_rate"}`.
        rate: Samples per second that the model takes.

    Raises:
        InvalidInput: It is no sound.
        NotFound: There is no such file.
        TooLarge: It is too long.
        MissingExtra: Its format, or another rate, needs the extra `sound`.
    """
    found = rate
    if isinstance(given, Mapping):
        found = given.get("sampling_rate", rate)
        given = given.get("raw", given.get("array"))
    if isinstance(given, str | PathLike):
        given, found = _of_file(Path(given))
    elif isinstance(given, bytes | bytearray | memoryview):
        given, found = read_sound(io.BytesIO(given), what="What is given")
    if not isinstance(given, np.ndarray) or given.dtype.kind != "f" or given.ndim != 1:
        raise InvalidInput("Sound is the path of a file, its bytes, or an array [N] of samples "
                           "from -1 to 1.")  # fmt: skip
    if not given.size or not np.isfinite(given).all():
        raise InvalidInput("The sound is empty, or holds numbers that are not finite.")
    return at_rate(given.astype(np.float32), found, rate)


def _of_file(path: Path) -> tuple[Array, int]:
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    if path.stat().st_size > _MAX_BYTES:
        raise TooLarge(f"{path} is larger than {_MAX_BYTES >> 20} MiB.")
    with path.open("rb") as file:
        return read_sound(file, what=str(path))


def _hann(width: int) -> Array:
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(width) / width))


def _mel(hertz: float) -> float:
    """Slaney's scale: even up to 1,000 Hz, by ratios above."""
    return hertz * 3 / 200 if hertz < 1000 else 15 + float(np.log(hertz / 1000)) * 27 / np.log(6.4)  # noqa: PLR2004


def _hertz(mels: Array) -> Array:
    return np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * np.log(6.4) / 27))  # noqa: PLR2004
