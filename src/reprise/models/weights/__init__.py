"""Weights of every format, read without the framework that wrote them, and written back.

Opening reads descriptions only; numbers stay in the file, mapped into memory, until somebody asks.
Nothing in a file is ever executed.
"""

from reprise.models.weights.checkpoint import Checkpoint
from reprise.models.weights.find import Found, find_checkpoint
from reprise.models.weights.opening import open_checkpoint
from reprise.models.weights.save import save_safetensors
from reprise.models.weights.stored import FileSpan, StoredTensor

__all__ = [
    "Checkpoint",
    "FileSpan",
    "Found",
    "StoredTensor",
    "find_checkpoint",
    "open_checkpoint",
    "save_safetensors",
]
