"""Vectors of sentences as sentence-transformers makes them: its files say how states are pooled."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reprise.base.errors import InvalidFormat, NotSupported
from reprise.tasks.files import read_json, read_object
from reprise.tasks.rows import Array

_FLAG = "pooling_mode_"
_LEAST_NORM = 1e-12  # of torch's normalize: a vector of zeros stays one


@dataclass(frozen=True)
class Pooling:
    """How a sentence's vector is made.

    Attributes:
        modes: Ways to read the states; their vectors are joined.
        layers: What the vector passes through then.
        max_tokens: Tokens that sentences are cut to; None: as many as the model takes.
        similarity: How two vectors are compared: cosine, dot, euclidean or manhattan.
        prompt: What is put before every sentence.
    """

    modes: tuple[str, ...] = ("mean_tokens",)
    layers: tuple[Callable[[Array], Array], ...] = ()
    max_tokens: int | None = None
    similarity: str = "cosine"
    prompt: str = ""

    def vector(self, states: Array) -> Array:
        """Make the vector [C] of states [T, C]."""
        pooled = [_MODES[mode](states) for mode in self.modes]
        made = pooled[0] if len(pooled) == 1 else np.concatenate(pooled)
        for layer in self.layers:
            made = layer(made)
        return made


def read_pooling(folder: Path | None) -> Pooling:
    """Read how a model's sentences are pooled; without files of it, their mean of length 1.

    Raises:
        NotSupported: It has a module that is not known here.
        InvalidFormat: A file of it is broken.
    """
    listed = None if folder is None else read_json(folder / "modules.json")
    if folder is None or listed is None:
        return Pooling(layers=(normalised,))
    if not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
        raise InvalidFormat(f"{folder / 'modules.json'} must list modules.")
    modes: tuple[str, ...] = ()
    layers: list[Callable[[Array], Array]] = []
    for module in listed:
        match str(module.get("type", "")).rpartition(".")[2]:
            case "Transformer" | "Dropout":
                pass
            case "Pooling":
                modes = _modes(read_object(_within(folder, module) / "config.json"))
            case "Normalize":
                layers.append(normalised)
            case other:
                raise NotSupported(f"Sentences of this model pass a module {other!r}, which is "
                                   "not known here.")  # fmt: skip
    if not modes:
        raise InvalidFormat(f"{folder / 'modules.json'} names no pooling.")
    told = read_object(folder / "config_sentence_transformers.json")
    prompts = told.get("prompts") if isinstance(told.get("prompts"), Mapping) else {}
    prompt = (prompts or {}).get(told.get("default_prompt_name") or "") or ""
    most = read_object(folder / "sentence_bert_config.json").get("max_seq_length")
    return Pooling(modes, tuple(layers), most if isinstance(most, int) and most > 0 else None,
                   str(told.get("similarity_fn_name") or "cosine"), str(prompt))  # fmt: skip


def normalised(vector: Array) -> Array:
    """Bring a vector [C] to length 1."""
    return np.asarray(vector / max(float(np.linalg.norm(vector)), _LEAST_NORM), vector.dtype)


def similarities(one: Array, others: Array, how: str) -> Array:
    """Compare a vector [C] with others [N, C].

    Raises:
        NotSupported: The model wants another comparison than is known.
    """
    if how == "cosine":
        return np.asarray([normalised(one) @ normalised(other) for other in others])
    if how == "dot":
        return np.asarray(others @ one)
    if how in {"euclidean", "manhattan"}:
        return np.asarray(-np.linalg.norm(others - one, ord=2 if how == "euclidean" else 1, axis=1))
    raise NotSupported(f"This model compares vectors by {how!r}, which is not known here.")


def _within(folder: Path, module: Mapping[str, Any]) -> Path:
    from reprise.base.ids import check_path

    return folder / check_path(str(module.get("path") or ""))


def _modes(config: Mapping[str, Any]) -> tuple[str, ...]:
    named = config.get("pooling_mode")
    if isinstance(named, str):
        chosen: Sequence[str] = (_LATER.get(named, named),)
    else:
        stated = [key for key in config if key.startswith(_FLAG) and config[key]]
        chosen = [key.removeprefix(_FLAG) for key in stated]
    if not chosen or not set(chosen) <= set(_MODES):
        raise NotSupported(f"Sentences of this model are pooled by {', '.join(chosen) or 'nothing'}"
                           f"; known: {', '.join(_MODES)}.")  # fmt: skip
    return tuple(mode for mode in _MODES if mode in chosen)


def _weighted(states: Array) -> Array:
    weights = np.arange(1, len(states) + 1, dtype=np.float32)
    return np.asarray(weights @ states / weights.sum(), states.dtype)


_MODES: dict[str, Callable[[Array], Array]] = {
    "cls_token": lambda states: states[0],
    "max_tokens": lambda states: states.max(0),
    "mean_tokens": lambda states: states.mean(0),
    "mean_sqrt_len_tokens": lambda states: states.sum(0) / np.sqrt(np.float32(len(states))),
    "weightedmean_tokens": _weighted,
    "lasttoken": lambda states: states[-1],
}
# How newer files say the same.
_LATER = {"cls": "cls_token", "max": "max_tokens", "mean": "mean_tokens",
          "mean_sqrt_len": "mean_sqrt_len_tokens",
          "weightedmean": "weightedmean_tokens"}  # fmt: skip
