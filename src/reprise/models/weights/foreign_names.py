"""Weights of TensorFlow and Flax under the names and in the layouts that transformers uses on disk.

Kernels are transposed (as views, nothing is copied), `gamma`, `scale` and `embedding` are called
`weight`, `beta` is called `bias`, numbered layers become levels, and what an optimizer left is
dropped. That is all for TensorFlow 2 and Flax; what TensorFlow 1 called things is in `tf1_names`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from reprise.base.errors import InvalidFormat, NotFound
from reprise.models.weights.checkpoint import Checkpoint
from reprise.models.weights.stored import StoredTensor, rearranged
from reprise.models.weights.tf1_names import Renamed, tf1_name

_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"  # of every variable in a checkpoint of objects
_OF_TRAINING = re.compile(
    r"""
    (^|/)(adam_[mv]|(AdamWeightDecay|LAMB)Optimizer(_\d+)?|beta[12]_power)(/|$)
    | (^|/)(Adam|Momentum|RMSProp|Adagrad|Adafactor|ExponentialMovingAverage)(_\d+)?$
    | (^|/)(global_step|save_counter|temperature)(/\.ATTRIBUTES/.*)?$
    | _slot_\w+$ | \.OPTIMIZER_SLOT | ^(optimizer|opt_state|_CHECKPOINTABLE_OBJECT_GRAPH)(/|$)
    | ^step$
    """,
    re.VERBOSE,
)
_TRANSFORMERS_MODEL = re.compile(r"tf_?[a-z0-9_]+/")  # level zero of names: tf_bert_model
# Level zero of names that have lost it, as in shards.
_BASES = frozenset(
    "albert bert camembert cls deberta decoder distilbert electra encoder flaubert funnel "
    "lm_head longformer lxmert mobilebert model mpnet predictions roberta shared transformer "
    "xlm_roberta".split()
)
# A level that transformers' models have in TensorFlow and not in torch.
_ONLY_THERE = dict.fromkeys(("clip", "clip_text_model", "clip_vision_model"), "clip.")
# Which axes of a kernel torch's first, second, ... axes are, by the number of axes.
_KERNELS = {2: (1, 0), 3: (2, 1, 0), 4: (3, 2, 0, 1)}
_WEIGHTS = frozenset({"kernel", "gamma", "scale", "embedding", "embeddings"})


def to_hf(checkpoint: Checkpoint, model_type: str, *, generator: bool = False) -> Checkpoint:
    """Rename and transpose what TensorFlow or Flax wrote; leave other formats as they are.

    Args:
        checkpoint: Of any format.
        model_type: `model_type` of the config; only TensorFlow 1's names depend on it.
        generator: Of ELECTRA's two models in one TensorFlow 1 checkpoint, take the generator.

    Raises:
        NotFound: Nothing is left but what an optimizer needs.
        NotSupported: Nobody here knows this model type's names in TensorFlow 1.
        InvalidFormat: Two tensors get one name.
    """
    if checkpoint.format not in {"tensorflow", "h5", "flax"}:
        return checkpoint
    found: dict[str, StoredTensor] = {}
    for old, given in _renamed(checkpoint, model_type, generator=generator):
        new = replace(given, name=given.name.removeprefix(_ONLY_THERE.get(model_type, "")))
        if new.name in found:
            raise InvalidFormat(f"{old!r} and another tensor are both {new.name!r}.")
        found[new.name] = rearranged(checkpoint[old], new.name, new.axes, new.shape)
    if not found:
        raise NotFound(f"{checkpoint.files[0].name} holds no weights of a model.")
    return Checkpoint(checkpoint.format, checkpoint.files, found, checkpoint.metadata)


def _renamed(
    checkpoint: Checkpoint, model_type: str, *, generator: bool
) -> Iterator[tuple[str, Renamed]]:
    kept = [name for name in checkpoint if not _OF_TRAINING.search(name)]
    if checkpoint.format == "flax":
        yield from _of_flax(checkpoint, kept)
    elif checkpoint.format == "h5" or any(name.endswith(_SUFFIX) for name in kept):
        yield from _of_keras(checkpoint, kept)
    else:
        for name in kept:
            new = tf1_name(name, checkpoint[name].shape, model_type, generator=generator)
            if new is not None:
                yield name, new


def _of_flax(checkpoint: Checkpoint, names: list[str]) -> Iterator[tuple[str, Renamed]]:
    whole = any(name.startswith("params/") for name in names)  # a training state
    for name in names:
        kind, _, rest = name.partition("/")
        if whole and kind not in {"params", "batch_stats"}:
            continue
        parts = (rest if whole else name).split("/")
        if whole and kind == "batch_stats" and parts[-1] in {"mean", "var"}:
            parts[-1] = f"running_{parts[-1]}"
        yield name, _renamed_leaf(parts, checkpoint[name].shape)


def _of_keras(checkpoint: Checkpoint, names: list[str]) -> Iterator[tuple[str, Renamed]]:
    """TensorFlow 2: `model/a___b/layer_._0/kernel` stands for `b.layer.0.weight`."""
    full_names = checkpoint.metadata.get("full_names", {})
    known = {name: full_names.get(name, name.removesuffix(_SUFFIX)) for name in names}
    outer = _has_level_zero(known.values())
    for name, full in known.items():
        parts = full.split("/")
        if len(parts) > 1 and (outer or parts[0] == parts[1]):
            parts = parts[1:]
        parts = [part.rpartition("___")[2] for part in parts]
        parts = [level for part in parts for level in part.split("_._") if level]
        yield name, _renamed_leaf(parts, checkpoint[name].shape)


def _has_level_zero(names: Iterable[str]) -> bool:
    """Tell whether names begin with the model's own: always, but for shards of transformers."""
    levels = [name.split("/") for name in names]
    if any(_TRANSFORMERS_MODEL.match("/".join(parts)) for parts in levels):
        return True
    first = {parts[0] for parts in levels if len(parts) > 1 and parts[0] != parts[1]}
    return len(first) == 1 and not first & _BASES


def _renamed_leaf(parts: list[str], shape: tuple[int, ...]) -> Renamed:
    *outer, last = parts
    axes = None
    if last in {"kernel", "pointwise_kernel", "depthwise_kernel"} or {
        "emb_projs", "out_projs",
    } & set(outer):  # fmt: skip
        axes = _KERNELS.get(len(shape))
    if last in _WEIGHTS:
        last = "weight"
    elif last == "beta":
        last = "bias"
    elif last.endswith("_kernel"):
        last = last.replace("_kernel", ".weight")
    # Keras gives the bias of GPT-2's linear layers a row of its own.
    flat: tuple[int, ...] | None = None
    flat = shape[1:] if last == "bias" and len(shape) == 2 and shape[0] == 1 else None  # noqa: PLR2004
    if last == "logit_scale" and shape == (1,):  # Keras has no weights without an axis
        flat = ()
    return Renamed(".".join([*outer, last]), axes, flat)
