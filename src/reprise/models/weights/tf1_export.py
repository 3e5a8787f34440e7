"""The way back: what a model's tensors are called in the original TensorFlow 1 code."""

import re
from collections.abc import Mapping

from reprise.base.errors import NotSupported
from reprise.models.weights.checkpoint import Checkpoint
from reprise.models.weights.stored import StoredTensor, rearranged
from reprise.models.weights.tf1_names import tf1_name

_Rules = tuple[tuple[str, str], ...]
# Names of transformers -> paths. An empty path is a buffer that TensorFlow computes.
_BERT: _Rules = (
    (r"^(embeddings|encoder|pooler)\.", r"bert.\1."),
    (r".*\.position_ids$", ""),
    (r"^qa_outputs\.", "cls.squad."),
    (r"^(cls\.predictions\.|cls\.seq_relationship\.|cls\.squad\.)(weight|bias)$", r"\1output_\2"),
    (r"^classifier\.(weight|bias)$", r"output_\1"),
    (r"output_weight$", "output_weights"),
    (r"\.layer\.(\d+)\.", r".layer_\1."),
)
_ALBERT: _Rules = (
    (r"^albert\.", "bert."),
    (r"\.albert_layer_groups\.(\d+)\.albert_layers\.(\d+)\.",
     r".transformer.group_\1.inner_group_\2."),
    (r"(inner_group_\d+)\.attention\.(query|key|value)\.", r"\1.attention_1.self.\2."),
    (r"(inner_group_\d+)\.attention\.dense\.", r"\1.attention_1.output.dense."),
    (r"(inner_group_\d+)\.attention\.LayerNorm\.", r"\1.LayerNorm."),
    (r"(inner_group_\d+)\.full_layer_layer_norm\.", r"\1.LayerNorm_1."),
    (r"(inner_group_\d+)\.ffn\.", r"\1.ffn_1.intermediate.dense."),
    (r"(inner_group_\d+)\.ffn_output\.", r"\1.ffn_1.intermediate.output.dense."),
    (r"^bert\.pooler\.", "bert.pooler.dense."),
    (r"^predictions\.(dense|LayerNorm)\.", r"cls.predictions.transform.\1."),
    (r"^predictions\.", "cls.predictions."),
    (r"^sop_classifier\.classifier\.", "cls.seq_relationship."),
    *_BERT,
)  # fmt: skip
_ELECTRA: _Rules = (
    (r"^discriminator_predictions\.dense_prediction\.", "discriminator_predictions.dense_1."),
    *_BERT,
)
_ELECTRA_GENERATOR: _Rules = (
    (r"^electra\.(?!embeddings\.)", "generator."),
    (r"^generator_lm_head\.bias$", "generator_predictions.output_bias"),
    *_BERT,
)
_GPT2: _Rules = (
    (r"^transformer\.", ""),
    (r"\.attn\.(bias|masked_bias)$", ""),
    (r"^(wte|wpe)\.weight$", r"model.\1"),
    (r"^h\.(\d+)\.", r"model.h\1."),
    (r"^ln_f\.", "model.ln_f."),
    (r"(ln_\w+)\.weight$", r"\1.g"),
    (r"\.weight$", ".w"),
    (r"\.bias$", ".b"),
)
_T5: _Rules = (
    (r"\.(q|k|v|o|relative_attention_bias)\.weight$", r".\1"),
    (r"norm\.weight$", "norm.scale"),
    (r"^shared\.weight$", "shared.embedding"),
    (r"^lm_head\.", "decoder.logits."),
)
_RULES = {
    "bert": _BERT,
    "albert": _ALBERT,
    "electra": _ELECTRA,
    "gpt2": _GPT2,
    "t5": _T5,
    "mt5": _T5,
}
# What TensorFlow does not store, because it is another tensor.
_TIED = {
    "cls.predictions.decoder.weight": ("bert.embeddings.word_embeddings.weight",),
    "cls.predictions.decoder.bias": ("cls.predictions.bias",),
    "predictions.decoder.weight": ("albert.embeddings.word_embeddings.weight",),
    "predictions.decoder.bias": ("predictions.bias",),
    "generator_lm_head.weight": ("electra.embeddings.word_embeddings.weight",),
    "lm_head.weight": ("transformer.wte.weight", "shared.weight"),
    "encoder.embed_tokens.weight": ("shared.weight",),
    "decoder.embed_tokens.weight": ("shared.weight",),
}


