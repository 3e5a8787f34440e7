"""`AutoTokenizer` and the names of classes that lead to one family each."""

from os import PathLike
from typing import Any

from reprise.tokenizers.families import by_class
from reprise.tokenizers.family import Family
from reprise.tokenizers.loading import load_parts
from reprise.tokenizers.tokenizer import Tokenizer


class AutoTokenizer:
    """Loads tokenizers."""

    @staticmethod
    def from_pretrained(name_or_path: str | PathLike[str], **options: Any) -> Tokenizer:
        """Load the tokenizer of a model.

        tokenizer.json is used when there is one, else the files of the model's family: vocab.txt,
        vocab.json with merges.txt, a SentencePiece `.model`, tiktoken ranks, tekken.json. No code
        of a repo is ever run.

        Args:
            name_or_path: A folder, or a repo as `reprise.download` takes it.
            **options: `revision`, `subfolder`; `endpoint`, `token`, `offline` of the hub; `engine`
                for the tokenizer engine; everything else overrides the tokenizer's own
                configuration: `pad_token="[PAD]"`, `do_lower_case=False`.

        Raises:
            EntryNotFound: There are no files of a tokenizer.
            InvalidFormat: One of them is broken; the message names it.
        """
        return Tokenizer.from_pretrained(name_or_path, **options)


def named_class(name: str) -> type[Tokenizer] | None:
    """Return a class that loads tokenizers by the rules of one family: `BertTokenizer`.

    Its objects are ordinary tokenizers. None when no family has a class of that name.
    """
    family = by_class(name)
    if family is None:
        return None
    return type(name, (Tokenizer,), {"from_pretrained": _loader(family), "__module__": __name__})


def _loader(family: Family) -> Any:
    @staticmethod  # type: ignore[misc]  # becomes a member of the class made above
    def from_pretrained(name_or_path: str | PathLike[str], **options: Any) -> Tokenizer:
        """Load a tokenizer by this family's rules, see `AutoTokenizer.from_pretrained`."""
        engine = options.pop("engine", "auto")
        spec, config = load_parts(name_or_path, family=family, **options)
        return Tokenizer(spec, config, engine=engine)

    return from_pretrained
