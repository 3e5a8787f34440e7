"""What several families read from a configuration in the same way."""

from typing import Any

from reprise.models.config import Config
from reprise.models.spec import Rope


def rope(config: Config, width: int, *, theta: float | None = None, key: str = "") -> Rope:
    """Read rotary positions, by the new key `rope_parameters` or the older ones.

    Args:
        config: The configuration.
        width: Numbers of each head that are rotated.
        theta: Base, when the configuration names it in a place of its own.
        key: Which of several `rope_parameters` (one per kind of layer) is meant.
    """
    stated = config.get("rope_parameters") or {}
    if key and isinstance(stated.get(key), dict):
        stated = stated[key]
    scaling = stated or config.get("rope_scaling") or {}
    base = theta or stated.get("rope_theta") or config.get("rope_theta") or 10_000.0
    kept = {k: _frozen(v) for k, v in scaling.items() if k not in {"rope_theta", *_SHARES}}
    if (kept.get("rope_type") or kept.get("type") or "default") == "default":
        kept = {}
    context = int(config.get("max_position_embeddings") or 2048)
    if kept and config.get("original_max_position_embeddings"):
        kept.setdefault("original_max_position_embeddings", config.original_max_position_embeddings)
    return Rope(
        width=width, theta=float(base), scaling=tuple(sorted(kept.items())), context=context
    )


_SHARES = ("partial_rotary_factor",)


def partial(config: Config, width: int, default: float = 1.0) -> int:
    """Read how many numbers of a head [width] are rotated."""
    stated = config.get("rope_parameters") or {}
    share = stated.get("partial_rotary_factor")
    share = config.get("partial_rotary_factor") if share is None else share
    share = config.get("rotary_pct") if share is None else share
    return int(width * float(default if share is None else share))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def windows(config: Config, layers: int, default: int = 0) -> tuple[int, ...]:
    """Read which layers see a sliding window only, from `layer_types` or the older switches."""
    size = int(config.get("sliding_window") or default)
    kinds = config.get("layer_types")
    if not size:
        return ()
    if kinds:
        return tuple(size if kind == "sliding_attention" else 0 for kind in kinds)
    return (size,) * layers
