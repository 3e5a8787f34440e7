"""Weights and inputs made from names alone, so that neither has to be kept in git."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from tests.model_cases import VOCABULARY, Case

GOLDEN = Path(__file__).parent / "golden" / "models"
SAMPLED = 64  # numbers kept per field
_NORM = re.compile(
    r"(norm|ln_?\w*|LayerNorm|lambda1|layer_scale)[^.]*(\.\d+)?\.weight$|lambda1$", re.IGNORECASE
)


def generator(word: str) -> np.random.Generator:
    """Random numbers that belong to a word."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big"))


def weights(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """A stored tensor's values: norms and biases are perturbed, matrices keep signals in range."""
    drawn = np.asarray(generator(name).standard_normal(shape), dtype=np.float32)
    if len(shape) < 2:
        middle = np.float32(1.0 if _NORM.search(name) else 0.0)
        return np.asarray(drawn * np.float32(0.2) + middle)
    return drawn / np.float32(np.sqrt(shape[-1]))


def checkpoint(case: Case, head: str) -> dict[str, np.ndarray]:
    """The weights of a case, by the names the reference stores them under."""
    shapes = json.loads((GOLDEN / f"{case.name}.json").read_text())[head]
    return {name: weights(name, tuple(shape)) for name, shape in shapes.items()}


def golden(case: Case, head: str) -> dict[str, tuple[tuple[int, ...], np.ndarray]]:
    """The reference's outputs: shape and a sample of the numbers, by field."""
    with np.load(GOLDEN / f"{case.name}.npz") as kept:
        found = {}
        for key in kept.files:
            owner, field, part = key.split("/")
            if owner == head and part == "shape":
                numbers = kept[f"{head}/{field}/sample"]
                found[field] = (tuple(int(n) for n in kept[key]), numbers)
        return found


def sample(values: np.ndarray, given: dict[str, np.ndarray]) -> np.ndarray:
    """Up to SAMPLED numbers, spread over an array; what stands at padding means nothing."""
    mask = given.get("attention_mask")
    if mask is not None and values.shape[: mask.ndim] == mask.shape:
        values = values * mask.reshape(*mask.shape, *(1,) * (values.ndim - mask.ndim))
    flat = np.ascontiguousarray(values, dtype=np.float32).reshape(-1)
    return flat[:: max(1, flat.size // SAMPLED)][:SAMPLED]


def inputs(case: Case, head: str) -> dict[str, np.ndarray]:
    """What a case is called with."""
    made: dict[str, Any] = _KINDS[case.inputs](case)
    if head == "ForMultipleChoice":
        made = {name: np.stack([value, value[::-1]], axis=1) for name, value in made.items()}
    if head == "DoubleHeadsModel":
        made = {"input_ids": made["input_ids"][None], "mc_token_ids": np.array([[3, 5]])}
    if case.model_type in {"t5", "mt5", "bart", "mbart"} and head == "ForSequenceClassification":
        eos = case.config.get("eos_token_id", 2 if "bart" in case.model_type else 1)
        made = {"input_ids": np.concatenate([made["input_ids"], np.full((2, 1), eos)], axis=1)}
    return made


def _ids(length: int, word: str = "ids") -> np.ndarray:
    return generator(word).integers(3, VOCABULARY, (2, length))


def _text(case: Case) -> dict[str, np.ndarray]:
    ids, mask = _ids(7), np.array([[1] * 7, [1] * 4 + [0] * 3])
    pad = case.config.get("pad_token_id", 1 if case.model_type == "bart" else 0)
    return {"input_ids": np.where(mask, ids, pad), "attention_mask": mask}


def _pair(case: Case) -> dict[str, np.ndarray]:
    return _text(case) | {
        "token_type_ids": np.array([[0, 0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 0, 0, 0]])
    }


def _just_ids(_: Case) -> dict[str, np.ndarray]:
    return {"input_ids": _ids(7)}


def _left(case: Case) -> dict[str, np.ndarray]:
    """As `pair`, with the padding before the text."""
    return {name: value[:, ::-1].copy() for name, value in _pair(case).items()}


def _permuted(case: Case) -> dict[str, np.ndarray]:
    """Two predictions per row, in an order of their own; the first sees nothing at all."""
    order = np.array([[3, 0, 5, 6, 1, 2, 4], [0, 1, 2, 3, 4, 5, 6]])
    unseen = (order[:, :, None] <= order[:, None, :]).astype(np.float32)
    mapping = np.zeros((2, 2, 7), dtype=np.float32)
    mapping[[0, 0, 1, 1], [0, 1, 0, 1], [1, 5, 0, 3]] = 1
    mask = _text(case)["attention_mask"]
    return {"input_ids": _ids(7), "token_type_ids": _pair(case)["token_type_ids"],
            "input_mask": 1 - mask, "perm_mask": unseen, "target_mapping": mapping}  # fmt: skip


def _remembered(case: Case) -> dict[str, np.ndarray]:
    """Text behind a memory that is shorter than the model's."""
    layers, width = case.config["n_layer"], case.config["d_model"]
    mems = generator("mems").standard_normal((layers, 4, 2, width)).astype(np.float32)
    types = _pair(case)["token_type_ids"]
    more = {"token_type_ids": types} if case.model_type == "xlnet" else {}
    return {"input_ids": _ids(7), "mems": mems} | more


def _languages(case: Case) -> dict[str, np.ndarray]:
    return _pair(case) | {"langs": np.array([[0, 0, 1, 1, 2, 2, 2], [2, 1, 0, 0, 0, 0, 0]])}


def _crossed(case: Case) -> dict[str, np.ndarray]:
    """Text for a decoder that stands alone, and what an encoder made of other text."""
    states = generator("states").standard_normal((2, 6, case.config["d_model"]))
    if case.model_type == "whisper":
        return {"input_ids": _ids(7), "encoder_outputs": states[None].astype(np.float32)}
    seen = np.array([[1] * 6, [1] * 3 + [0] * 3])
    return _text(case) | {"encoder_hidden_states": states.astype(np.float32),
                          "encoder_attention_mask": seen}  # fmt: skip


def _seq2seq(case: Case) -> dict[str, np.ndarray]:
    return _text(case) | {"decoder_input_ids": _ids(5, "decoder")}


def _pixels(case: Case) -> dict[str, np.ndarray]:
    side = case.config.get("image_size", 16)
    drawn = generator("pixels").standard_normal((2, 3, side, side))
    return {"pixel_values": drawn.astype(np.float32)}


def _clip(case: Case) -> dict[str, np.ndarray]:
    drawn = generator("pixels").standard_normal((2, 3, 16, 16)).astype(np.float32)
    return _text(case) | {"pixel_values": drawn}


def _captions(case: Case) -> dict[str, np.ndarray]:
    side = case.config["encoder"]["image_size"]
    drawn = generator("pixels").standard_normal((2, 3, side, side)).astype(np.float32)
    return {"pixel_values": drawn, "decoder_input_ids": _ids(5, "decoder")}


def _waves(_: Case) -> dict[str, np.ndarray]:
    return {"input_values": generator("waves").standard_normal((2, 400)).astype(np.float32)}


def _speech(case: Case) -> dict[str, np.ndarray]:
    shape = (2, case.config["num_mel_bins"], 2 * case.config["max_source_positions"])
    drawn = generator("speech").standard_normal(shape).astype(np.float32)
    return {"input_features": drawn, "decoder_input_ids": _ids(5, "decoder")}


def _frames(case: Case) -> dict[str, np.ndarray]:
    return {"input_features": _speech(case)["input_features"]}


_KINDS = {"text": _text, "pair": _pair, "languages": _languages, "seq2seq": _seq2seq,
          "crossed": _crossed,
          "ids": _just_ids, "left": _left, "permuted": _permuted,
          "remembered": _remembered,
          "pixels": _pixels, "clip": _clip, "mixed": _clip, "captions": _captions,
          "waves": _waves, "speech": _speech, "frames": _frames}  # fmt: skip
