"""Models of the torch engine: a body, perhaps a head, called by transformers' names."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reprise.models import spec
from reprise.models.config import Config
from reprise.models.family import Family
from reprise.models.names import join
from reprise.models.outputs import Output
from reprise.models.plan import Plan
from reprise.models.report import Report
from reprise.models.source import Source
from reprise.models.torch.answers import answer, make_head
from reprise.models.torch.cache import Cache
from reprise.models.torch.call import Inputs
from reprise.models.torch.heads import Head
from reprise.models.torch.layers import Table
from reprise.models.torch.pruning import pruned_plan, take_over
from reprise.models.torch.resizing import resize_tables, resized_plan, rounded, token_count
from reprise.models.torch.tower import Passed, Tower

_TOWER_NAMES = frozenset(field.name for field in fields(Inputs))
_CHOICE_KINDS = {"multiple_choice", "double_heads"}


class Planned(nn.Module):
    """What every model has: the plan it was made from."""

    plan: Plan
    engine = "torch"
    report = Report()
    source: Source | None = None

    @property
    def config(self) -> Config:
        """The configuration it was loaded with."""
        return self.plan.config

    @property
    def family(self) -> Family:
        """The family it belongs to."""
        return self.plan.family

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Type of its weights."""
        return next(self.parameters()).dtype

    def save_pretrained(self, folder: str | PathLike[str], **options: Any) -> list[Path]:
        """Write `config.json` and safetensors by the names transformers reads; see `save.py`."""
        from reprise.models.torch.save import save

        return save(self, Path(folder), **options)

    def stored_state(self) -> dict[str, Tensor]:
        """Give the weights under the names they are stored by, tied ones once."""
        own = dict(self.named_parameters())
        places = {place.stored: place for place in self.plan.places.values()}
        return {stored: join(place, own) for stored, place in sorted(places.items())}

    def resize_token_embeddings(
        self, new_num_tokens: int | None = None, pad_to_multiple_of: int | None = None
    ) -> None:
        """Give the model another number of tokens, in place: `len(tokenizer)` after `add_tokens`.

        Every table and every head over the vocabulary is cut or grown; a new token begins as the
        mean of the known ones. The configuration says the new number, so it survives saving.

        Args:
            new_num_tokens: How many; None leaves them, but for rounding.
            pad_to_multiple_of: Round up, for speed on some devices.

        Raises:
            InvalidInput: No model can have that many.
            NotSupported: The model reads no tokens, or its two sides know different ones.
        """
        count = token_count(self.plan) if new_num_tokens is None else new_num_tokens
        plan = resized_plan(self.plan, rounded(count, pad_to_multiple_of))
        made = type(self)(plan)
        resize_tables(made, self)
        self.__dict__.update(made.train(self.training).__dict__)

    def state_dict(self, *args: Any, names: str = "canonical", **options: Any) -> Any:
        """Give the weights by canonical names, or with `names="hf"` by those of files."""
        if names == "hf":
            return self.stored_state()
        return super().state_dict(*args, **options)

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
        from reprise.models.torch.running import TorchRunner

        return TorchRunner(self)

    def _add_heads(self) -> None:
        plan = self.plan
        if plan.head is None:
            return
        self.head = make_head(plan.head, plan.spec, plan.config.num_labels)
        if plan.head.second:
            self.second = Head(plan.head.second, plan.spec, plan.config.num_labels)

    def _answered(
        self, last: Tensor, pooled: Tensor | None, given: dict[str, Any]
    ) -> dict[str, Any]:
        return answer(self, last, pooled, given)

    def _settings(self, given: dict[str, Any]) -> dict[str, Any]:
        """Fill in what the configuration says of outputs."""
        for name in ("output_hidden_states", "output_attentions"):
            if given.get(name) is None:
                given[name] = bool(self.config[name])
        return given


