"""What tasks read: texts, mappings, images and sound, out of the client's body."""

import base64
import binascii
import io
from collections.abc import Mapping
from typing import Any

from reprise.base.errors import InvalidField, InvalidInput, TooLarge
from reprise.base.optional import require
from reprise.tasks.sound_files import read_sound
from reprise.worker.inside.fields import MOST_TEXTS, Fields, kind_of

# Formats that Pillow reads by itself: others start foreign programs, or are never sent.
_IMAGES = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
_LONGEST = 60 * 60 * 48_000  # samples: an hour of sound


def texts(body: Fields) -> tuple[list[Any], bool]:
    """Read `inputs` as a text or a list of texts; tells whether it was one."""
    found = body.texts("inputs")
    if found is None:
        raise body.wrong("inputs", "a text or a list of texts")
    return found, isinstance(body.raw("inputs"), str)


def mappings(body: Fields, *names: str) -> tuple[list[Any], bool]:
    """Read `inputs` as an object with these fields, or a list of such objects."""
    value = body.raw("inputs")
    many = value if isinstance(value, list) else [value]
    if not many or len(many) > MOST_TEXTS:
        raise body.wrong("inputs", f"an object with {' and '.join(names)}, or a list of them")
    found = []
    for number, one in enumerate(many):
        where = f"inputs.{number}" if many is value else "inputs"
        if not isinstance(one, Mapping):
            raise InvalidField(f"{where} must be an object with {' and '.join(names)}, not "
                               f"{kind_of(one)}.", field=where)  # fmt: skip
        found.append({name: _present(one, name, where) for name in names})
    return found, many is not value


def _present(one: Mapping[str, Any], name: str, where: str) -> Any:
    if one.get(name) is None:
        raise InvalidField(f"{where}.{name} is missing.", field=f"{where}.{name}")
    return one[name]


def binary(body: Fields) -> bytes:
    """Read bytes: the body itself, or `inputs` in base64, with or without a `data:` prefix."""
    name = "inputs_base64" if "inputs_base64" in body else "inputs"
    text = body.raw(name)
    if not isinstance(text, str):
        raise InvalidField(f"inputs must be a file: as the body itself, or in base64; it is "
                           f"{kind_of(text)}.", field="inputs")  # fmt: skip
    if text.startswith("data:"):
        text = text.partition(",")[2]
    elif text.startswith(("http://", "https://")):
        raise InvalidField("inputs must be a file: nothing is fetched from addresses.",
                           field="inputs")  # fmt: skip
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidField("inputs is no file in base64.", field="inputs") from None
    if not found:
        raise InvalidField("inputs is empty.", field="inputs")
    return found


def image(body: Fields) -> Any:
    """Read an image; gives Pillow's, which the pipeline decodes and checks."""
    pillow = require("PIL.Image", extra="vision")
    try:
        found = pillow.open(io.BytesIO(binary(body)), formats=_IMAGES)
    except pillow.DecompressionBombError as error:
        raise TooLarge(f"inputs: {error}") from None
    except (OSError, ValueError, SyntaxError, EOFError):
        raise InvalidField(f"inputs is no image of {', '.join(_IMAGES)}.",
                           field="inputs") from None  # fmt: skip
    if found.mode == "F":
        raise InvalidField("inputs has fractions as pixels, which may be no numbers; send 8 bits "
                           "a channel.", field="inputs")  # fmt: skip
    return found


def sound(body: Fields) -> dict[str, Any]:
    """Read a file of sound; gives its samples from -1 to 1, and how many there are in a second."""
    try:
        samples, rate = read_sound(io.BytesIO(binary(body)), longest=_LONGEST, what="inputs")
    except InvalidInput as error:
        raise InvalidField(error.message, field="inputs", hint=error.hint) from None
    return {"array": samples, "sampling_rate": rate}
