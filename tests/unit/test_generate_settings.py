"""Where settings come from, and how they end a row."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reprise.models.auto import AutoConfig, concrete_class
from reprise.models.config import Config
from reprise.models.families import family_of
from reprise.models.generate.settings import Settings, make_settings, stored_settings
from tests.onnx_models import case_named, stored
from tests.tokenizer_files import trained
from tests.unit.test_generate_families import model_of

PROMPT = np.array([[28, 19, 8, 8, 35, 28, 29]])


def folder_of(tmp_path: Path, name: str = "gpt2", **files: dict[str, Any]) -> Path:
    case = case_named(name)
    stored(case, "LMHeadModel", tmp_path)
    Config({"model_type": name, **case.config} | files.get("config", {})).save(tmp_path)
    if "generation" in files:
        (tmp_path / "generation_config.json").write_text(json.dumps(files["generation"]))
    return tmp_path


def loaded(folder: Path, engine: str) -> Any:
    return concrete_class(family_of("gpt2"), "LMHeadModel").from_pretrained(folder, engine=engine)


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_the_models_own_file_decides(engine: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, generation={"max_new_tokens": 3, "forced_eos_token_id": 4})
    model = loaded(folder, engine)
    assert np.asarray(model.generate(PROMPT)).tolist()[0][7:] == [41, 41, 4]
    longer = model.generate(PROMPT, max_new_tokens=4, forced_eos_token_id=6)
    assert np.asarray(longer).tolist()[0][7:] == [41, 41, 41, 6]


def test_old_keys_of_the_configuration_count_where_there_is_no_file(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, config={"max_length": 9, "num_beams": 2})
    found = stored_settings(AutoConfig.from_pretrained(folder), folder)
    assert (found.max_length, found.num_beams, found.eos_token_id) == (9, 2, (2,))
    folder = folder_of(tmp_path, config={"max_length": 9, "num_beams": 2}, generation={})
    found = stored_settings(AutoConfig.from_pretrained(folder), folder)
    assert (found.max_length, found.num_beams, found.eos_token_id) == (None, 1, (2,))


def test_what_a_file_says_wrongly_is_left_out(tmp_path: Path) -> None:
    wrong = {"temperature": "hot", "top_k": -3, "num_beams": 2, "who": "knows"}
    folder = folder_of(tmp_path, generation=wrong)
    found = stored_settings(AutoConfig.from_pretrained(folder), folder)
    assert (found.temperature, found.top_k, found.num_beams) == (1.0, 50, 2)


def test_a_generation_config_may_be_a_mapping_a_path_or_an_object(tmp_path: Path) -> None:
    path = tmp_path / "generation_config.json"
    path.write_text('{"top_k": 7}')

    class Given:
        def to_dict(self) -> dict[str, Any]:
            return {"top_k": 7, "cache_implementation": None}

    for stated in ({"top_k": 7}, path, str(tmp_path), Given(), Settings(top_k=7)):
        found = make_settings(Config({}), None, {"generation_config": stated})
        assert found.top_k == 7


@pytest.mark.parametrize("config", [{}, {"max_length": 9}])
def test_twenty_tokens_are_written_unless_somebody_says_otherwise(
    config: dict[str, Any], tmp_path: Path
) -> None:
    model = loaded(folder_of(tmp_path, config=config), "onnx")
    # 7 tokens of the prompt, and 24 positions in all.
    assert model.generate(PROMPT, eos_token_id=[]).shape == (1, config.get("max_length", 24))


def test_a_text_ends_the_row_that_has_it(tmp_path: Path) -> None:
    class Spelled:
        """A tokenizer that says how this model's 50 tokens are spelled."""

        def decode(self, tokens: list[int]) -> str:
            return "".join(chr(97 + token % 26) for token in tokens)

    model = model_of(case_named("gpt2"), "LMHeadModel", "onnx", tmp_path)
    found = model.generate(PROMPT, max_new_tokens=9, no_repeat_ngram_size=1, eos_token_id=2)
    text = Spelled().decode(found[0, 7:].tolist())
    asked = {"stop_strings": text[2:4], "tokenizer": Spelled(), "no_repeat_ngram_size": 1,
             "max_new_tokens": 9, "eos_token_id": 2, "return_dict_in_generate": True}  # fmt: skip
    stopped = model.generate(PROMPT, **asked)
    assert stopped.sequences.tolist() == found[:, : 7 + 4].tolist()
    assert stopped.finish_reasons == ("stop_string",)
    beams = model.generate(PROMPT, **asked, num_beams=2)
    assert beams.finish_reasons[0] in {"stop_string", "length"}


def test_time_ends_every_row(tmp_path: Path) -> None:
    model = model_of(case_named("gpt2"), "LMHeadModel", "onnx", tmp_path)
    found = model.generate(PROMPT, max_new_tokens=9, max_time=1e-9, return_dict_in_generate=True)
    assert (found.sequences.shape, found.finish_reasons) == ((1, 8), ("time",))


def test_a_model_without_a_prompt_begins_with_its_own_token(tmp_path: Path) -> None:
    model = model_of(case_named("gpt2"), "LMHeadModel", "onnx", tmp_path)
    found = model.generate(max_new_tokens=2, eos_token_id=[])
    assert found.tolist() == model.generate([[1]], max_new_tokens=2, eos_token_id=[]).tolist()


def test_a_model_in_training_writes_without_dropout_and_stays_in_training(tmp_path: Path) -> None:
    model = model_of(case_named("gpt2"), "LMHeadModel", "torch", tmp_path)
    expected = model.generate(torch.from_numpy(PROMPT), max_new_tokens=5)
    model.train()
    assert torch.equal(model.generate(torch.from_numpy(PROMPT), max_new_tokens=5), expected)
    assert model.training


def test_torchs_seed_decides_where_a_call_names_none(tmp_path: Path) -> None:
    model = model_of(case_named("gpt2"), "LMHeadModel", "torch", tmp_path)
    found = []
    for _ in range(2):
        torch.manual_seed(7)
        found.append(model.generate(PROMPT, do_sample=True, max_new_tokens=9).tolist())
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", ["BPE", "WordPiece"])
def test_the_texts_of_a_stream_are_the_whole_text(kind: str, tmp_path: Path) -> None:
    tokenizer = trained(kind)
    model = model_of(case_named("gpt2"), "LMHeadModel", "onnx", tmp_path)
    asked = {"max_new_tokens": 12, "no_repeat_ngram_size": 1, "eos_token_id": []}
    rows = np.concatenate((PROMPT, PROMPT + 3))
    stream = model.generate(rows, **asked, stream=True, tokenizer=tokenizer)
    pieces = list(stream)
    for row, ids in enumerate(stream.output.sequences[:, 7:].tolist()):
        text = "".join(piece.text for piece in pieces if piece.row == row)
        assert text == tokenizer.decode(ids, skip_special_tokens=True)
        assert text