class SingleModel(Planned, Tower):
    """One tower, encoder or decoder, and perhaps a head."""

    def __init__(self, plan: Plan) -> None:
        (tower,) = plan.spec.towers.values()
        Tower.__init__(self, tower, plan.spec.dropout)
        self.plan = plan
        self._add_heads()

    def prune_heads(self, heads: Mapping[int, Sequence[int]]) -> None:
        """Take attention heads out, in place.

        It answers as with their gates at 0, and is smaller. What is gone is recorded as
        `pruned_heads` in the configuration, so it survives saving. Heads keep the numbers they
        were made with, whatever was pruned before.

        Args:
            heads: Layer to numbers of heads.

        Raises:
            InvalidInput: There is no such layer or head, or a layer would lose its last one.
        """
        plan = pruned_plan(self.plan, heads)
        smaller = type(self)(plan)
        take_over(smaller, self, self.plan, plan)
        self.__dict__.update(smaller.train(self.training).__dict__)

    def output_table(self) -> Tensor | None:
        """Token table, which a tied head answers with."""
        table = getattr(self.embed, "tokens", None)
        return None if table is None else table.weight

    def forward(self, input_ids: Tensor | None = None, attention_mask: Tensor | None = None,
                token_type_ids: Tensor | None = None, **given: Any) -> Any:  # fmt: skip
        """Run the model; arguments and fields as in transformers.

        Args:
            input_ids: Token ids [B, T] (or [B, choices, T] for a multiple choice head).
            attention_mask: 1 where a token is, 0 where padding is, [B, T].
            token_type_ids: Which sentence a token belongs to, [B, T].
            given: `position_ids`, `inputs_embeds`, `labels`, `past_key_values`, `use_cache`,
                `head_mask`, `output_hidden_states`, `output_attentions` (True, or a list of
                layers), `return_dict`, …
        """
        given |= {"input_ids": input_ids, "attention_mask": attention_mask,
                  "token_type_ids": token_type_ids}  # fmt: skip
        given = self._settings(given)
        if self.plan.head is not None and self.plan.head.kind in _CHOICE_KINDS:
            given = _flat_choices(given)
        return finish(self._run(given), given)

    def _run(self, given: dict[str, Any]) -> dict[str, Any]:
        cache = given.get("past_key_values")
        if cache is None and self._caches(given):
            given["past_key_values"] = cache = Cache()
        if given.get("encoder_outputs") is not None:  # what Whisper's decoder alone calls them
            given["encoder_hidden_states"] = given["encoder_outputs"][0]
        passed = self.run(tower_inputs(given))
        given["pad"] = self.config.get("pad_token_id")
        shown = _recorded(passed, "") | {"past_key_values": cache}
        if self.plan.head is None:
            return {"last_hidden_state": passed.last, "pooler_output": passed.pooled} | shown
        return self._answered(passed.last, passed.pooled, given) | shown

    def _caches(self, given: dict[str, Any]) -> bool:
        causal = self.tower.stack.attention.causal
        return causal and bool(given.get("use_cache", False))


