"""From a name to a model: configuration, weights, engine."""

import logging
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from os import PathLike
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.base.optional import require
from reprise.models.config import Config, read_config
from reprise.models.families import family_of
from reprise.models.family import Family
from reprise.models.options import Options, check_onnx, check_threads, usual_device, usual_dtype
from reprise.models.plan import Plan, make_plan
from reprise.models.source import PACKED, Source, locate
from reprise.models.weights import Checkpoint, find_checkpoint, open_checkpoint
from reprise.models.weights.foreign_names import to_hf

log = logging.getLogger(__name__)
ENGINES = ("torch", "onnx", "auto")
FEW_BITS = ("int8", "int4")
QUANTIZED = "reprise-blocks"  # what a configuration calls matrices that `reprise quantize` wrote
_HUB = ("revision", "subfolder", "endpoint", "token", "offline")
_OWN = ("engine", "dtype", "device", "seed", "strict", "new_head")
_OF_ONNX = ("threads", "cache_dir")
# Arguments that people's code passes and that mean nothing here, with what we say of them.
_WITHOUT_MEANING = {
    "trust_remote_code": "code of a repo is never run here",
    "low_cpu_mem_usage": "memory is always mapped",
    "use_safetensors": "safetensors come first, and nothing here runs pickles",
    "attn_implementation": "attention always runs on the fused kernel",
    "_fast_init": "weights are never initialised before they are loaded",
}


def load_pretrained(name_or_path: str | PathLike[str], head_of: Callable[[Family], str],
                    **given: Any) -> Any:  # fmt: skip
    """Load a model; the arguments are those of `from_pretrained`."""
    config = given.pop("config", None)
    source = locate(name_or_path, **{key: given.pop(key) for key in _HUB if key in given})
    config = read_config(source.folder) if config is None else config
    options, changes = _options(given)
    config = _changed(config, changes)
    log.info("Loading %s%s.", source.name, f" at {source.commit}" if source.commit else "")
    packed = is_quantized(config) and (source.folder / PACKED).is_file()
    found = source.folder / PACKED if packed else find_checkpoint(source.folder)
    checkpoint = to_hf(open_checkpoint(found), config.model_type)
    plan = make_plan(config, head_of(family_of(config.model_type)))
    return _start(plan, checkpoint, source, options)


def _options(given: dict[str, Any]) -> tuple[Options, dict[str, Any]]:
    """Split arguments into how to load, and changes of the configuration."""
    if "torch_dtype" in given:
        given.setdefault("dtype", given.pop("torch_dtype"))
    for name in set(given) & set(_WITHOUT_MEANING):
        log.info("%s=%r changes nothing: %s.", name, given.pop(name), _WITHOUT_MEANING[name])
    own = {k: given.pop(k) for k in _OWN if k in given}
    own |= {"dtype": usual_dtype(own.get("dtype")), "device": usual_device(own.get("device"))}
    more: dict[str, Any] = {k: given.pop(k) for k in _OF_ONNX if k in given}
    check_threads(more.get("threads"))
    return Options(**own, more=more), given


def _changed(config: Config, changes: dict[str, Any]) -> Config:
    known = config.over(family_of(config.model_type).defaults)
    allowed = {"num_labels", "id2label", "label2id", "problem_type", "tie_word_embeddings"}
    unknown = sorted(set(changes) - set(known) - allowed)
    if unknown:
        raise InvalidInput(
            f"from_pretrained knows no {', '.join(unknown)}, and the configuration has no such key."
        )
    return config.replace(**changes) if changes else config


def choose_engine(engine: str, plan: Plan | None = None, dtype: Any = None) -> str:
    """Choose the engine: `auto` is torch where it is installed, and ONNX Runtime elsewhere.

    Weights in 8 or 4 bits are ONNX Runtime's.

    Raises:
        InvalidInput: There is no engine of that name, or it does not compute with such weights.
    """
    if dtype in FEW_BITS:
        if engine == "torch":
            raise InvalidInput(f"The torch engine knows no type of weights {dtype!r}.",
                               hint="Leave engine out, or say engine='onnx'.")  # fmt: skip
        engine = "onnx" if engine == "auto" else engine
    if engine not in ENGINES:
        raise InvalidInput(f"There is no engine {engine!r}; there are {', '.join(ENGINES)}.")
    if engine != "auto":
        return engine
    only_torch = plan is not None and bool(plan.spec.torch_only)
    return "torch" if only_torch or find_spec("torch") else "onnx"


def _start(plan: Plan, checkpoint: Checkpoint, source: Source, options: Options) -> Any:
    plan = without_absent_pooler(plan, checkpoint)
    dtype = stored_dtype(plan.config, options.dtype)
    if choose_engine(options.engine, plan, dtype) == "onnx":
        check_onnx(dtype, options.device)
        require("onnxruntime", extra="run")
        from reprise.models.onnx.load import load_onnx

        few = dtype if dtype in FEW_BITS else ""
        model = load_onnx(plan, checkpoint, dtype=few, **options.more)
        model.source = source
        return model
    require("torch", extra="torch")
    from reprise.models.torch.from_file import load_torch

    return load_torch(plan, checkpoint, source, options)


def is_quantized(config: Config) -> bool:
    """Tell whether `reprise quantize` wrote a model."""
    told = config.get("quantization_config")
    return isinstance(told, Mapping) and told.get("quant_method") == QUANTIZED


def stored_dtype(config: Config, asked: Any) -> Any:
    """Tell the type of weights: as asked for, or what `reprise quantize` wrote.

    Raises:
        InvalidInput: The weights are there in fewer bits, or in a way that nobody here reads.
    """
    if not is_quantized(config):
        return asked
    found = f"int{config['quantization_config'].get('bits')}"
    if found not in FEW_BITS or asked not in {None, "auto", found}:
        raise InvalidInput(f"These weights are in {found} and cannot be had as {asked or found}.",
                           hint="Load the model that they were made from.")  # fmt: skip
    return found


def without_absent_pooler(plan: Plan, stored: Mapping[str, Any]) -> Plan:
    """Leave the pooler out when the file has none: better none than a random one."""
    places = plan.places.get("pooler.weight")
    if plan.head is not None or places is None:
        return plan
    if any(name.endswith(places.stored) for name in stored):
        return plan
    log.info("The weights have no pooler; pooler_output will be None.")
    return make_plan(plan.config, plan.head_name, pooler=False)
