"""Reprise: publish, find, load, run and reproduce machine-learning models.

Public names are loaded on first use, so `import reprise` costs a few milliseconds and needs
nothing but the standard library.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_AUTO = """AutoConfig AutoModel AutoModelForCTC AutoModelForCausalLM AutoModelForImageClassification
AutoModelForMaskedLM AutoModelForMultipleChoice AutoModelForNextSentencePrediction
AutoModelForPreTraining AutoModelForQuestionAnswering AutoModelForSeq2SeqLM
AutoModelForSequenceClassification AutoModelForSpeechSeq2Seq AutoModelForTokenClassification
AutoModelForVision2Seq AutoModelForVisualQuestionAnswering AutoModelWithLMHead""".split()
_DATA = """ClassLabel Dataset DatasetDict Features IterableDataset Value concatenate_datasets
interleave_datasets load_dataset load_from_disk""".split()
# Public name -> module that defines it, with the name it has there when that is another.
_EXPORTS = {
    **dict.fromkeys(_AUTO, "reprise.models"),
    "AutoTokenizer": "reprise.tokenizers",
    **dict.fromkeys(_DATA, "reprise.data"),
    "RepriseError": "reprise.base.errors",
    "download": "reprise.hub",
    "get_dir": "reprise.hub",
    "help": "reprise.hub.entrypoints:entry_help",
    "list": "reprise.hub.entrypoints:list_entries",
    "load": "reprise.hub.entrypoints:load",
    "load_metric": "reprise.metrics",
    "login": "reprise.hub",
    "patch_torch_hub": "reprise.hub",
    "pipeline": "reprise.tasks",
    "publish": "reprise.hub",
    "search": "reprise.hub",
    "set_dir": "reprise.hub",
    "unpatch_torch_hub": "reprise.hub",
}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605 - one table is the single source of the public names


def __getattr__(name: str) -> Any:
    """Import the module behind a public name on first use."""
    try:
        module, _, attribute = _EXPORTS[name].partition(":")
    except KeyError:
        raise AttributeError(f"module 'reprise' has no attribute {name!r}") from None
    return getattr(import_module(module), attribute or name)


def __dir__() -> list[str]:
    """List the public names for interactive users."""
    return sorted([*globals(), *_EXPORTS])
