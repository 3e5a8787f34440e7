"""How to generate: a call's arguments over `generation_config.json` over old keys over defaults."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidFormat, InvalidInput, NotSupported
from reprise.models.config import Config
from reprise.models.generate.checking import check_hands, checked

log = logging.getLogger(__name__)
FILE_NAME = "generation_config.json"
_MAX_BYTES = 4 << 20
Ids = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to generate, by transformers' names; `checking.py` says what each may be."""

    max_length: int | None = None  # of a row, its prompt included
    max_new_tokens: int | None = None
    min_length: int = 0
    min_new_tokens: int = 0
    max_time: float | None = None  # seconds
    early_stopping: bool | str = False
    stop_strings: tuple[str, ...] = ()
    do_sample: bool = False
    num_beams: int = 1
    num_beam_groups: int = 1
    diversity_penalty: float = 0.0
    length_penalty: float = 1.0
    num_return_sequences: int = 1
    temperature: float = 1.0
    top_k: int = 50
    top_p: float = 1.0
    min_p: float = 0.0
    typical_p: float = 1.0
    epsilon_cutoff: float = 0.0
    eta_cutoff: float = 0.0
    repetition_penalty: float = 1.0
    encoder_repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    encoder_no_repeat_ngram_size: int = 0
    bad_words_ids: tuple[Ids, ...] = ()
    sequence_bias: tuple[tuple[Ids, float], ...] = ()
    suppress_tokens: Ids = ()
    begin_suppress_tokens: Ids = ()
    forced_bos_token_id: int | None = None
    forced_eos_token_id: Ids = ()
    exponential_decay_length_penalty: tuple[int, float] | None = None
    renormalize_logits: bool = False
    remove_invalid_values: bool = False
    bos_token_id: int | None = None
    eos_token_id: Ids = ()
    pad_token_id: int | None = None
    decoder_start_token_id: int | None = None
    prompt_lookup_num_tokens: int = 0
    max_matching_ngram_size: int = 2
    num_assistant_tokens: int = 5
    return_dict_in_generate: bool = False
    output_scores: bool = False
    output_logits: bool = False
    seed: int | None = None

    @property
    def pad(self) -> int:
        """What fills the rows that ended."""
        if self.pad_token_id is not None:
            return self.pad_token_id
        return self.eos_token_id[0] if self.eos_token_id else 0


NAMES = frozenset(field.name for field in fields(Settings))
# Arguments about how the reference computes, which change nothing here.
IGNORED = frozenset({
    "use_cache", "cache_implementation", "cache_config", "max_cache_len", "low_memory",
    "compile_config", "disable_compile", "is_assistant", "num_assistant_tokens_schedule",
    "assistant_confidence_threshold", "assistant_lookbehind", "target_lookbehind",
    "prefill_chunk_size", "synced_gpus", "return_legacy_cache", "transformers_version",
    "_from_model_config", "_commit_hash",
})  # fmt: skip
# What the reference has and this loop has not, with values that ask for nothing.
_ABSENT: dict[str, tuple[Any, ...]] = {
    "penalty_alpha": (0, 0.0), "dola_layers": (), "guidance_scale": (1, 1.0), "constraints": (),
    "force_words_ids": (), "watermarking_config": (), "token_healing": (False,), "top_h": (),
    "assistant_early_exit": (), "output_attentions": (False,), "output_hidden_states": (False,),
    "inputs_embeds": (), "negative_prompt_ids": (), "use_mtp": (False,), "custom_generate": (),
    "assistant_ensemble_weight": (), "speculation_type": (), "past_key_values": (),
}  # fmt: skip


def make_settings(config: Config, folder: Path | None, given: Mapping[str, Any]) -> Settings:
    """Read how to generate.

    Args:
        config: The model's; what its file says of generation counts where no other file is.
        folder: Where `generation_config.json` may be.
        given: Arguments of the call, and `generation_config`: a mapping, a path, or an object
            with `to_dict`.

    Raises:
        InvalidInput: A value cannot be.
        NotSupported: Something is asked for that this loop has not.
        InvalidFormat: The file is no JSON object.
    """
    stated = given.get("generation_config")
    own = {k: v for k, v in given.items() if k != "generation_config" and v is not None}
    check_hands(given)
    from_call = (read_stated(stated) if stated is not None else {}) | own
    _refuse_absent(from_call)
    base = stored_settings(config, folder)
    try:
        values = {k: checked(k, v) for k, v in from_call.items() if k in NAMES}
    except InvalidInput as error:
        raise InvalidInput(f"generate: {error.message}", hint=error.hint) from None
    if "max_new_tokens" in values and "max_length" not in values:
        base = replace(base, max_length=None)
    if "max_length" in values and "max_new_tokens" not in values:
        base = replace(base, max_new_tokens=None)
    return together(replace(base, **values))


