"""Floor 4, tokenizers: text to ids and back, behind one seam for every engine.

Names are imported on first use. `BertTokenizer`, `GPT2TokenizerFast` and the other class names of
the field exist too: each loads tokenizers by the rules of its family.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reprise.tokenizers.added import AddedToken
    from reprise.tokenizers.auto import AutoTokenizer
    from reprise.tokenizers.batch import Batch
    from reprise.tokenizers.encoding import Encoding
    from reprise.tokenizers.engine import (
        DecodeStream,
        Engine,
        Support,
        TrainConfig,
        TrainerEngine,
        open_engine,
    )
    from reprise.tokenizers.options import EncodeOptions, Padding, Truncation, Want
    from reprise.tokenizers.outputs import BatchEncoding
    from reprise.tokenizers.spec import TokenizerSpec
    from reprise.tokenizers.tokenizer import Tokenizer

# Public name -> module.
_EXPORTS = {
    "AddedToken": "added",
    "AutoTokenizer": "auto",
    "Batch": "batch",
    "BatchEncoding": "outputs",
    "DecodeStream": "engine",
    "EncodeOptions": "options",
    "Encoding": "encoding",
    "Engine": "engine",
    "Padding": "options",
    "Support": "engine",
    "Tokenizer": "tokenizer",
    "TokenizerSpec": "spec",
    "TrainConfig": "engine",
    "TrainerEngine": "engine",
    "Truncation": "options",
    "Want": "options",
    "open_engine": "engine",
}

__all__ = [
    "AddedToken",
    "AutoTokenizer",
    "Batch",
    "BatchEncoding",
    "DecodeStream",
    "EncodeOptions",
    "Encoding",
    "Engine",
    "Padding",
    "Support",
    "Tokenizer",
    "TokenizerSpec",
    "TrainConfig",
    "TrainerEngine",
    "Truncation",
    "Want",
    "open_engine",
]


def __getattr__(name: str) -> Any:
    """Import the module behind a public name on first use."""
    if name in _EXPORTS:
        return getattr(import_module(f"reprise.tokenizers.{_EXPORTS[name]}"), name)
    if name.endswith(("Tokenizer", "TokenizerFast")):
        from reprise.tokenizers.auto import named_class

        found = named_class(name)
        if found is not None:
            globals()[name] = found  # the same class each time, so that pickles find it
            return found
    raise AttributeError(f"module 'reprise.tokenizers' has no attribute {name!r}")
