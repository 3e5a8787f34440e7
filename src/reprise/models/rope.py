"""Frequencies of rotary positions, and the ways configurations stretch them to longer contexts.

Sources: Su et al. 2021; linear interpolation (Chen et al. 2023), dynamic NTK, YaRN (Peng et al.
2023), Llama 3.1's and Phi-3's (LongRoPE, Ding et al. 2024) schemes as their configurations state.
"""

import math
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.models.spec import Rope


def frequencies(rope: Rope, length: int = 0) -> tuple[list[float], float]:
    """Compute the inverse frequencies [width / 2] and the factor on cosines and sines.

    Args:
        rope: What the family declares.
        length: Positions in use; only dynamic schemes ask.

    Raises:
        InvalidInput: The configuration names a scheme that is not known, or lacks a number of it.
    """
    scaling, kind = dict(rope.scaling), _kind(rope)
    scheme = _SCHEMES.get(kind)
    if scheme is None:
        raise InvalidInput(f"Rotary scaling {kind!r} is not known; known: {', '.join(_SCHEMES)}.")
    try:
        return scheme(rope, scaling, length)
    except (KeyError, TypeError, ZeroDivisionError, ValueError) as error:
        raise InvalidInput(f"Rotary scaling {kind!r} is incomplete: {error}.") from None


def by_length(rope: Rope) -> bool:
    """Tell whether the frequencies depend on how far the positions of a row reach."""
    return _kind(rope) in {"dynamic", "longrope", "su"}


def turning_point(rope: Rope) -> int:
    """Tell beyond how many positions all keys have other frequencies; 0: they never change."""
    if _kind(rope) not in {"longrope", "su"}:
        return 0
    scaling: dict[str, Any] = dict(rope.scaling)
    return int(scaling.get("original_max_position_embeddings") or rope.context)


def _kind(rope: Rope) -> str:
    scaling = dict(rope.scaling)
    return str(scaling.get("rope_type") or scaling.get("type") or "default")


def _base(width: int, theta: float) -> list[float]:
    return [theta ** (-i / width) for i in range(0, width, 2)]


def _default(rope: Rope, _: dict[str, Any], __: int) -> tuple[list[float], float]:
    return _base(rope.width, rope.theta), 1.0


def _linear(rope: Rope, scaling: dict[str, Any], _: int) -> tuple[list[float], float]:
    return [f / float(scaling["factor"]) for f in _base(rope.width, rope.theta)], 1.0


def _dynamic(rope: Rope, scaling: dict[str, Any], length: int) -> tuple[list[float], float]:
    factor = float(scaling["factor"])
    length = max(length, rope.context)
    stretch = factor * length / rope.context - (factor - 1)
    theta = rope.theta * stretch ** (rope.width / (rope.width - 2))
    return _base(rope.width, theta), 1.0


def _llama3(rope: Rope, scaling: dict[str, Any], _: int) -> tuple[list[float], float]:
    factor, low, high = (
        float(scaling[k]) for k in ("factor", "low_freq_factor", "high_freq_factor")
    )
    context = float(scaling["original_max_position_embeddings"])

    def stretch(frequency: float) -> float:
        turns = context * frequency / (2 * math.pi)
        if turns < low:
            return frequency / factor
        if turns > high:
            return frequency
        smooth = (turns - low) / (high - low)
        return (1 - smooth) * frequency / factor + smooth * frequency

    return [stretch(f) for f in _base(rope.width, rope.theta)], 1.0


def _yarn(rope: Rope, scaling: dict[str, Any], _: int) -> tuple[list[float], float]:
    factor = float(scaling["factor"])
    context = float(scaling.get("original_max_position_embeddings") or rope.context)
    attention = scaling.get("attention_factor") or _yarn_attention(scaling, factor)

    def dimension(turns: float) -> float:
        return rope.width * math.log(context / (turns * 2 * math.pi)) / (2 * math.log(rope.theta))

    low = dimension(float(scaling.get("beta_fast") or 32))
    high = dimension(float(scaling.get("beta_slow") or 1))
    if scaling.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, rope.width - 1)
    span = max(high - low, 0.001)
    ramp = [min(max((i - low) / span, 0.0), 1.0) for i in range(rope.width // 2)]
    base = _base(rope.width, rope.theta)
    return [f / factor * r + f * (1 - r) for f, r in zip(base, ramp, strict=True)], float(attention)


def _yarn_attention(scaling: dict[str, Any], factor: float) -> float:
    def scale(weight: float) -> float:
        return 0.1 * weight * math.log(factor) + 1.0 if factor > 1 else 1.0

    mscale, all_dims = scaling.get("mscale"), scaling.get("mscale_all_dim")
    return scale(float(mscale)) / scale(float(all_dims)) if mscale and all_dims else scale(1.0)


def _longrope(rope: Rope, scaling: dict[str, Any], length: int) -> tuple[list[float], float]:
    original = int(scaling.get("original_max_position_embeddings") or rope.context)
    factors = scaling["long_factor" if length > original else "short_factor"]
    factor = float(scaling.get("factor") or rope.context / original)
    attention = scaling.get("attention_factor")
    if attention is None:
        attention = math.sqrt(1 + math.log(factor) / math.log(original)) if factor > 1 else 1.0
    base = _base(rope.width, rope.theta)
    return [f / float(x) for f, x in zip(base, factors, strict=True)], float(attention)


_SCHEMES = {
    "default": _default, "linear": _linear, "dynamic": _dynamic, "llama3": _llama3,
    "yarn": _yarn, "longrope": _longrope, "su": _longrope,
}  # fmt: skip
