"""Files of sound: the same samples whatever the format, at the rate that is asked for."""

import io
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from reprise.base.errors import InvalidInput, MissingExtra, TooLarge
from reprise.tasks.audio import open_sound
from reprise.tasks.sound_files import at_rate, read_sound

soundfile = pytest.importorskip("soundfile")
RATE = 16_000


def tone(rate: int = RATE, hertz: float = 440.0, seconds: float = 0.5) -> np.ndarray:
    """A tone of half strength, in steps of 16 bits."""
    samples = 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)
    return np.asarray(np.rint(samples * 2**15) / 2**15, np.float32)


def plain(samples: np.ndarray, rate: int = RATE, channels: int = 1) -> bytes:
    """A wav file of 16 bits, written by the standard library."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 2**15).astype("<i2").tobytes())
    return content.getvalue()


def written(samples: np.ndarray, form: str, subtype: str, rate: int = RATE) -> bytes:
    content = io.BytesIO()
    soundfile.write(content, samples, rate, format=form, subtype=subtype)
    return content.getvalue()


@pytest.mark.parametrize(("form", "subtype"), [
    ("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("WAV", "PCM_24"), ("WAV", "FLOAT"),
    ("WAVEX", "PCM_16"), ("AIFF", "PCM_16"), ("WAV", "PCM_32"),
])  # fmt: skip
def test_formats_without_loss_give_the_samples_of_plain_wav(form: str, subtype: str) -> None:
    wanted, _ = read_sound(io.BytesIO(plain(tone())))
    found, rate = read_sound(io.BytesIO(written(tone(), form, subtype)))
    assert rate == RATE
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(wanted, tone())


@pytest.mark.parametrize(("form", "subtype"), [("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")])
def test_formats_with_loss_sound_alike(form: str, subtype: str) -> None:
    found, rate = read_sound(io.BytesIO(written(tone(), form, subtype)))
    assert rate == RATE
    middle = slice(2000, 6000)
    spectrum = np.abs(np.fft.rfft(found[middle] * np.hanning(4000)))
    assert spectrum.argmax() * RATE / 4000 == pytest.approx(440, abs=4)


def test_channels_become_their_mean() -> None:
    both = np.stack((tone(), 0 * tone()), axis=1)
    for content in (plain(both, channels=2), written(both, "FLAC", "PCM_16")):
        np.testing.assert_array_equal(read_sound(io.BytesIO(content))[0], tone() / 2)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_another_rate_is_the_same_tone(rate: int, tmp_path: Path) -> None:
    (tmp_path / "tone.wav").write_bytes(plain(tone(rate), rate))
    found = open_sound(tmp_path / "tone.wav", RATE)
    assert abs(len(found) - RATE // 2) <= 1
    inside = slice(500, 7500)  # filters know nothing of what was before the beginning
    np.testing.assert_allclose(found[inside], tone()[inside], atol=2e-3)
    same = open_sound({"raw": tone(rate), "sampling_rate": rate}, RATE)
    np.testing.assert_allclose(same, found, atol=1e-6)


def test_bytes_are_a_file() -> None:
    np.testing.assert_array_equal(open_sound(plain(tone()), RATE), tone())
    np.testing.assert_array_equal(open_sound(written(tone(), "FLAC", "PCM_16"), RATE), tone())


BROKEN = {
    "nothing": b"", "text": b"no sound at all", "a head only": plain(tone())[:20],
    "a torn flac": written(tone(), "FLAC", "PCM_16")[:60],
    "a playlist": b"#EXTM3U\n/etc/passwd\n", "zeros": bytes(4096),
    "no samples": plain(np.zeros(0, np.float32)),
}  # fmt: skip


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_what_is_no_sound_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"What is given (is no sound|holds no sound)"):
        open_sound(content, RATE)


@pytest.mark.parametrize("form", ["WAV", "FLAC"])
def test_what_is_too_long_is_refused_before_it_is_read(form: str) -> None:
    content = written(np.zeros(100_000, np.float32), form, "PCM_16")
    with pytest.raises(TooLarge, match="longer than 99,999 samples"):
        read_sound(io.BytesIO(content), longest=99_999)


@pytest.mark.parametrize("rate", [0, -1, 16_000.5, True, "fast", 1 << 40])
def test_rates_that_cannot_be_are_refused(rate: object) -> None:
    with pytest.raises(InvalidInput, match="is no number of samples a second"):
        at_rate(tone(), rate, RATE)  # type: ignore[arg-type]


def test_without_the_extra_plain_wav_is_read_and_others_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    monkeypatch.setitem(sys.modules, "soxr", None)
    np.testing.assert_array_equal(open_sound(plain(tone()), RATE), tone())
    for given in (written(tone(), "FLAC", "PCM_16"), plain(tone(8_000), 8_000)):
        with pytest.raises(MissingExtra, match=r"pip install 'reprise\[sound\]'"):
            open_sound(given, RATE)
