"""What the original TensorFlow 1 code of each family called its variables."""

import re
from dataclasses import dataclass

from reprise.base.errors import NotSupported


@dataclass(frozen=True)
class Renamed:
    """A tensor's name in transformers, and how to look at its numbers.

    Attributes:
        name: With dots.
        axes: Which of its axes come first, second, ...; None leaves them.
        shape: Another shape of the same numbers in the same order; None leaves it.
    """

    name: str
    axes: tuple[int, ...] | None = None
    shape: tuple[int, ...] | None = None


_BERT = (
    (r"^cls/squad/output_", "qa_outputs/output_"),
    (r"^output_(weights|bias)$", r"classifier/output_\1"),
)
_ALBERT = (
    (r"^bert/", "albert/"),
    (r"/transformer/group_(\d+)/inner_group_(\d+)/", r"/albert_layer_groups/\1/albert_layers/\2/"),
    (r"/attention_\d+/(self|output)/", "/attention/"),
    (r"/ffn_\d+/intermediate/output/dense/", "/ffn_output/"),
    (r"/ffn_\d+/intermediate/dense/", "/ffn/"),
    (r"(albert_layers/\d+)/LayerNorm_\d+/", r"\1/full_layer_layer_norm/"),
    (r"(albert_layers/\d+)/LayerNorm/", r"\1/attention/LayerNorm/"),
    (r"/pooler/dense/", "/pooler/"),
    (r"^cls/predictions/(transform/)?", "predictions/"),
    (r"^cls/seq_relationship/", "sop_classifier/classifier/"),
    *_BERT,
)
_ELECTRA = (
    (r"^generator(/|_).*", ""),
    (r"^discriminator_predictions/dense_1/", "discriminator_predictions/dense_prediction/"),
)
_ELECTRA_GENERATOR = (
    (r"^(electra/(?!embeddings/)|discriminator_).*", ""),
    (r"^generator/", "electra/"),
    (r"^generator_predictions/output_bias", "generator_lm_head/output_bias"),
)
_GPT2 = (
    (r"^model/", ""),
    (r"^h(\d+)/", r"h/\1/"),
    (r"/[wg]$", "/weight"),
    (r"/b$", "/bias"),
    (r"^(wte|wpe)$", r"\1/weight"),
)
_T5 = (
    (r"^decoder/logits/", "lm_head/"),
    (r"^(encoder|decoder)/rms_norm/", r"\1/final_layer_norm/"),
    (r"/rms_norm/", "/layer_norm/"),
    (r"/(q|k|v|o|relative_attention_bias)$", r"/\1/kernel"),
)
_RULES = {
    "bert": _BERT, "albert": _ALBERT, "electra": _ELECTRA, "gpt2": _GPT2, "t5": _T5, "mt5": _T5,
}  # fmt: skip
# For all: the last level, and what it is in transformers.
_LAST = {
    "kernel": "weight", "gamma": "weight", "scale": "weight", "embedding": "weight",
    "output_weights": "weight", "beta": "bias", "output_bias": "bias",
}  # fmt: skip
_NUMBERED = re.compile(r"(?<=/)(layer|block)_(\d+)(?=/)")


def tf1_name(
    name: str, shape: tuple[int, ...], model_type: str, *, generator: bool = False
) -> Renamed | None:
    """Translate a variable's name; None for one that belongs to another model.

    Raises:
        NotSupported: Nobody here knows this model type's names.
    """
    if model_type not in _RULES:
        raise NotSupported(
            f"How TensorFlow 1 named the weights of {model_type!r} is not known here; "
            f"known are {', '.join(_RULES)}."
        )
    rules = _ELECTRA_GENERATOR if generator and model_type == "electra" else _RULES[model_type]
    path = name.removeprefix("module/")
    for pattern, replacement in rules:
        path = re.sub(pattern, replacement, path)
    if not path:
        return None
    path = _NUMBERED.sub(lambda match: f"{match[1]}/{int(match[2])}", path)
    *outer, last = path.split("/")
    if last.endswith("_embeddings"):
        outer, last = [*outer, last], "embedding"
    axes = (1, 0) if last == "kernel" and len(shape) == 2 else None  # noqa: PLR2004
    flat = shape[1:] if model_type == "gpt2" and shape[:1] == (1,) and len(shape) > 1 else None
    return Renamed(".".join([*outer, _LAST.get(last, last)]), axes, flat)
