"""Models of the onnx engine: called by transformers' names, NumPy arrays in and out."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from reprise.models.config import Config
from reprise.models.family import Family
from reprise.models.onnx import arguments
from reprise.models.onnx.arguments import SWITCHES, Given
from reprise.models.onnx.cache import Cache
from reprise.models.onnx.call import Request
from reprise.models.onnx.placing import Placed
from reprise.models.onnx.session import Arrays, Sessions
from reprise.models.outputs import Output
from reprise.models.plan import Plan
from reprise.models.report import Report
from reprise.models.spec import ModelSpec, Tower
from reprise.models.weights.stored import StoredTensor

_CHOICE_KINDS = {"multiple_choice", "double_heads"}
_NO_LABEL = -100


class OnnxModel:
    """What every model has: the plan it was made from, and its graphs."""

    engine = "onnx"
    report = Report()
    source: Any = None

    def __init__(self, plan: Plan, sessions: Sessions,
                 tensors: Mapping[str, StoredTensor]) -> None:  # fmt: skip
        self.plan, self.sessions, self.tensors = plan, sessions, tensors

    @property
    def config(self) -> Config:
        """The configuration it was loaded with."""
        return self.plan.config

    @property
    def family(self) -> Family:
        """The family it belongs to."""
        return self.plan.family

    @property
    def spec(self) -> ModelSpec:
        """What it is made from."""
        return self.plan.spec

    def over(self, placed: Placed) -> "OnnxModel":
        """Make the same model over numbers that lie elsewhere."""
        sessions = Sessions(self.plan, placed, self.sessions.cache, threads=self.sessions.threads,
                            check=lambda: None)  # fmt: skip
        return type(self)(self.plan, sessions, self.tensors)

    def eval(self) -> "OnnxModel":
        """Return itself: this engine never trains."""
        return self

    def generate(self, input_ids: Any = None, **given: Any) -> Any:
        """Write on: token ids [R, P + N], behind each prompt what the model writes.

        Args:
            input_ids: Prompts [B, P], or what the encoder reads.
            given: `attention_mask` and settings by transformers' names, over the model's
                `generation_config.json`; `stream`, `seed`, … as the guide to generation says.

        Raises:
            InvalidInput: An argument cannot be, or the model cannot write.
            NotSupported: Something is asked for that generation has not.
        """
        from reprise.models.generate.call import generate

        return generate(self.runner(), given | {"input_ids": input_ids})

    def runner(self) -> Any:
        """Make what generation asks for scores; see `generate/seam.py`."""
        from reprise.models.onnx.running import OnnxRunner

        return OnnxRunner(self)

    def _settings(self, given: Given) -> Given:
        """Fill in what the configuration says of outputs."""
        for name in ("output_hidden_states", "output_attentions"):
            if given.get(name) is None:
                given[name] = bool(self.config[name])
        return given

    def _run(self, tower: Tower, feeds: Given, given: Given, cache: Cache | None = None,
             part: str = "") -> Arrays:  # fmt: skip
        """Run one graph; `feeds` are the arguments it reads, `cache` what comes and goes."""
        stack = tower.stack
        arguments.spread_gates(feeds, stack)
        request = Request(
            part=part, inputs=frozenset(feeds), cache=cache is not None and cache.grows,
            crosses=cache is not None and bool(cache.cross),
            states=bool(given["output_hidden_states"]),
            attentions=_recorded(given["output_attentions"], stack.layers),
        )  # fmt: skip
        if cache is None:
            return self.sessions.run(request, feeds)
        rows = next(iter(feeds.values())).shape[0]
        outputs = self.sessions.run(request, feeds | cache.feeds(stack, rows))
        cache.keep(outputs)
        return outputs

    def _memory(self, states: np.ndarray) -> Arrays:
        """Make the keys and values of the encoder's states, once per input."""
        request = Request(part="memory", inputs=frozenset({"encoder_hidden_states"}))
        return self.sessions.run(request, {"encoder_hidden_states": states})


