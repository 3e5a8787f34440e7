"""One call of `generate`, from its arguments to its answer."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidInput, NotSupported
from reprise.models.generate import results, uncached
from reprise.models.generate.beam_loop import make_groups, search_beams
from reprise.models.generate.beams import Search
from reprise.models.generate.choosing import Chooser
from reprise.models.generate.custom import Shaped
from reprise.models.generate.history import History
from reprise.models.generate.limits import make_limit
from reprise.models.generate.loop import decode
from reprise.models.generate.narrowing import make_narrowings
from reprise.models.generate.prompt import ARGUMENTS, Prompts, read_prompts, vocabulary
from reprise.models.generate.rows import Piece, Row, Taking
from reprise.models.generate.rules import Allowed, Rule, make_rules
from reprise.models.generate.sampling import row_keys
from reprise.models.generate.seam import Runner
from reprise.models.generate.settings import Settings, make_settings, refuse_unknown
from reprise.models.generate.speculating import Drafter, Lookup, SmallModel
from reprise.models.generate.speech import times_rule
from reprise.models.generate.steps import CachedSteps, Steps
from reprise.models.generate.stopping import Stops, as_criterion
from reprise.models.generate.streaming import Stream, told, with_text
from reprise.models.generate.turning import TurningSteps, turning_point
from reprise.models.plan import Plan

_HANDS = frozenset({
    "assistant_model", "logits_processor", "stopping_criteria", "prefix_allowed_tokens_fn",
    "stream", "streamer", "tokenizer", "skip_special_tokens", "inputs",
})  # fmt: skip
_KINDS = frozenset({"causal_lm", "seq2seq_lm", "speech", "adaptive_lm", "double_heads"})
_READING_ANEW = ("xlm", "xlnet")  # their heads fill masks, and they generate all the same


@dataclass(frozen=True)
class Call:
    """What one call works with."""

    runner: Runner
    settings: Settings
    prompts: Prompts
    given: Mapping[str, Any]
    limit: Callable[[History], int]
    chooser: Chooser
    stops: Stops
    seed: int

    @property
    def plan(self) -> Plan:
        """Of the model."""
        plan: Plan = self.runner.model.plan
        return plan


def generate(runner: Runner, given: Mapping[str, Any]) -> Any:
    """Generate: sequences, an `Output` with `return_dict_in_generate`, or a `Stream`.

    Raises:
        InvalidInput: An argument cannot be, or the model's scores are no numbers.
        NotSupported: Something is asked for that this loop, or this model, has not.
    """
    given = {name: value for name, value in given.items() if value is not None}
    refuse_unknown(set(given), {*ARGUMENTS, *_HANDS})
    if "inputs" in given:
        given = {"input_ids": given["inputs"]} | given
    check_generates(runner.model.plan)
    call = make_call(runner, given)
    if call.settings.num_beams > 1:
        if given.get("stream") or given.get("streamer") or given.get("assistant_model"):
            raise InvalidInput(
                "Beams change until the end: stream, streamer and assistant_model need num_beams=1."
            )
        return _shown(call.settings, _by_beams(call))
    return _by_rows(call)


def check_generates(plan: Plan) -> None:
    """Refuse a model that cannot write.

    Raises:
        InvalidInput: It has no language head, or sees what comes.
    """
    family = plan.family
    name = f"{family.prefix}{plan.head_name}"
    kind = plan.head.kind if plan.head else ""
    anew = family.model_type in _READING_ANEW and kind == "masked_lm"
    if kind not in _KINDS and not anew and kind != "masked_lm":
        raise InvalidInput(
            f"{name} has no language head, so it cannot generate.",
            hint="Load it with AutoModelForCausalLM or AutoModelForSeq2SeqLM.",
        )
    tower = plan.spec.decoder or plan.spec.encoder
    if not anew and tower is not None and not tower.stack.attention.causal:
        raise InvalidInput(
            f"{name} sees what comes after a token, so it cannot generate.",
            hint="Load it with is_decoder=True in its configuration if it was trained so.",
        )


def make_call(runner: Runner, given: Mapping[str, Any]) -> Call:
    """Read the arguments of a call."""
    model = runner.model
    source = getattr(model, "source", None)
    settings = make_settings(model.plan.config, source.folder if source else None, given)
    prompts = read_prompts(runner, settings, given)
    limit = make_limit(model.plan, settings, given, prompts.rows)
    rules: list[Rule] = make_rules(settings, vocabulary(model.plan), limit)
    rules += times_rule(source.folder if source else None, settings, given)
    rules += [Shaped(processor, runner) for processor in _many(given.get("logits_processor"))]
    chooser = Chooser(
        rules=rules, samples=settings.do_sample, renormalise=settings.renormalize_logits,
        narrowings=make_narrowings(settings, vocabulary(model.plan)) if settings.do_sample else (),
        repairs=settings.remove_invalid_values,
    )  # fmt: skip
    seed = settings.seed if settings.seed is not None else runner.random_seed()
    return Call(runner, settings, prompts, given, limit, chooser,
                _stops(runner, settings, given, limit), seed)  # fmt: skip


def _many(given: Any) -> list[Any]:
    """Read one callable or several."""
    if given is None:
        return []
    return list(given) if isinstance(given, Sequence) else [given]


def _stops(runner: Runner, settings: Settings, given: Mapping[str, Any],
           limit: Callable[[History], int]) -> Stops:  # fmt: skip
    tokenizer = given.get("tokenizer")
    if settings.stop_strings and tokenizer is None:
        raise InvalidInput("stop_strings need the tokenizer, which says what the tokens spell.",
                           hint="Add tokenizer=…")  # fmt: skip
    criteria = [as_criterion(one, runner.native) for one in _many(given.get("stopping_criteria"))]
    late: Callable[[], bool] = lambda: False  # noqa: E731
    if settings.max_time is not None:
        end = time.monotonic() + settings.max_time
        late = lambda: time.monotonic() >= end  # noqa: E731
    decode = tokenizer.decode if tokenizer is not None else None
    return Stops(settings, limit, decode, criteria, late)


def make_steps(call: Call, *, guesses: bool = False) -> Steps:
    """Start a call's model on nothing yet: with a cache, or as its family reads.

    Args:
        call: What will be asked.
        guesses: Whether several rows are fed several tokens at once.
    """
    runner, prompts, plan = call.runner, call.prompts, call.plan
    config, kind = plan.config, plan.family.model_type
    if kind == "xlm":
        many = config["use_lang_emb"] and config["n_langs"] > 1
        language = config.get("lang_id", 0) if many else None
        return uncached.MaskedSteps(runner, config.get("mask_token_id", 0), language)
    if kind == "xlnet":
        return uncached.PermutedSteps(runner)
    if kind == "transfo-xl":
        return uncached.SegmentSteps(runner)
    turn = turning_point(plan)
    if turn:
        return TurningSteps(runner, prompts.fixed, turn)
    if prompts.fixed or guesses:
        return CachedSteps(runner, prompts.fixed, prompts.prefix)
    new = max(call.limit(history) - len(history.ids) for history in _histories(call))
    own: Steps | None = runner.steps(new)
    return own or CachedSteps(runner, prompts.fixed, prompts.prefix)


def _rules_of(call: Call, row: int) -> list[Rule]:
    """Make the rules that know which prompt they serve."""
    allowed = call.given.get("prefix_allowed_tokens_fn")
    if allowed is None:
        return []
    return [Allowed(lambda number, ids: allowed(number, call.runner.native(ids)), row)]


def _histories(call: Call) -> list[History]:
    sources = call.prompts.sources or (None,) * len(call.prompts.rows)
    found = [History(row, len(row), source)
             for row, source in zip(call.prompts.rows, sources, strict=True)]  # fmt: skip
    return [History(h.ids, call.limit(h), h.source) for h in found]


def _by_beams(call: Call) -> Any:
    keys = row_keys(call.seed, call.prompts.identities, 1)
    searches = [Search(call.settings, call.chooser, call.stops, _rules_of(call, number), key)
                for number, key in enumerate(keys)]  # fmt: skip
    groups = make_groups(searches, _histories(call))
    shown = {"scores": call.settings.output_scores, "logits": call.settings.output_logits}
    search_beams(make_steps(call), groups, **shown)
    return results.of_beams(call.runner, call.settings, call.prompts.shown, groups)


def make_rows(call: Call) -> list[Row]:
    """Make the answers of a call, those of a prompt together."""
    copies = call.settings.num_return_sequences
    keys = row_keys(call.seed, call.prompts.identities, copies)
    histories = [history for history in _histories(call) for _ in range(copies)]
    return [Row(number, History(h.ids, call.limit(h), h.source), key,
                _rules_of(call, number // copies))
            for number, (h, key) in enumerate(zip(histories, keys, strict=True))]  # fmt: skip


def _by_rows(call: Call) -> Any:
    rows = make_rows(call)
    pieces = _pieces(call, rows)

    def finish() -> Any:
        return results.of_rows(call.runner, call.settings, call.prompts.shown, rows)

    if call.given.get("stream"):
        return Stream(pieces, finish)
    for _ in pieces:
        pass
    return _shown(call.settings, finish())


def _pieces(call: Call, rows: list[Row]) -> Iterator[Piece]:
    taking = Taking(call.chooser, call.stops, scores=call.settings.output_scores,
                    logits=call.settings.output_logits)  # fmt: skip
    drafter = _drafter(call, rows)
    steps = make_steps(call, guesses=drafter is not None and len(rows) > 1)
    if drafter is not None and isinstance(steps, uncached.RowSteps):
        steps.rewind([])
    pieces = decode(steps, call.prompts.rows, rows, taking, drafter)
    if call.given.get("streamer") is not None:
        pieces = told(pieces, call.given["streamer"], call.prompts.shown)
    tokenizer = call.given.get("tokenizer")
    if call.given.get("stream") and tokenizer is not None:
        skip = bool(call.given.get("skip_special_tokens", True))
        pieces = with_text(pieces, tokenizer, skip_special=skip)
    return pieces


def _drafter(call: Call, rows: list[Row]) -> Drafter | None:
    settings = call.settings
    small = call.given.get("assistant_model")
    if small is None:
        if not settings.prompt_lookup_num_tokens:
            return None
        return Lookup(settings.prompt_lookup_num_tokens, settings.max_matching_ngram_size)
    check_generates(small.plan)
    runner: Runner = small.runner()
    both = small.plan.spec.encoder is not None and small.plan.spec.decoder is not None
    if both != bool(call.prompts.prefix):
        raise NotSupported("The draft model must be of the same kind: with an encoder, or without.")
    prompts = read_prompts(runner, settings, call.given) if both else call.prompts
    fixed = prompts.fixed
    copies = settings.num_return_sequences
    if copies > 1:
        chosen = [n for n in range(len(prompts.rows)) for _ in range(copies)]
        fixed = {name: runner.pick(value, chosen) for name, value in fixed.items()}
    steps = CachedSteps(runner, fixed, prompts.prefix)
    return SmallModel(steps, rows, call.chooser, count=settings.num_assistant_tokens,
                      vocabulary=vocabulary(call.plan))  # fmt: skip


def _shown(settings: Settings, output: Any) -> Any:
    return output if settings.return_dict_in_generate else output.sequences
