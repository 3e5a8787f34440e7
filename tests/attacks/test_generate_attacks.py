"""What generation refuses: each with a clear error, before or while it runs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reprise.base.errors import InvalidFormat, InvalidInput, NotSupported
from tests.onnx_models import case_named
from tests.unit.test_generate_families import model_of

PROMPT = [[28, 19, 8, 8, 35, 28, 29]]


@pytest.fixture(scope="module", params=["torch", "onnx"])
def gpt2(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("gpt2")
    return model_of(case_named("gpt2"), "LMHeadModel", request.param, folder)


def refused(model: Any, *given: Any, **more: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        model.generate(*given, **more)
    return str(caught.value)


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        ([[]], "at least one token"),
        ([], "at least one token"),
        ([[1.5, 2.0]], "whole numbers"),
        (["text"], "whole numbers"),
        ([[[1]]], "[1, 1, 1]"),
        ([[50]], "from 0 to 49"),
        ([[-1]], "from 0 to 49"),
        ([[5] * 24], "24 positions"),
        ([[1] * 4000], "4000 tokens"),
    ],
)
def test_prompts_that_cannot_be(gpt2: Any, ids: Any, says: str) -> None:
    assert says in refused(gpt2, ids)


def test_a_row_of_padding_alone(gpt2: Any) -> None:
    mask = [[1, 1], [0, 0]]
    assert "Row 1 has no tokens" in refused(gpt2, [[5, 6], [0, 0]], attention_mask=mask)
    assert "[2, 2]" in refused(gpt2, [[5, 6], [0, 0]], attention_mask=[[1, 1]])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 0), ("temperature", -1), ("temperature", float("nan")),
        ("temperature", "hot"), ("top_k", -1), ("top_k", 2.5), ("top_p", 1.5), ("top_p", -0.1),
        ("min_p", 2), ("typical_p", float("inf")), ("num_beams", 0), ("num_beams", 10**9),
        ("max_new_tokens", 0), ("max_new_tokens", True), ("max_new_tokens", 10**12),
        ("repetition_penalty", 0), ("length_penalty", float("nan")), ("early_stopping", "maybe"),
        ("bad_words_ids", [[]]), ("bad_words_ids", 5), ("bad_words_ids", [[99]]),
        ("bad_words_ids", [[-4]]), ("sequence_bias", {}), ("sequence_bias", [[[1], "much"]]),
        ("stop_strings", ""), ("stop_strings", [5]), ("seed", -1), ("eos_token_id", "</s>"),
        ("num_return_sequences", 2), ("num_beam_groups", 2), ("max_time", 0),
        ("exponential_decay_length_penalty", (1,)), ("forced_bos_token_id", 77),
        ("suppress_tokens", "all"), ("do_sample", "yes"), ("max_length", 7),
        ("assistant_model", "gpt2"), ("prefix_allowed_tokens_fn", 5), ("logits_processor", 5),
        ("prefix_allowed_tokens_fn", lambda *_: None), ("stopping_criteria", 5),
        ("prefix_allowed_tokens_fn", lambda *_: "ab"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be(gpt2: Any, name: str, value: Any) -> None:
    message = refused(gpt2, PROMPT, **{name: value})
    assert name in message or "stop_strings" in message


def test_a_file_of_settings_that_is_not_there(gpt2: Any) -> None:
    message = refused(gpt2, PROMPT, generation_config="/no/such/folder")
    assert "There is no file of settings '/no/such/folder'" in message


@pytest.mark.parametrize("temperature", [1e-9, 1e-38, 1e-320])
def test_the_coldest_samples_are_the_likeliest_tokens(gpt2: Any, temperature: float) -> None:
    cold = gpt2.generate(PROMPT, do_sample=True, temperature=temperature, max_new_tokens=5)
    assert cold.tolist() == gpt2.generate(PROMPT, max_new_tokens=5).tolist()


def test_more_than_there_are_positions(gpt2: Any) -> None:
    message = refused(gpt2, PROMPT, max_new_tokens=18)
    assert "24 positions" in message
    assert "max_new_tokens=17" in message
    assert np.asarray(gpt2.generate(PROMPT, max_new_tokens=17, eos_token_id=[])).shape == (1, 24)


def test_arguments_that_nobody_knows(gpt2: Any) -> None:
    assert "Perhaps temperature is meant" in refused(gpt2, PROMPT, temprature=2)
    assert "no language" in refused(gpt2, PROMPT, language="en")


@pytest.mark.parametrize("name", ["penalty_alpha", "guidance_scale", "force_words_ids"])
def test_what_the_loop_has_not(gpt2: Any, name: str) -> None:
    with pytest.raises(NotSupported, match=name):
        gpt2.generate(PROMPT, **{name: 3})


def test_beams_and_streams(gpt2: Any) -> None:
    assert "num_beams=1" in refused(gpt2, PROMPT, num_beams=2, stream=True)
    assert "num_beams" in refused(gpt2, PROMPT, num_beams=3, num_beam_groups=2)
    assert "num_beams=2" in refused(gpt2, PROMPT, num_beams=2, num_return_sequences=3)
    assert "tokenizer" in refused(gpt2, PROMPT, stop_strings="x")


def test_rules_that_leave_nothing(gpt2: Any) -> None:
    every = list(range(50))
    assert "forbid every token" in refused(gpt2, PROMPT, suppress_tokens=every)
    assert "forbid every token" in refused(gpt2, PROMPT, suppress_tokens=every, num_beams=2)
    assert "at least one" in refused(gpt2, PROMPT, prefix_allowed_tokens_fn=lambda _, __: [])
    assert "from 0 to 49" in refused(gpt2, PROMPT, prefix_allowed_tokens_fn=lambda _, __: [50])
    assert "[1, 50]" in refused(gpt2, PROMPT, logits_processor=lambda _, scores: scores[:, :3])


@pytest.mark.parametrize("beams", [1, 2])
def test_scores_that_are_no_numbers(beams: int, tmp_path: Path) -> None:
    model = model_of(case_named("gpt2"), "LMHeadModel", "torch", tmp_path)
    with torch.no_grad():
        model.norm.weight.fill_(float("nan"))
    message = refused(model, torch.tensor(PROMPT), num_beams=beams)
    assert "not finite numbers" in message
    assert "float32" in message
    repaired = model.generate(
        torch.tensor(PROMPT), max_new_tokens=2, remove_invalid_values=True, num_beams=beams
    )
    assert repaired.shape == (1, 9)


def test_models_that_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    body = model_of(case_named("gpt2"), "Model", "torch", tmp_path / "a")
    assert "GPT2Model has no language head" in refused(body, torch.tensor(PROMPT))
    masked = model_of(case_named("bert"), "ForMaskedLM", "onnx", tmp_path / "b")
    assert "sees what comes after" in refused(masked, PROMPT)


def test_models_without_a_cache_take_no_guesses_back(tmp_path: Path) -> None:
    model = model_of(case_named("xlm"), "WithLMHeadModel", "onnx", tmp_path)
    with pytest.raises(NotSupported, match="guesses"):
        model.generate(PROMPT, prompt_lookup_num_tokens=2)


def test_an_encoder_needs_its_input(tmp_path: Path) -> None:
    model = model_of(case_named("t5"), "ForConditionalGeneration", "onnx", tmp_path)
    assert "input_ids" in refused(model)
    assert "decoder_input_ids" in refused(model, PROMPT, decoder_input_ids=[[1], [2]])
    assert "from 0 to 49" in refused(model, [[70]])
    assert "from 0 to 49" in refused(model, PROMPT, decoder_start_token_id=60)


@pytest.mark.parametrize("text", ["[1]", "{", '"a"'])
def test_files_of_settings_that_are_none(gpt2: Any, text: str, tmp_path: Path) -> None:
    path = tmp_path / "generation_config.json"
    path.write_text(text)
    with pytest.raises(InvalidFormat):
        gpt2.generate(PROMPT, generation_config=path)
    assert "mapping" in refused(gpt2, PROMPT, generation_config=5)
