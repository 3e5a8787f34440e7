"""Generation beside the reference: every family, every rule, and samples by their distribution."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers.generation import logits_process

from reprise.models.auto import concrete_class
from reprise.models.families import family_of
from reprise.models.generate.history import History
from reprise.models.generate.narrowing import make_narrowings, softmax
from reprise.models.generate.rules import make_rules
from reprise.models.generate.settings import Settings
from tests.generation_cases import CALLS, answers, batch, settings, writers
from tests.golden.make_generation import written
from tests.golden.make_models import VERSION, reference
from tests.model_cases import Case
from tests.onnx_models import case_named

FAMILIES = [pytest.param(case, head, id=case.name) for case, head in writers(VERSION)]


@pytest.mark.parametrize(("case", "head"), FAMILIES)
@torch.no_grad()
def test_both_engines_write_what_the_reference_writes(
    case: Case, head: str, tmp_path: Path
) -> None:
    theirs = reference(case, head, tmp_path)
    expected = {call: written(theirs, case, call) for call in CALLS}
    given = batch(case)
    prompt = given["input_ids"].shape[1] if "input_ids" in given else 1
    for engine in ("torch", "onnx")[: 1 if case.model_type == "xlnet" else 2]:
        loader = concrete_class(family_of(case.model_type), head)
        model = loader.from_pretrained(tmp_path, engine=engine)
        found = {
            call: answers(case, np.asarray(model.generate(**given, **settings(case, call))), prompt)
            for call in CALLS
        }
        assert found == expected, engine


TEXT = np.array([3, 5, 7, 5, 7, 9, 3, 5, 7])
SOURCE = np.array([9, 3, 5, 11, 4])
RULES = [
    ({"repetition_penalty": 1.7}, ("RepetitionPenaltyLogitsProcessor", 1.7)),
    ({"no_repeat_ngram_size": 1}, ("NoRepeatNGramLogitsProcessor", 1)),
    ({"no_repeat_ngram_size": 3}, ("NoRepeatNGramLogitsProcessor", 3)),
    ({"encoder_repetition_penalty": 1.7},
     ("EncoderRepetitionPenaltyLogitsProcessor", 1.7, torch.from_numpy(SOURCE[None]))),
    ({"encoder_no_repeat_ngram_size": 2},
     ("EncoderNoRepeatNGramLogitsProcessor", 2, torch.from_numpy(SOURCE[None]))),
    ({"bad_words_ids": ((5,), (5, 7, 12), (7, 5), (2,))},
     ("NoBadWordsLogitsProcessor", [[5], [5, 7, 12], [7, 5], [2]], torch.tensor([2]))),
    ({"sequence_bias": (((4,), 2.5), ((5, 7, 8), -3.0), ((1, 2), 9.0))},
     ("SequenceBiasLogitsProcessor", [[[4], 2.5], [[5, 7, 8], -3.0], [[1, 2], 9.0]])),
    ({"min_length": 10}, ("MinLengthLogitsProcessor", 10, torch.tensor([2]))),
    ({"min_length": 9}, ("MinLengthLogitsProcessor", 9, torch.tensor([2]))),
    ({"min_new_tokens": 5}, ("MinNewTokensLengthLogitsProcessor", 5, 5, torch.tensor([2]))),
    ({"forced_eos_token_id": (2,)}, ("ForcedEOSTokenLogitsProcessor", 10, 2)),
    ({"forced_bos_token_id": 6}, ("ForcedBOSTokenLogitsProcessor", 6)),
    ({"exponential_decay_length_penalty": (2, 1.3)},
     ("ExponentialDecayLengthPenalty", (2, 1.3), torch.tensor([2]), 5)),
    ({"suppress_tokens": (4, 9)}, ("SuppressTokensLogitsProcessor", [4, 9])),
    ({"begin_suppress_tokens": (4, 9)}, ("SuppressTokensAtBeginLogitsProcessor", [4, 9], 5)),
]  # fmt: skip


@pytest.mark.parametrize(("own", "theirs"), RULES, ids=lambda part: str(part)[:40])
def test_a_rule_changes_scores_as_the_reference_does(
    own: dict[str, Any], theirs: tuple[Any, ...]
) -> None:
    generator = np.random.default_rng(5)
    made = getattr(logits_process, theirs[0])(*theirs[1:])
    rules = make_rules(Settings(eos_token_id=(2,), **own), 20, lambda _: 10)
    for length in range(5, 10):
        history = History(TEXT[:5], 12, SOURCE)
        for token in TEXT[5:length]:
            history.append(int(token))
        scores = (generator.standard_normal(20) * 4).astype(np.float32)
        expected = made(
            torch.from_numpy(TEXT[None, :length]), torch.from_numpy(scores[None].copy())
        )
        for rule in rules:
            rule(scores, history)
        np.testing.assert_array_equal(scores, expected[0].numpy())


NARROWINGS = [
    ({"temperature": 0.7}, ("TemperatureLogitsWarper", 0.7)),
    ({"top_k": 7}, ("TopKLogitsWarper", 7)),
    ({"top_k": 500}, ("TopKLogitsWarper", 500)),
    ({"top_p": 0.8}, ("TopPLogitsWarper", 0.8)),
    ({"top_p": 0.01}, ("TopPLogitsWarper", 0.01)),
    ({"min_p": 0.1}, ("MinPLogitsWarper", 0.1)),
    ({"typical_p": 0.6}, ("TypicalLogitsWarper", 0.6)),
    ({"epsilon_cutoff": 0.02}, ("EpsilonLogitsWarper", 0.02)),
    ({"eta_cutoff": 0.02}, ("EtaLogitsWarper", 0.02)),
]


@pytest.mark.parametrize(("own", "theirs"), NARROWINGS, ids=lambda part: str(part)[:30])
def test_sampling_leaves_the_tokens_that_the_reference_leaves(
    own: dict[str, Any], theirs: tuple[Any, ...]
) -> None:
    made = getattr(logits_process, theirs[0])(*theirs[1:])
    (narrow,) = make_narrowings(Settings(**{"top_k": 0} | own), 100)
    generator = np.random.default_rng(5)
    for spread in (0.5, 2.0, 8.0):
        scores = (generator.standard_normal(100) * spread).astype(np.float32)
        expected = made(torch.zeros(1, 1, dtype=torch.int64), torch.from_numpy(scores[None].copy()))
        np.testing.assert_allclose(narrow(scores), expected[0].numpy(), rtol=1e-6)


@torch.no_grad()
def test_samples_fall_as_the_references_probabilities_say(tmp_path: Path) -> None:
    """Chi-squared of 3,000 first tokens and 3,000 second ones against what they are drawn from."""
    case = case_named("gpt2")
    theirs = reference(case, "LMHeadModel", tmp_path)
    loader = concrete_class(family_of("gpt2"), "LMHeadModel")
    model = loader.from_pretrained(tmp_path, engine="torch")
    ids = torch.tensor([[28, 19, 8, 8]])
    asked = {"do_sample": True, "temperature": 1.3, "top_k": 12, "seed": 1, "max_new_tokens": 2}
    found = model.generate(ids, num_return_sequences=3000, eos_token_id=[], **asked)[:, 4:]
    first = theirs(ids).logits[0, -1].numpy()
    assert _chi_squared(found[:, 0], first) < 31.3  # 11 degrees of freedom: one in a thousand
    likeliest = int(np.bincount(found[:, 0].numpy()).argmax())
    behind = found[found[:, 0] == likeliest, 1]
    second = theirs(torch.cat((ids, torch.tensor([[likeliest]])), dim=1)).logits[0, -1].numpy()
    assert _chi_squared(behind, second) < 31.3


def _chi_squared(found: torch.Tensor, scores: np.ndarray) -> float:
    scores = scores / np.float32(1.3)
    scores[scores < np.sort(scores)[-12]] = -np.inf
    expected = softmax(scores) * len(found)
    counted = Counter(found.tolist())
    assert all(expected[token] > 0 for token in counted)
    tokens = np.flatnonzero(expected)
    return float(sum((counted[int(t)] - expected[t]) ** 2 / expected[t] for t in tokens))
