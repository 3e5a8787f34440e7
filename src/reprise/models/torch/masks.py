"""Which key each query may see, as one additive tensor; no branch depends on values."""

import torch
from torch import Tensor

from reprise.models.spec import Attention

_BY_KEY = 2  # sides of a mask [B, S]; one of [B, T, S] is by query too


def causal(queries: int, keys: int, window: int, device: torch.device) -> Tensor:
    """Mark as True [T, S] what a query sees of the past; the queries are the last keys."""
    rows = torch.arange(keys - queries, keys, device=device)[:, None]
    columns = torch.arange(keys, device=device)[None, :]
    seen = columns <= rows
    return seen & (columns > rows - window) if window else seen


def nearby(queries: int, keys: int, window: int, device: torch.device) -> Tensor:
    """Mark as True [T, S] the keys within a window to each side."""
    rows = torch.arange(queries, device=device)[:, None]
    return (rows - torch.arange(keys, device=device)[None, :]).abs() <= window


def placed(places: Tensor, queries: int, window: int) -> Tensor:
    """Mark as True [B, 1, T, S] what queries see of keys that stand at places [B, S] of a row.

    The queries are the last keys; a place below 0 holds no token.
    """
    keys, rows = places[:, None, :], places[:, -queries:, None]
    seen = (keys >= 0) & (keys <= rows)
    return (seen & (keys > rows - window) if window else seen)[:, None]


def visible(spec: Attention, window: int, padding: Tensor | None, lengths: tuple[int, int],
            device: torch.device) -> Tensor | None:  # fmt: skip
    """Say what may be seen, as booleans that broadcast to [B, 1, T, S]; None: everything.

    Args:
        spec: The attention; `causal` matters.
        window: Tokens seen; 0 is all.
        padding: Attention mask [B, S] or [B, T, S], 1 where a token is; or None.
        lengths: T and S.
        device: Where to make it.
    """
    seen = None
    if spec.causal and (window or lengths[0] > 1):  # one query is the last: it sees all
        seen = causal(*lengths, window, device)
    elif window:
        seen = nearby(*lengths, window, device)
    if padding is None:
        return seen if seen is None else seen[None, None]
    tokens = padding.bool()
    tokens = tokens[:, None, :] if padding.dim() == _BY_KEY else tokens
    both = tokens if seen is None else tokens & seen
    return both[:, None]


def additive(seen: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """Turn booleans into 0 and the lowest number; a row that sees nothing stays finite."""
    if seen is None:
        return None
    lowest = torch.finfo(dtype).min
    return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill(~seen, lowest)
