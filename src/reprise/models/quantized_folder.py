"""A model in 8 or 4 bits as a folder of its own: written, loaded, measured, then put in place."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from shutil import copyfile, rmtree
from typing import Any
from uuid import uuid4

import numpy as np

from reprise.base.errors import EntryNotFound, InvalidFormat, InvalidInput
from reprise.models.auto import concrete_class
from reprise.models.config import Config, read_config
from reprise.models.families import family_of
from reprise.models.loading import FEW_BITS, QUANTIZED
from reprise.models.measuring import Loss, measure_loss
from reprise.models.onnx.few_bits import tensors_of
from reprise.models.onnx.groups import BITS, covered, groups
from reprise.models.plan import Plan, make_plan
from reprise.models.sample_text import SAMPLE
from reprise.models.source import PACKED, Source, locate
from reprise.models.spec import Embedding
from reprise.models.tasks import head_for
from reprise.models.weights.save import save_safetensors

MINIMUM = {"int8": 0.99, "int4": 0.95}  # mean cosine below which a folder is not kept
_FLOAT = 4  # bytes
_WINDOW, _MOST = 256, 2048  # tokens of one text, and of all
_SMALL = re.compile(
    r".+\.(json|txt|model|jinja|tiktoken)"
)  # files beside weights that belong along
_WORDS = re.compile(r"(tokenizer|vocab|spiece|sentencepiece|tekken|merges)")
_DRAWN = "drawn tokens"
_BAR = ("making numbers", "measuring")
Progress = Callable[[str, int, int], None]  # what is done, how much of it, of how much


@dataclass(frozen=True)
class Quantized:
    """A folder that was written.

    Attributes:
        folder: Where it is.
        dtype: `int8` or `int4`.
        loss: What it cost.
        bytes_before: Of the weights it was made from.
        bytes_after: Of its own.
        text: What was measured on: `given`, `sample`, or `drawn tokens` without a tokenizer.
    """

    folder: Path
    dtype: str
    loss: Loss
    bytes_before: int
    bytes_after: int
    text: str

    def told(self) -> dict[str, Any]:
        """Give all of it as JSON can say it."""
        loss = asdict(self.loss)
        loss["perplexity_float32"], loss[f"perplexity_{self.dtype}"] = (
            loss.pop("before"), loss.pop("after"))  # fmt: skip
        sizes = {"bytes_float32": self.bytes_before, f"bytes_{self.dtype}": self.bytes_after}
        own = {"folder": str(self.folder), "dtype": self.dtype, "text": self.text}
        return own | loss | sizes


def quantize_folder(
    name_or_path: str | PathLike[str], folder: str | PathLike[str], *, dtype: str = "int8",
    text: str | None = None, minimum: float | None = None, **given: Any,
) -> Quantized:  # fmt: skip
    """Write a model with its matrices in 8 or 4 bits, unless that costs too much.

    Args:
        name_or_path: A folder, or a repo as `from_pretrained` takes it.
        folder: Where to; it must not be there yet.
        dtype: `int8` or `int4`.
        text: What to measure on; None: a page that comes along.
        minimum: Smallest mean cosine between the answers and those in float32; None: `MINIMUM`.
        **given: `progress`, called with what is done, how much of it and of how much; `cache_dir`
            as in `load_onnx`; `revision`, `endpoint`, `token`, `offline`.

    Raises:
        InvalidInput: The folder is there, the model is in few bits already, reads no text, or
            has no matrices that can be; or the answers are further off: nothing is kept then.
    """
    folder = Path(folder).expanduser()
    least = _checked(folder, dtype, minimum)
    progress: Progress = given.pop("progress", _nobody)
    own = {"engine": "onnx", "cache_dir": given.pop("cache_dir", None)}
    source = locate(name_or_path, **given)
    load = _loader(source)
    exact = load(source.folder, **own)
    samples, kind = _samples(exact, source, text, given)
    staged = folder.with_name(f".{folder.name}.{uuid4().hex}")
    try:
        sizes = _write(exact, source, staged, dtype, progress)
        coarse, done = load(staged, **own), iter(range(1, len(samples) + 1))
        loss = measure_loss(
            exact, coarse, samples, writes=_writes(exact.plan) and kind != _DRAWN,
            advance=lambda: progress(_BAR[1], next(done), len(samples)),
        )  # fmt: skip
        if not loss.cosine >= least:
            raise InvalidInput(
                f"{dtype} is too coarse for this model: mean cosine {loss.cosine:.4f} to float32 "
                f"over {loss.tokens} tokens, and {least} is asked for. Nothing was kept.",
                hint="Take int8 instead of int4, or lower the minimum if that is good enough.",
            )
        staged.rename(folder)
    finally:
        rmtree(staged, ignore_errors=True)
    return Quantized(folder, dtype, loss, *sizes, kind)


def _checked(folder: Path, dtype: str, minimum: float | None) -> float:
    if dtype not in FEW_BITS:
        raise InvalidInput(f"There is no {dtype!r}; there are {', '.join(FEW_BITS)}.")
    if folder.exists():
        raise InvalidInput(f"{folder} is there already.", hint="Name a folder that is not.")
    least = MINIMUM[dtype] if minimum is None else minimum
    if not 0 <= least <= 1:
        raise InvalidInput(f"The minimum must lie from 0 to 1, not {least}.")
    return least


def _nobody(*_: object) -> None:
    """Tell nobody."""


def _loader(source: Source) -> Callable[..., Any]:
    """Choose the head that goes along: the one that the configuration names, or that writes."""
    config = read_config(source.folder)
    if config.get("quantization_config"):
        raise InvalidInput(f"{source.name} is in few bits already.",
                           hint="Name the model that it was made from.")  # fmt: skip
    family = family_of(config.model_type)
    named = config.get("architectures") or [""]
    head = str(named[0]).removeprefix(family.prefix)
    if head not in family.heads:
        made = make_plan(config)
        writes = "AutoModelForSeq2SeqLM" if made.spec.encoder else "AutoModelForCausalLM"
        head = head_for(writes, family) if made.spec.decoder else "Model"
    return concrete_class(family, head).from_pretrained


def _writes(plan: Plan) -> bool:
    return plan.head is not None and plan.head.kind == "causal_lm"


def _samples(model: Any, source: Source, text: str | None, hub: Mapping[str, Any]
             ) -> tuple[list[dict[str, Any]], str]:  # fmt: skip
    towers = model.spec.towers
    table = towers.get("encoder", next(iter(towers.values()))).input
    if not isinstance(table, Embedding):
        raise InvalidInput(f"A {model.family.model_type} model reads no text to measure it on.",
                           hint="Load it in float32.")  # fmt: skip
    ids, kind = _tokens(source, table.vocab, text, hub)
    place = table.positions
    width = min(_WINDOW, place.rows - place.offset - 1) if place else _WINDOW
    cut = [ids[start : start + width] for start in range(0, min(len(ids), _MOST), width)]
    rows = [part[None] for part in cut if len(part) > 1]
    if not rows:
        raise InvalidInput("The text has fewer than two tokens.", hint="Give a page of text.")
    both = "decoder" in towers
    return [{"input_ids": row} | ({"decoder_input_ids": row} if both else {}) for row in rows], kind


def _tokens(source: Source, vocab: int, text: str | None, hub: Mapping[str, Any]
            ) -> tuple[np.ndarray, str]:  # fmt: skip
    from reprise.tokenizers import AutoTokenizer

    place = f"{source.name}@{source.commit}" if source.commit else str(source.folder)
    own = {key: value for key, value in hub.items() if key != "revision"}
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, **(own if source.commit else {}))
    except (EntryNotFound, InvalidFormat):
        if text is not None or any(_WORDS.match(path.name) for path in source.folder.iterdir()):
            raise
        drawn = np.random.default_rng(0).integers(0, vocab, _WINDOW * 2)
        return drawn, _DRAWN
    found = np.asarray(tokenizer(SAMPLE if text is None else text)["input_ids"], np.int64)
    return found, "sample" if text is None else "given"


def _write(model: Any, source: Source, folder: Path, dtype: str, progress: Progress
           ) -> tuple[int, int]:  # fmt: skip
    """Write the folder; give the bytes of the weights before and after."""
    plan, tensors = model.plan, model.tensors
    chosen = groups(plan, BITS[dtype])
    if not chosen:
        raise InvalidInput(f"A {plan.family.model_type} model has no matrices that can be in few "
                           "bits.", hint="Load it in float32.")  # fmt: skip
    total, made = sum(group.out * group.into for group in chosen), 0

    def advance(count: int) -> None:
        nonlocal made
        made += count
        progress(_BAR[0], made, total)

    gone = covered(plan, chosen)
    rest = [(name, t.dtype, t.shape, t.buffer) for name, t in tensors.items() if name not in gone]
    paths = save_safetensors(
        folder, [*rest, *tensors_of(plan, tensors, BITS[dtype], advance)],
        metadata={"format": QUANTIZED}, max_shard_bytes=1 << 62,
    )  # fmt: skip
    (whole,) = paths
    whole.rename(folder / PACKED)
    for path in source.folder.iterdir():
        if path.is_file() and _SMALL.fullmatch(path.name) and ".index." not in path.name:
            copyfile(path, folder / path.name)
    told = {"quant_method": QUANTIZED, "bits": BITS[dtype]}
    Config(read_config(source.folder).to_dict() | {"quantization_config": told}).save(folder)
    before = sum(t.elements * _FLOAT for t in tensors.values())
    return before, (folder / PACKED).stat().st_size