class SingleModel(OnnxModel):
    """One tower, encoder or decoder, and perhaps a head."""

    def __call__(self, input_ids: Any = None, attention_mask: Any = None,
                 token_type_ids: Any = None, **given: Any) -> Any:  # fmt: skip
        """Run the model; arguments and fields as in transformers, arrays of NumPy.

        Args:
            input_ids: Token ids [B, T] (or [B, choices, T] for a multiple choice head).
            attention_mask: 1 where a token is, 0 where padding is, [B, T].
            token_type_ids: Which sentence a token belongs to, [B, T].
            given: `position_ids`, `inputs_embeds`, `past_key_values`, `use_cache`, `head_mask`,
                `output_hidden_states`, `output_attentions` (True, or a list of layers),
                `return_dict`, …

        Raises:
            InvalidInput: An argument is unknown, or its shape or numbers do not fit.
            NotSupported: Labels are given.
        """
        named = {"input_ids": input_ids, "attention_mask": attention_mask,
                 "token_type_ids": token_type_ids}  # fmt: skip
        given = self._settings(arguments.arrays(named | given))
        head = self.plan.head
        choices = 0
        if head is not None and head.kind in _CHOICE_KINDS:
            choices = arguments.flat_choices(given)
        (tower,) = self.spec.towers.values()
        cache = given.get("past_key_values")
        if cache is None and tower.stack.attention.causal and given.get("use_cache"):
            cache = Cache()
        arguments.count_tokens(given, tower)
        arguments.check(given, tower, cache.length if cache else 0)
        cache = self._crossed(given, cache)
        feeds = {name: value for name, value in given.items() if name not in SWITCHES}
        outputs = self._run(tower, feeds, given, cache)
        kept = cache if cache and cache.grows else None
        return finish(_fields(outputs, "", choices) | {"past_key_values": kept}, given)

    def _crossed(self, given: Given, cache: Cache | None) -> Cache | None:
        """Put the keys and values of an encoder's states, when a call gives them, into a cache."""
        if "encoder_outputs" in given:  # what Whisper's decoder alone calls them
            given["encoder_hidden_states"] = np.asarray(given["encoder_outputs"][0], np.float32)
        states = given.pop("encoder_hidden_states", None)
        if states is None:
            return cache
        arguments.check_memory(states, self.spec)
        if cache is None:
            cache = Cache()
            cache.grows = False
        if not cache.cross:
            cache.keep_cross(self._memory(states))
        return cache