def stored_settings(config: Config, folder: Path | None) -> Settings:
    """Read what a model's files say of generation; what nobody can use is left out."""
    from reprise.models.generate.defaults import DEFAULTS

    known: dict[str, Any] = dict(DEFAULTS.get(config.model_type, {}))
    inner = config.get("decoder")
    if isinstance(inner, Mapping):  # of two models in one, that of the one that writes
        known |= DEFAULTS.get(str(inner.get("model_type")), {})
        known |= {k: inner[k] for k in NAMES & set(inner) if inner[k] is not None}
    known |= {k: config[k] for k in NAMES if k in config and config[k] is not None}
    file = folder / FILE_NAME if folder else None
    if file is not None and file.is_file():
        # The file speaks for everything but the special tokens, which it may leave out.
        tokens = {k: v for k, v in known.items() if k.endswith("token_id") and "forced" not in k}
        known = tokens | {k: v for k, v in read_file(file).items() if v is not None}
    found = {}
    for name in NAMES & set(known):
        try:
            found[name] = checked(name, known[name])
        except InvalidInput as error:
            log.warning("The model's own settings are not used where they cannot be: %s", error)
    return Settings(**found)


def read_file(path: Path) -> dict[str, Any]:
    """Read a `generation_config.json`.

    Raises:
        InvalidFormat: It is no JSON object, or far too large.
        InvalidInput: There is no such file.
    """
    try:
        size = path.stat().st_size
    except (OSError, ValueError):
        raise InvalidInput(f"There is no file of settings {str(path)!r:.300}.") from None
    if size > _MAX_BYTES:
        raise InvalidFormat(f"{path} is larger than {_MAX_BYTES >> 20} MiB: no settings are.")
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InvalidFormat(f"{path} is not valid JSON: {error}") from None
    if not isinstance(found, dict):
        raise InvalidFormat(f"{path} must hold a JSON object, not {type(found).__name__}.")
    return found


def read_stated(stated: Any) -> dict[str, Any]:
    """Read a `generation_config` argument; None means as without it."""
    if isinstance(stated, str | PathLike):
        path = Path(stated)
        found = read_file(path / FILE_NAME if path.is_dir() else path)
    elif isinstance(stated, Mapping):
        found = dict(stated)
    elif callable(getattr(stated, "to_dict", None)):
        found = dict(stated.to_dict())
    elif isinstance(stated, Settings):
        plain = Settings()
        found = {name: getattr(stated, name) for name in NAMES}
        found = {name: value for name, value in found.items() if value != getattr(plain, name)}
    else:
        raise InvalidInput(
            f"generation_config must be a mapping or a path, not {type(stated).__name__}."
        )
    return {k: v for k, v in found.items() if v is not None}


def _refuse_absent(given: Mapping[str, Any]) -> None:
    for name in _ABSENT.keys() & given.keys():
        if given[name] not in _ABSENT[name]:
            raise NotSupported(
                f"generate has no {name} (given: {given[name]!r:.60}).",
                hint="Leave it out, or shape the scores with logits_processor.",
            )


def refuse_unknown(names: set[str], known: set[str]) -> None:
    """Refuse arguments that nobody knows.

    Raises:
        InvalidInput: Naming what was perhaps meant.
    """
    unknown = sorted(names - known - NAMES - IGNORED - set(_ABSENT) - {"generation_config"})
    if not unknown:
        return
    near = get_close_matches(unknown[0], [*known, *NAMES], n=1)
    raise InvalidInput(
        f"generate knows no argument {', '.join(unknown)}.",
        hint=f"Perhaps {near[0]} is meant." if near else "The guide to generation lists them.",
    )


def together(found: Settings) -> Settings:
    """Refuse what cannot be asked for at once.

    Raises:
        InvalidInput: Naming both.
    """
    beams, groups = found.num_beams, found.num_beam_groups
    if beams % groups:
        raise InvalidInput(f"num_beams={beams} cannot be shared by num_beam_groups={groups}.")
    if groups > 1 and found.do_sample:
        raise InvalidInput("Groups of beams differ by diversity_penalty: do_sample must be False.")
    if found.num_return_sequences > max(beams, 1) and beams > 1:
        raise InvalidInput(
            f"num_return_sequences={found.num_return_sequences} is more than num_beams={beams}."
        )
    if found.num_return_sequences > 1 and beams == 1 and not found.do_sample:
        raise InvalidInput(
            "Greedy search has one answer: num_return_sequences needs do_sample or num_beams."
        )
    if beams > 1 and found.prompt_lookup_num_tokens:
        raise InvalidInput("prompt_lookup_num_tokens speeds up single rows: num_beams must be 1.")
    return found