def to_tf1(tensors: Mapping[str, StoredTensor], model_type: str) -> Checkpoint:
    """Rename and transpose tensors with transformers' names as the original TensorFlow code did.

    `save_tf_bundle` writes the result. Nothing is copied before. Tied tensors are left out.

    Args:
        tensors: By transformers' names.
        model_type: bert, albert, electra, gpt2, t5 or mt5.

    Raises:
        NotSupported: Another model type, or a tensor that the original code has no place for.
    """
    if model_type not in _RULES:
        raise NotSupported(
            f"How TensorFlow 1 named the weights of {model_type!r} is not known here; "
            f"known are {', '.join(_RULES)}."
        )
    generator = model_type == "electra" and "generator_lm_head.bias" in tensors
    rules = _ELECTRA_GENERATOR if generator else _RULES[model_type]
    found: dict[str, StoredTensor] = {}
    for name, tensor in tensors.items():
        if _is_tied(tensors, name, model_type):
            continue
        path = name
        for pattern, replacement in rules:
            path = re.sub(pattern, replacement, path)
        if not path:
            continue
        renamed = _arranged(tensor, path, model_type)
        back = tf1_name(renamed.name, renamed.shape, model_type, generator=generator)
        if back is None or not _agree(name, back.name):
            raise NotSupported(f"TensorFlow 1's {model_type} has no place for {name!r}.")
        found[renamed.name] = renamed
    return Checkpoint("tensorflow", (), found)


def _agree(name: str, back: str) -> bool:
    """Tell whether two names are the same, but for the base model's prefix."""
    return name == back or f".{name}".endswith(f".{back}") or back.endswith(f".{name}")


def _is_tied(tensors: Mapping[str, StoredTensor], name: str, model_type: str) -> bool:
    """Tell whether a tensor is another one that the original code uses twice."""
    for other in _TIED.get(name, ()):
        if other not in tensors:
            continue
        one, two = tensors[name], tensors[other]
        kinds = [(tensor.dtype, tensor.shape) for tensor in (one, two)]
        if one.same_view(two) or (kinds[0] == kinds[1] and one.buffer() == two.buffer()):
            return True
        if model_type not in {"t5", "mt5"}:  # there it may be a tensor of its own
            raise NotSupported(f"TensorFlow 1's {model_type} has no place for {name!r} of its own.")
    return False


def _arranged(tensor: StoredTensor, path: str, model_type: str) -> StoredTensor:
    """Find the last level's name and the layout that goes with it."""
    *outer, last = path.split(".")
    matrix = len(tensor.shape) == 2  # noqa: PLR2004
    if model_type in {"t5", "mt5"}:
        outer = [re.sub(r"^\d+$", lambda match: f"{int(match[0]):03d}", part) for part in outer]
        joined = re.sub(r"/(?=\d{3}(/|$))", "_", "/".join(outer))
        last = "kernel" if last == "weight" else last
        axes = (1, 0) if matrix and last != "embedding" else None
        return rearranged(tensor, f"{joined}/{last}", axes)
    if model_type == "gpt2":
        shape = (1, *tensor.shape) if last == "w" else None
        return rearranged(tensor, "/".join([*outer, last]), None, shape)
    if last == "weight" and outer and outer[-1].endswith("_embeddings"):
        return rearranged(tensor, "/".join(outer), None)
    if last == "weight":
        last = "kernel" if matrix else "gamma"
    elif last == "bias" and outer and outer[-1].startswith("LayerNorm"):
        last = "beta"
    return rearranged(tensor, "/".join([*outer, last]), (1, 0) if last == "kernel" else None)