class Seq2SeqModel(OnnxModel):
    """An encoder, a decoder that reads it, and perhaps a head."""

    def __call__(self, input_ids: Any = None, attention_mask: Any = None,
                 decoder_input_ids: Any = None, **given: Any) -> Any:  # fmt: skip
        """Run the model; arguments and fields as in transformers, arrays of NumPy.

        Args:
            input_ids: The encoder's tokens [B, S]; not needed with `encoder_outputs`.
            attention_mask: 1 where a token of the encoder is, [B, S].
            decoder_input_ids: The decoder's tokens [B, T]; made from `input_ids` when left out.
            given: `encoder_outputs`, `past_key_values`, `use_cache`, `decoder_attention_mask`,
                `output_hidden_states`, …

        Raises:
            InvalidInput: An argument is unknown, or its shape or numbers do not fit.
            NotSupported: Labels are given.
        """
        named = {"input_ids": input_ids, "attention_mask": attention_mask,
                 "decoder_input_ids": decoder_input_ids}  # fmt: skip
        given = self._settings(arguments.arrays(named | given))
        if "decoder_input_ids" not in given and "decoder_inputs_embeds" not in given:
            given["decoder_input_ids"] = self.shift_right(given["input_ids"])
        encoded = given.get("encoder_outputs") or self.encode(given)
        states = np.asarray(encoded[0], np.float32)
        kept = given.get("past_key_values")
        cache = kept if kept is not None else Cache()
        if not cache.cross:
            cache.keep_cross(self._memory(states))
        uses = kept is not None or bool(given.get("use_cache"))
        outputs = self._decoded(given, states, cache, uses=uses)
        fields = _fields(outputs, "decoder_", 0) | {"past_key_values": cache if uses else None}
        return finish(fields | _of_encoder(encoded, states), given)

    def encode(self, given: Given) -> Output:
        """Run the encoder alone."""
        tower = self.spec.towers["encoder"]
        arguments.check(given, tower)
        names = ("input_ids", "attention_mask", "inputs_embeds", "position_ids", "head_mask",
                 "input_features", "pixel_values")  # fmt: skip
        feeds = {name: given[name] for name in names if name in given}
        return Output(**_fields(self._run(tower, feeds, given, part="encoder"), "", 0))

    def _decoded(self, given: Given, states: np.ndarray, cache: Cache, *, uses: bool) -> Arrays:
        tower = self.spec.towers["decoder"]
        arguments.check(given, tower, cache.length, "decoder_")
        feeds = {name: value for name, value in given.items() if name.startswith("decoder_")}
        mask = given.get("attention_mask")
        if mask is not None and mask.shape[1] == states.shape[1]:
            feeds["attention_mask"] = mask
        head = self.plan.head
        extra = {"cross_attn_head_mask", "logits_to_keep"}
        if head is not None and head.pool in {"eos", "last_unpadded"}:
            extra.add("input_ids")
        feeds |= {name: given[name] for name in extra if name in given}
        cache.grows = uses
        return self._run(tower, feeds, given, cache, "decoder")

    def shift_right(self, ids: Any) -> np.ndarray:
        """Put the start token before ids [B, T] and drop the last; -100 becomes padding.

        A start below 0 stands for each row's own last token (mBART).
        """
        pad = self.config.get("pad_token_id") or 0
        filled = np.where(np.asarray(ids) == _NO_LABEL, pad, ids)
        if self.spec.start < 0:
            last = (filled != pad).sum(1, keepdims=True) - 1
            first = np.take_along_axis(filled, last, axis=1)
        else:
            first = np.full((filled.shape[0], 1), self.spec.start, filled.dtype)
        return np.concatenate((first, filled[:, :-1]), axis=1)


def _recorded(wanted: Any, layers: int) -> tuple[int, ...]:
    """Read `output_attentions`: True is every layer, a list names some."""
    if isinstance(wanted, bool):
        return tuple(range(layers)) if wanted else ()
    return tuple(sorted(int(layer) for layer in wanted if 0 <= int(layer) < layers))


def _fields(outputs: Arrays, prefix: str, choices: int) -> dict[str, Any]:
    """Put a graph's outputs into fields: what is numbered becomes a tuple."""
    found: dict[str, Any] = {}
    for name, value in outputs.items():
        field, _, number = name.partition(".")
        if not number:
            found[field] = value
            continue
        field = field if field.startswith("cross") else f"{prefix}{field}"
        found[field] = (*found.get(field, ()), value)
    if choices:
        found = {name: _by_choice(name, value, choices) for name, value in found.items()}
    return found


def _by_choice(field: str, value: Any, choices: int) -> Any:
    """Give the choices a side of their own again: scores of tokens, or one per choice."""
    if field not in {"logits", "mc_logits"}:
        return value
    per_choice = value.shape[1:] if value.ndim == len("BTV") else ()
    return value.reshape(-1, choices, *per_choice)


def _of_encoder(encoded: Any, states: np.ndarray) -> dict[str, Any]:
    found: dict[str, Any] = {"encoder_last_hidden_state": states}
    if isinstance(encoded, Mapping):
        names = ("hidden_states", "attentions")
        found |= {f"encoder_{name}": encoded.get(name) for name in names}
    return found


def finish(found: dict[str, Any], given: Given) -> Any:
    """Wrap the fields; a tuple when `return_dict=False`."""
    output = Output(**found)
    return output if given.get("return_dict", True) is not False else output.to_tuple()
