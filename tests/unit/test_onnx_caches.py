"""Keys and values kept between calls: token after token gives what the whole text gives."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprise.models.config import Config
from reprise.models.plan import make_plan
from tests.model_cases import CASES, Case
from tests.onnx_models import case_named, loaded
from tests.seeded_models import inputs

DECODERS = {"LMHeadModel", "ForCausalLM", "ForConditionalGeneration"}
# LongRoPE turns other frequencies when a text grows past the trained length: no cache can follow.
CHANGING = {"phi3-longrope"}


def reads_backwards(case: Case, head: str) -> bool:
    spec = make_plan(Config({"model_type": case.model_type, **case.config}), head).spec
    tower = spec.decoder or spec.encoder
    return tower is not None and tower.stack.attention.causal and not spec.torch_only


CAUSAL = [
    pytest.param(case, head, id=f"{case.name}-{head}")
    for case in CASES for head in case.heads
    if head in DECODERS and case.name not in CHANGING and reads_backwards(case, head)
]  # fmt: skip
TOLERANCE = 1e-5


def by_parts(
    model: Any, name: str, ids: np.ndarray, mask: np.ndarray, given: dict[str, Any]
) -> Any:
    """Call a model with three tokens, one, then the rest."""
    past, found = None, []
    for start, end in ((0, 3), (3, 4), (4, ids.shape[1])):
        seen = {name: ids[:, start:end], name.replace("input_ids", "attention_mask"): mask[:, :end]}
        output = model(**given, **seen, past_key_values=past, use_cache=True)
        past = output.past_key_values
        found.append(output.logits)
    assert past.length == past.get_seq_length() == ids.shape[1]
    return np.concatenate(found, axis=1)


def texts(model: Any, case: Case, head: str) -> tuple[str, np.ndarray, dict[str, Any]]:
    given = inputs(case, head)
    both = model.spec.encoder and model.spec.decoder
    name = "decoder_input_ids" if both else "input_ids"
    ids = given.pop(name)
    dropped = {"position_ids", "token_type_ids", *(() if both else ("attention_mask",))}
    return name, ids, {k: v for k, v in given.items() if k not in dropped}


@pytest.mark.parametrize(("case", "head"), CAUSAL)
def test_a_cache_gives_what_the_whole_text_gives(case: Case, head: str, tmp_path: Path) -> None:
    model = loaded(case, head, tmp_path)
    name, ids, given = texts(model, case, head)
    mask = np.ones_like(ids)
    mask[1, :2] = 0  # padded on the left
    whole = model(**given, **{name: ids, name.replace("input_ids", "attention_mask"): mask})
    found = by_parts(model, name, ids, mask, given)
    there = mask.astype(bool)
    np.testing.assert_allclose(found[there], whole.logits[there], atol=TOLERANCE, rtol=TOLERANCE)


def test_reordering_a_cache_follows_the_rows(tmp_path: Path) -> None:
    model = loaded(case_named("gpt2"), "LMHeadModel", tmp_path)
    ids = np.array([[5, 6, 7], [8, 9, 10]])
    past = model(ids, use_cache=True).past_key_values
    past.reorder(np.array([1, 0]))
    found = model(np.array([[11], [12]]), past_key_values=past).logits[:, -1]
    whole = model(np.array([[8, 9, 10, 11], [5, 6, 7, 12]])).logits[:, -1]
    np.testing.assert_allclose(found, whole, atol=TOLERANCE, rtol=TOLERANCE)


def test_the_encoders_keys_are_computed_once(tmp_path: Path) -> None:
    model = loaded(case_named("t5"), "ForConditionalGeneration", tmp_path)
    first = model(np.array([[5, 6, 7]]), decoder_input_ids=np.array([[0]]), use_cache=True)
    kept = first.past_key_values.cross[0][0]
    encoded = {"last_hidden_state": first.encoder_last_hidden_state}
    second = model(encoder_outputs=(encoded["last_hidden_state"],),
                   decoder_input_ids=np.array([[9]]),
                   past_key_values=first.past_key_values)  # fmt: skip
    assert second.past_key_values.cross[0][0] is kept
    whole = model(np.array([[5, 6, 7]]), decoder_input_ids=np.array([[0, 9]]))
    np.testing.assert_allclose(
        second.logits[:, 0], whole.logits[:, 1], atol=TOLERANCE, rtol=TOLERANCE
    )


def test_only_the_last_logits_are_computed_when_asked(tmp_path: Path) -> None:
    model = loaded(case_named("llama"), "ForCausalLM", tmp_path)
    ids = np.array([[5, 6, 7, 8]])
    whole, last = model(ids).logits, model(ids, logits_to_keep=2).logits
    assert last.shape == (1, 2, whole.shape[-1])
    np.testing.assert_allclose(last, whole[:, -2:], atol=TOLERANCE, rtol=TOLERANCE)
