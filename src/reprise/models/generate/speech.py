"""What Whisper's decoder begins with: language, task, and whether times are to be written."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.models.generate.seam import Array, Runner
from reprise.models.generate.settings import FILE_NAME, Settings, read_file
from reprise.models.generate.times import Times

ARGUMENTS = frozenset({"language", "task", "return_timestamps"})
_TASKS = ("transcribe", "translate")


def speech_file(folder: Path | None) -> Mapping[str, Any]:
    """Read what a model's own settings say of languages and tasks."""
    path = folder / FILE_NAME if folder else None
    return read_file(path) if path is not None and path.is_file() else {}


def start_tokens(runner: Runner, told: Mapping[str, Any], given: Mapping[str, Any],
                 encoded: Any, start: int) -> Array:  # fmt: skip
    """Give what each row's decoder begins with, [B, P].

    Args:
        runner: The model.
        told: Its own settings: `lang_to_id`, `task_to_id`, `no_timestamps_token_id`.
        given: The call's `language` (of all rows, or one each), `task` and `return_timestamps`.
        encoded: What the encoder gave.
        start: The first token.

    Raises:
        InvalidInput: The model knows no such language or task.
    """
    count = len(encoded[0])
    rows = np.full((count, 1), start, np.int64)
    languages, tasks = told.get("lang_to_id") or {}, told.get("task_to_id") or {}
    if not languages and (given.get("language") or given.get("task")):
        raise InvalidInput(
            "This model's settings name no languages and tasks.",
            hint=f"They stand in {FILE_NAME}: lang_to_id and task_to_id. Give decoder_input_ids.",
        )
    if languages:
        spoken = _languages(runner, languages, given.get("language"), encoded, rows)
        task = _known("task", given.get("task", _TASKS[0]), tasks)
        rows = np.concatenate((rows, spoken[:, None], np.full((count, 1), task)), axis=1)
    silent = told.get("no_timestamps_token_id")
    if silent is None or given.get("return_timestamps"):
        return rows
    return np.concatenate((rows, np.full((count, 1), int(silent))), axis=1)


def times_rule(folder: Path | None, settings: Settings, given: Mapping[str, Any]) -> list[Times]:
    """Make the rule of times for a call that asks for them.

    Raises:
        InvalidInput: The model's settings do not say which tokens are times, or other times than
            those of sentences are asked for.
    """
    asked = given.get("return_timestamps", False)
    if asked not in (True, False):
        raise InvalidInput(
            f"generate writes times of sentences: return_timestamps is True or False, not "
            f"{asked!r:.40}.",
            hint="The pipeline automatic-speech-recognition finds times of words.",
        )
    if not asked:
        return []
    told = speech_file(folder)
    silent = told.get("no_timestamps_token_id")
    if not isinstance(silent, int) or not settings.eos_token_id:
        raise InvalidInput(
            "This model's settings do not say which tokens are times.",
            hint=f"no_timestamps_token_id and eos_token_id stand in {FILE_NAME}.",
        )
    return [Times(silent, settings.eos_token_id[0], told.get("max_initial_timestamp_index"))]


def _languages(runner: Runner, known: Mapping[str, int], given: Any, encoded: Any,
               rows: Array) -> Array:  # fmt: skip
    """Read the languages, or hear them: the likeliest language token behind the start."""
    if given is not None:
        many = [given] * len(rows) if isinstance(given, str) else list(given)
        if len(many) != len(rows):
            raise InvalidInput(f"language names {len(many)} languages for {len(rows)} rows.")
        return np.array([_known("language", one, known) for one in many], np.int64)
    feeds = {"encoder_outputs": encoded, "decoder_input_ids": rows}
    scores = runner.scores(feeds, runner.new_cache(), 1)[:, 0]
    tokens = np.array(sorted(known.values()), np.int64)
    found: Array = tokens[scores[:, tokens].argmax(axis=1)]
    return found


def _known(what: str, given: Any, table: Mapping[str, int]) -> int:
    for name in (given, f"<|{given}|>", f"<|{str(given).lower()}|>"):
        if name in table:
            return int(table[name])
    raise InvalidInput(
        f"This model knows no {what} {given!r}.", hint=f"It knows {', '.join(sorted(table))}."
    )