class Seq2SeqModel(Planned):
    """An encoder, a decoder that reads it, and perhaps a head."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        encoder, decoder = plan.spec.encoder, plan.spec.decoder
        assert encoder
        assert decoder
        shared = plan.spec.shared_embedding and isinstance(encoder.input, spec.Embedding)
        if shared:
            assert isinstance(encoder.input, spec.Embedding)
            self.shared = Table(encoder.input.vocab, encoder.input.width)
        self.encoder = Tower(encoder, plan.spec.dropout, own_table=not shared)
        self.decoder = Tower(decoder, plan.spec.dropout, own_table=not shared)
        self._add_heads()

    def output_table(self) -> Tensor:
        """Token table of the decoder, which a tied head answers with."""
        return self._table(self.decoder).weight

    def _table(self, tower: Tower) -> Table:
        shared = getattr(self, "shared", None)
        return shared if shared is not None else getattr(tower.embed, "tokens", None)  # type: ignore[return-value]

    def forward(self, input_ids: Tensor | None = None, attention_mask: Tensor | None = None,
                decoder_input_ids: Tensor | None = None, **given: Any) -> Any:  # fmt: skip
        """Run the model; arguments and fields as in transformers.

        Args:
            input_ids: The encoder's tokens [B, S]; not needed with `encoder_outputs`.
            attention_mask: 1 where a token of the encoder is, [B, S].
            decoder_input_ids: The decoder's tokens [B, T]; made from `labels` when left out.
            given: `labels`, `encoder_outputs`, `past_key_values`, `use_cache`,
                `decoder_attention_mask`, `output_hidden_states`, …
        """
        given |= {"input_ids": input_ids, "attention_mask": attention_mask,
                  "decoder_input_ids": decoder_input_ids}  # fmt: skip
        given = self._settings(given)
        self._start(given)
        encoded = given.get("encoder_outputs")
        if encoded is None:
            encoded = self.encode(given)
        cache = given.get("past_key_values")
        if cache is None and given.get("use_cache", False):
            cache = given["past_key_values"] = Cache()
        passed = self.decoder.run(_decoder_inputs(given, encoded[0]), self._table(self.decoder))
        return finish(self._fields(passed, encoded, cache, given), given)

    def encode(self, given: dict[str, Any]) -> Output:
        """Run the encoder alone."""
        wanted = {k: v for k, v in given.items() if k != "past_key_values"}
        passed = self.encoder.run(tower_inputs(wanted), self._table(self.encoder))
        return Output(last_hidden_state=passed.last, **_recorded(passed, ""))

    def _start(self, given: dict[str, Any]) -> None:
        """Make the decoder's input from the labels, or (BART) from the encoder's."""
        if given["decoder_input_ids"] is not None or given.get("decoder_inputs_embeds") is not None:
            return
        source = given.get("labels")
        if source is None or self.plan.head is None or self.plan.head.out != "vocab":
            source = given["input_ids"]
        given["decoder_input_ids"] = self.shift_right(source)

    def shift_right(self, ids: Tensor) -> Tensor:
        """Put the start token before ids [B, T] and drop the last; -100 becomes padding.

        A start below 0 stands for each row's own last token (mBART).
        """
        pad = self.config.get("pad_token_id") or 0
        filled = ids.masked_fill(ids == -100, pad)  # noqa: PLR2004 - "no label" in every framework
        if self.plan.spec.start < 0:
            last = filled.ne(pad).sum(1, keepdim=True) - 1
            first = filled.gather(1, last)
        else:
            first = filled.new_full((ids.shape[0], 1), self.plan.spec.start)
        return torch.cat((first, filled[:, :-1]), dim=1)

    def _fields(self, passed: Passed, encoded: Any, cache: Cache | None,
                given: dict[str, Any]) -> dict[str, Any]:  # fmt: skip
        shown = {"past_key_values": cache} | _recorded(passed, "decoder_")
        shown |= {"encoder_last_hidden_state": encoded[0]}
        shown |= {f"encoder_{name}": encoded.get(name) for name in ("hidden_states", "attentions")}
        if self.plan.head is None:
            return {"last_hidden_state": passed.last} | shown
        given["eos"] = self.config.get("eos_token_id")
        return self._answered(passed.last, None, given) | shown


def tower_inputs(given: dict[str, Any]) -> Inputs:
    """Keep the arguments a tower reads."""
    return Inputs(**{k: v for k, v in given.items() if k in _TOWER_NAMES and v is not None})


_OWN = ("input_ids", "attention_mask", "inputs_embeds", "head_mask", "position_ids",
        "key_positions")  # fmt: skip
_COMMON = ("past_key_values", "cross_attn_head_mask", "output_hidden_states", "output_attentions")


def _decoder_inputs(given: dict[str, Any], memory: Tensor) -> Inputs:
    named = {name: given.get(f"decoder_{name}") for name in _OWN}
    kept = {name: given.get(name) for name in _COMMON}
    return Inputs(**{k: v for k, v in (named | kept).items() if v is not None},
                  encoder_hidden_states=memory,
                  encoder_attention_mask=_memory_mask(given, memory))  # fmt: skip


def _memory_mask(given: dict[str, Any], memory: Tensor) -> Tensor | None:
    mask = given.get("attention_mask")
    return mask if mask is not None and mask.shape[1] == memory.shape[1] else None


def _recorded(passed: Passed, prefix: str) -> dict[str, Any]:
    def ordered(kept: dict[int, Tensor]) -> tuple[Tensor, ...] | None:
        return tuple(kept[layer] for layer in sorted(kept)) or None

    return {
        f"{prefix}hidden_states": passed.states,
        f"{prefix}attentions": ordered(passed.call.attentions),
        "cross_attentions": ordered(passed.call.cross_attentions),
    }


def _flat_choices(given: dict[str, Any]) -> dict[str, Any]:
    """Put the choices [B, choices, T] one below the other, as rows of a batch."""
    first = given["input_ids"] if given["input_ids"] is not None else given["inputs_embeds"]
    given["choices"] = first.shape[1]
    names = ("input_ids", "attention_mask", "token_type_ids", "position_ids", "inputs_embeds",
             "langs", "lengths", "input_mask")  # fmt: skip
    flat = {k: given[k].flatten(0, 1) for k in names if given.get(k) is not None}
    return given | flat


def finish(found: dict[str, Any], given: dict[str, Any]) -> Any:
    """Wrap the fields; a tuple when `return_dict=False`."""
    output = Output(**found)
    return output if given.get("return_dict", True) is not False else output.to_tuple()
