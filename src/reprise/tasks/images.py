"""Images to pixels, as `preprocessor_config.json` says: resize, crop, scale, normalise."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from reprise.base.errors import InvalidFormat, InvalidInput, NotFound, NotSupported, TooLarge
from reprise.base.optional import require
from reprise.tasks.rows import Array

MAX_PIXELS = 1 << 26  # of one image: 8192 x 8192
_MAX_SIDE = 4096  # of what a model is given
_LONGEST = 1333 / 800  # of the edges of an image, by the shortest (ViLT)
_BILINEAR, _BICUBIC = 2, 3  # Pillow's numbers, which files use
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CLIP = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
_HALF = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
# What processors do where the file does not say it: numbers, size, crop, and resampling.
_DEFAULTS: dict[str, tuple[Any, Any, Any, int]] = {
    "ViT": (_HALF, {"height": 224, "width": 224}, None, _BILINEAR),
    "CLIP": (_CLIP, {"shortest_edge": 224}, {"height": 224, "width": 224}, _BICUBIC),
    "Bit": (_CLIP, {"shortest_edge": 224}, {"height": 224, "width": 224}, _BICUBIC),
    "Vilt": (_HALF, {"shortest_edge": 384}, None, _BICUBIC),
    "DeiT": (_IMAGENET, {"height": 256, "width": 256}, {"height": 224, "width": 224}, _BICUBIC),
}


@dataclass(frozen=True)
class Preparation:
    """How an image becomes pixels.

    Attributes:
        size: Height and width, or the shortest edge alone; None: as it is.
        divisor: What sides are made multiples of; 0: they are as they come.
        crop: Height and width that are cut from the middle; None: nothing is cut.
        resample: Number of Pillow's filter.
        scale: What pixels from 0 to 255 are multiplied by.
        mean, std: Of each channel; None: not normalised.
    """

    size: tuple[int, ...] | None
    crop: tuple[int, ...] | None
    resample: int
    scale: float
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    divisor: int = 0

    def pixels(self, image: Any) -> Array:
        """Give the pixels [channels, height, width] of an image of Pillow."""
        if self.size is not None:
            resized = partial(_divided, divisor=self.divisor) if self.divisor else _resized
            width, height = resized(image.size, self.size)
            image = image.resize((width, height), self.resample)
        found = np.asarray(image)
        if self.crop is not None:
            found = _cropped(found, self.crop[0], self.crop[-1])
        found = found.astype(np.float32) * np.float32(self.scale)
        if self.mean is not None and self.std is not None:
            found = (found - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(found.transpose(2, 0, 1), np.float32)


def read_preparation(settings: Mapping[str, Any] | None) -> Preparation:
    """Read `preprocessor_config.json`.

    Raises:
        InvalidInput: There is none.
        InvalidFormat: Something in it cannot be.
    """
    if not settings:
        raise InvalidInput("This model has no preprocessor_config.json, so nobody knows how its "
                           "images are prepared.")  # fmt: skip
    named = str(settings.get("image_processor_type") or settings.get("feature_extractor_type"))
    kind = next((kind for kind in _DEFAULTS if named.startswith(kind)), "ViT")
    numbers, size, crop, resample = _DEFAULTS[kind]
    cuts = settings.get("do_center_crop", crop is not None)
    normalises = settings.get("do_normalize", True)
    size = settings.get("size") or size
    if isinstance(size, int) and kind in {"CLIP", "Bit"}:
        size = {"shortest_edge": size}  # what a single number means differs between processors
    factor = settings.get("rescale_factor", 1 / 255) if settings.get("do_rescale", True) else 1.0
    chosen = settings.get("resample")
    return Preparation(
        _sides(size) if settings.get("do_resize", True) else None,
        _sides(settings.get("crop_size") or crop or size) if cuts else None,
        resample if chosen is None else _filter(chosen),
        _number("rescale_factor", factor),
        _channels("image_mean", settings.get("image_mean") or numbers[0]) if normalises else None,
        _channels("image_std", settings.get("image_std") or numbers[1]) if normalises else None,
        _divisor(settings.get("size_divisor", 32)) if kind == "Vilt" else 0,
    )


def open_image(given: Any) -> Any:
    """Read an image: a path, an image of Pillow, or an array [height, width, 3].

    Arrays are uint8, or fractions from 0 to 1. Rotation that a photograph states is applied.

    Raises:
        InvalidInput: It is no image.
        NotFound: There is no such file.
        TooLarge: It has too many pixels.
    """
    pillow = require("PIL.Image", extra="vision")
    if isinstance(given, np.ndarray):
        return pillow.fromarray(_checked(given)).convert("RGB")
    if isinstance(given, str | PathLike):
        given = _opened(given, pillow)
    if not isinstance(given, pillow.Image):
        raise InvalidInput(f"An image is a path, an image of Pillow or an array, not "
                           f"{type(given).__name__}.")  # fmt: skip
    if given.width * given.height > MAX_PIXELS:
        raise TooLarge(f"The image has {given.width} x {given.height} pixels; one may have "
                       f"{MAX_PIXELS:,}.")  # fmt: skip
    turned = require("PIL.ImageOps", extra="vision").exif_transpose
    try:
        given = turned(given)
        if given.mode.startswith(("I", "F")):  # Pillow would cut them off at 255
            return pillow.fromarray(_checked(_narrowed(np.asarray(given)))).convert("RGB")
        return given.convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise InvalidInput(f"The image is damaged: {error}.") from None


def _opened(given: Any, pillow: Any) -> Any:
    if str(given).startswith(("http://", "https://", "data:")):
        raise NotSupported("Images are not fetched from addresses.",
                           hint="Download the file first, and pass its path.")  # fmt: skip
    path = Path(given)
    try:
        if not path.is_file():
            raise NotFound(f"There is no image {str(given)!r:.300}.")
        return pillow.open(path)
    except pillow.DecompressionBombError as error:
        raise TooLarge(f"{given}: {error}") from None
    except (OSError, ValueError, SyntaxError):
        raise InvalidInput(f"{str(given)!r:.300} is no image that Pillow can read.") from None


def _narrowed(array: Array) -> Array:
    """Bring whole numbers of 16 bits to 8; those that fit already stay as they are."""
    if array.dtype.kind == "f":
        return array
    wide = array.dtype == np.uint16 or (array.size and array.max() > 255)  # noqa: PLR2004
    if array.size and (array.min() < 0 or array.max() > 65_535):  # noqa: PLR2004 - 16 bits
        raise InvalidInput("The image has numbers beyond 16 bits; bring them to 0 to 255 first.")
    return np.asarray((array.astype(np.uint32) + 128) // 257 if wide else array, np.uint8)


def _checked(array: Array) -> Array:
    """Accept an array as an image, uint8 or fractions; gives uint8."""
    if array.ndim == 2:  # noqa: PLR2004 - grey
        array = np.repeat(array[..., None], 3, axis=2)
    if array.ndim != 3 or array.shape[2] != 3 or not array.size:  # noqa: PLR2004 - colours last
        raise InvalidInput(f"An image must be [height, width, 3], not {list(array.shape)}.")
    if array.shape[0] * array.shape[1] > MAX_PIXELS:
        raise TooLarge(f"The image has more than {MAX_PIXELS:,} pixels.")
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind != "f":
        raise InvalidInput(f"An image must be of uint8 or of fractions, not of {array.dtype}.")
    if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
        raise InvalidInput("Fractions of an image must lie from 0 to 1, and none may be NaN.")
    return np.asarray(np.rint(array * 255), np.uint8)


def _resized(old: tuple[int, int], size: tuple[int, ...]) -> tuple[int, int]:
    """Give the new width and height; one number is the shortest edge."""
    if len(size) > 1:
        return size[1], size[0]
    width, height = old
    shortest, longest = min(old), max(old)
    other = int(size[0] * longest / shortest)
    if other > MAX_PIXELS // size[0]:
        raise InvalidInput(f"An image of {width} x {height} is too narrow to be resized.")
    return (size[0], other) if width <= height else (other, size[0])


def _divided(old: tuple[int, int], size: tuple[int, ...], *, divisor: int) -> tuple[int, int]:
    """Give the new width and height by the shortest edge, the longest bounded, as ViLT does."""
    shortest, longest = size[0], int(_LONGEST * size[0])
    sides = [edge * (shortest / min(old)) for edge in old]
    if max(sides) > longest:
        sides = [edge * (longest / max(sides)) for edge in sides]
    width, height = (int(edge + 0.5) // divisor * divisor for edge in sides)
    if not width or not height:
        raise InvalidInput(f"An image of {old[0]} x {old[1]} is too narrow to be resized.")
    return width, height


def _cropped(image: Array, height: int, width: int) -> Array:
    """Cut from the middle of [height, width, 3]; what is missing is black."""
    had = image.shape[:2]
    top, left = (had[0] - height) // 2, (had[1] - width) // 2
    if top >= 0 and left >= 0:
        return image[top : top + height, left : left + width]
    whole = max(height, had[0]), max(width, had[1])
    above, before = -(-(whole[0] - had[0]) // 2), -(-(whole[1] - had[1]) // 2)
    padded = np.zeros((*whole, 3), image.dtype)
    padded[above : above + had[0], before : before + had[1]] = image
    top, left = top + above, left + before
    return padded[max(0, top) : top + height, max(0, left) : left + width]


def _sides(given: Any) -> tuple[int, ...]:
    names: tuple[tuple[str, ...], ...] = (("height", "width"), ("shortest_edge",))
    found: tuple[Any, ...] = ()
    if isinstance(given, Mapping):
        found = next((tuple(given[n] for n in own) for own in names if set(own) <= set(given)), ())
    elif isinstance(given, int):
        found = (given, given)
    elif isinstance(given, list | tuple) and len(given) == 2:  # noqa: PLR2004 - height and width
        found = tuple(given)
    if not found or not all(isinstance(n, int) and 0 < n <= _MAX_SIDE for n in found):
        raise InvalidFormat(f"preprocessor_config.json has a size {given!r:.100}; sides must be "
                            f"whole numbers up to {_MAX_SIDE}.")  # fmt: skip
    return found


def _filter(given: Any) -> int:
    if not isinstance(given, int) or not 0 <= given <= 5:  # noqa: PLR2004 - Pillow's filters
        raise InvalidFormat(f"preprocessor_config.json has resample {given!r:.50}.")
    return given


def _divisor(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 < given <= _MAX_SIDE:
        raise InvalidFormat(f"preprocessor_config.json has size_divisor {given!r:.50}.")
    return given


def _number(name: str, given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not np.isfinite(given):
        raise InvalidFormat(f"preprocessor_config.json has {name} {given!r:.50}.")
    return float(given)


def _channels(name: str, given: Any) -> tuple[float, ...]:
    if not isinstance(given, list | tuple) or len(given) != 3:  # noqa: PLR2004 - colours
        raise InvalidFormat(f"{name} must be three numbers, unlike {given!r:.100}.")
    found = tuple(_number(name, each) for each in given)
    if name == "image_std" and 0.0 in found:
        raise InvalidFormat("image_std must not be 0.")
    return found
