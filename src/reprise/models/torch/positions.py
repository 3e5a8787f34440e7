"""Numbers and rotations of positions."""

import torch
from torch import Tensor

from reprise.models import rope as ropes
from reprise.models.spec import Positions, Rope


def numbers(spec: Positions, ids: Tensor, padding: Tensor | None, pad: int, past: int) -> Tensor:
    """Number the positions of tokens [B, T] as rows of the position table.

    Args:
        spec: How positions are counted.
        ids: Token ids [B, T], or any tensor of that shape when there are none.
        padding: Attention mask [B, past + T], or None.
        pad: Id of padding.
        past: Tokens that a cache holds already.
    """
    length = ids.shape[1]
    if spec.count == "unpadded":
        present = ids.ne(pad).to(torch.int64)
        return (present.cumsum(1) + past) * present + spec.offset
    if spec.count == "mask" and padding is not None:
        counted = padding.to(torch.int64).cumsum(1) * padding.to(torch.int64) - 1
        return counted[:, -length:] + spec.offset
    return torch.arange(past, past + length, device=ids.device)[None] + spec.offset


def sinusoids(rows: int, width: int, *, interleaved: bool) -> Tensor:
    """Compute sines and cosines [rows, width]: halves side by side, or taking turns."""
    angles = torch.arange(rows, dtype=torch.float64)[:, None] / 10_000 ** (
        2 * torch.div(torch.arange(width), 2, rounding_mode="floor") / width
    )
    sines, cosines = angles[:, 0::2].sin(), angles[:, 1::2].cos()
    if interleaved:
        table = torch.stack((sines, cosines), dim=-1).flatten(1)
    else:
        table = torch.cat((sines, cosines), dim=-1)
    return table.to(torch.float32)


def rotation(spec: Rope, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Compute cosines and sines [B, 1, T, width] of positions [B, T]."""
    # Some schemes depend on how far a row's positions reach.
    lengths = (positions.max(dim=1).values + 1).tolist() if ropes.by_length(spec) else [0]
    made = [ropes.frequencies(spec, length) for length in lengths]
    factor = made[0][1]
    table = torch.tensor([row for row, _ in made], dtype=torch.float32, device=positions.device)
    angles = positions[:, None, :, None].float() * table[:, None, None]
    angles = torch.cat((angles, angles), dim=-1)
    return (angles.cos() * factor).to(dtype), (angles.sin() * factor).to(dtype)


def rotate(x: Tensor, rotated: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate the first numbers of each head of x [B, H, T, D], as pairs (i, i + width / 2)."""
    cosines, sines = rotated
    width = cosines.shape[-1]
    part, rest = x[..., :width], x[..., width:]
    first, second = part.chunk(2, dim=-1)
    turned = torch.cat((-second, first), dim=-1)
    part = part * cosines + turned * sines
    return torch.cat((part, rest), dim=-1) if rest.shape[-1] else part
