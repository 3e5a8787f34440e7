"""What the tokenizers of one family of models have in common, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reprise.tokenizers.added import AddedToken
from reprise.tokenizers.config import TokenizerConfig

WITH_TYPES = ("input_ids", "token_type_ids", "attention_mask")
PLAIN = ("input_ids", "attention_mask")


@dataclass(frozen=True)
class Family:
    """Names that lead to a family, its defaults, and how its own files become a spec.

    Attributes:
        classes: Class names in configurations, without `Fast`.
        model_types: `model_type` of the models' config.json.
        recipe: Name of the conversion of its own files, see `reprise.tokenizers.legacy`; empty
            when models of the family always come with a tokenizer.json.
        rules: What the recipe needs to know.
        specials: Named special tokens, unless a configuration says otherwise.
        extra_specials: Special tokens without a name.
        input_names: What the models take.
        pad_type_id: Segment of the padding.
        padding_side: Where the models want padding.
        languages: Language codes by which the template is chosen, for translation models.
    """

    classes: tuple[str, ...]
    model_types: tuple[str, ...] = ()
    recipe: str = ""
    rules: Mapping[str, Any] = field(default_factory=dict)
    specials: Mapping[str, str | AddedToken] = field(default_factory=dict)
    extra_specials: tuple[str, ...] = ()
    input_names: tuple[str, ...] = PLAIN
    pad_type_id: int = 0
    padding_side: str = "right"
    languages: tuple[str, ...] = ()

    def defaults(self) -> TokenizerConfig:
        """Return the configuration that holds where no file says anything."""
        return TokenizerConfig(
            specials={name: _special(token) for name, token in self.specials.items()},
            extra_specials=tuple(_special(token) for token in self.extra_specials),
            model_input_names=self.input_names,
            pad_token_type_id=self.pad_type_id,
            padding_side=self.padding_side,
            tokenizer_class=self.classes[0] if self.classes else "",
        )


GENERIC = Family(classes=("PreTrainedTokenizerFast", "TokenizersBackend"))


def _special(token: str | AddedToken) -> AddedToken:
    return AddedToken(token, special=True) if isinstance(token, str) else token


def mask_token(content: str) -> AddedToken:
    """Return a mask that takes the space before it along, as its models were trained."""
    return AddedToken(content, lstrip=True, special=True, normalized=False)
