"""Types of numbers, spelled as in safetensors."""

# Bits of one element. The order is that of safetensors' own writer: in a file tensors lie by
# descending type, then by name, so that every one of them is aligned.
BITS = {
    "U64": 64, "I64": 64, "F64": 64, "C64": 64, "F32": 32, "U32": 32, "I32": 32, "BF16": 16,
    "F16": 16, "U16": 16, "I16": 16, "F8_E5M2FNUZ": 8, "F8_E4M3FNUZ": 8, "F8_E8M0": 8,
    "F8_E4M3": 8, "F8_E5M2": 8, "I8": 8, "U8": 8, "F6_E3M2": 6, "F6_E2M3": 6, "F4": 4, "BOOL": 8,
}  # fmt: skip
ORDER = {dtype: place for place, dtype in enumerate(BITS)}
BITS["C128"] = 128  # torch and TensorFlow have it, safetensors has not

# What NumPy calls them. It has no bfloat16 and nothing of 8 bits that floats.
NUMPY = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "C64": "<c8", "C128": "<c16",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1", "U64": "<u8", "U32": "<u4",
    "U16": "<u2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip

# What torch calls them.
TORCH = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "C64": "complex64",
    "C128": "complex128", "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
    "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
    "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz", "F8_E8M0": "float8_e8m0fnu",
}  # fmt: skip

_BITS_PER_BYTE = 8


def byte_count(dtype: str, elements: int) -> int | None:
    """Say how many bytes that many elements take; None for a type nobody knows or half a byte."""
    bits = BITS.get(dtype)
    if bits is None or bits * elements % _BITS_PER_BYTE:
        return None
    return bits * elements // _BITS_PER_BYTE
