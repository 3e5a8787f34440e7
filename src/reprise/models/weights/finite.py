"""Find tensors that hold NaN or infinity, as broken training or a damaged file leaves them."""

from collections.abc import Iterable

from reprise.models.weights.arrays import numpy_module
from reprise.models.weights.stored import StoredTensor

_CHUNK = 1 << 20  # bytes looked at in one go, so that no copy of a large tensor is made
# The bits of the exponent, which are all set in NaN and infinity (in F8_E4M3 those of NaN).
_EXPONENTS = {
    "F64": ("<u8", 0x7FF0_0000_0000_0000), "F32": ("<u4", 0x7F80_0000), "F16": ("<u2", 0x7C00),
    "BF16": ("<u2", 0x7F80), "F8_E5M2": ("|u1", 0x7C), "F8_E4M3": ("|u1", 0x7F),
}  # fmt: skip


def not_finite(tensors: Iterable[StoredTensor]) -> list[str]:
    """List the names of tensors with NaN or infinity. It reads them all, at several GB/s.

    Whole numbers and quantised blocks are passed over.
    """
    return [tensor.name for tensor in tensors if tensor.dtype in _EXPONENTS and _broken(tensor)]


def _broken(tensor: StoredTensor) -> bool:
    np = numpy_module()
    kind, mask = _EXPONENTS[tensor.dtype]
    bits = np.frombuffer(tensor.buffer(), kind)
    step = _CHUNK // bits.itemsize
    wanted = bits.dtype.type(mask)
    return any(
        bool(((bits[start : start + step] & wanted) == wanted).any())
        for start in range(0, len(bits), step)
    )
