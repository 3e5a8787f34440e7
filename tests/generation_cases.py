"""Prompts and settings that generation is compared with the reference on, row by row.

The reference is always asked for one row: alone, without padding, it has no say in a batch.
"""

from typing import Any

import numpy as np

from tests.model_cases import CASES, Case
from tests.seeded_models import inputs

HEADS = ("LMHeadModel", "ForCausalLM", "WithLMHeadModel", "ForConditionalGeneration", "MTModel")
NEW = 8
# What the reference cannot run, or what cannot write: it sees what comes, or needs an encoder.
_LEFT_OUT = {"xlnet-permuted", "roberta", "xlm-roberta", "camembert", "electra"}
CALLS: dict[str, dict[str, Any]] = {
    "greedy": {},
    "beams": {"num_beams": 3, "num_return_sequences": 2},
    "beams-long": {"num_beams": 4, "length_penalty": 2.0, "early_stopping": True},
    "rules": {"repetition_penalty": 1.3, "no_repeat_ngram_size": 2, "min_new_tokens": 4,
              "bad_words_ids": [[5], [7, 8]], "suppress_tokens": [9, 11]},
    "biased": {"sequence_bias": [[[17], 3.0], [[41, 12], 5.0]], "num_beams": 2,
               "exponential_decay_length_penalty": (2, 1.5), "forced_eos_token_id": 2},
}  # fmt: skip


def writers(version: str = "5") -> list[tuple[Case, str]]:
    """Every case and head that can write, of one version of the reference."""
    return [
        (case, head) for case in CASES for head in case.heads
        if case.reference == version and head in HEADS and case.name not in _LEFT_OUT
        and case.inputs != "crossed"
    ]  # fmt: skip


def both(case: Case) -> bool:
    """Whether a case has an encoder and a decoder."""
    return case.inputs in {"seq2seq", "speech"}


def pad_of(case: Case) -> int:
    """What fills short rows."""
    return int(case.config.get("pad_token_id", 1))


def batch(case: Case) -> dict[str, np.ndarray]:
    """Two rows of different lengths, padded on the left where there is no encoder."""
    if case.inputs == "speech":
        return {"input_features": inputs(case, "")["input_features"]}
    ids = np.array([[28, 19, 8, 8, 35, 28, 29], [3, 12, 22, 49, 0, 0, 0]])
    mask = np.array([[1] * 7, [1] * 4 + [0] * 3])
    if not both(case):
        ids[1], mask[1] = [0, 0, 0, 3, 12, 22, 49], [0, 0, 0, 1, 1, 1, 1]
    return {"input_ids": np.where(mask, ids, pad_of(case)), "attention_mask": mask}


def single(case: Case, row: int) -> dict[str, np.ndarray]:
    """One row of the batch without its padding."""
    given = batch(case)
    if "attention_mask" not in given:
        return {name: value[row : row + 1] for name, value in given.items()}
    there = given["attention_mask"][row].astype(bool)
    return {"input_ids": given["input_ids"][row : row + 1, there]}


def settings(case: Case, call: str) -> dict[str, Any]:
    """Arguments of a call."""
    end = case.config.get("eos_token_id", 2)
    more = dict(CALLS[call])
    if "forced_eos_token_id" in more:
        more["forced_eos_token_id"] = end
    return {"max_new_tokens": NEW, "pad_token_id": pad_of(case), "eos_token_id": end, **more}


def answers(case: Case, sequences: Any, prompt: int) -> list[list[int]]:
    """What was written: without prompts, and cut behind the end."""
    end = case.config.get("eos_token_id", 2)
    found = []
    for row in np.asarray(sequences).tolist():
        new = row[1 if both(case) else prompt :]
        found.append(new[: new.index(end) + 1] if end in new else new)
    return found
