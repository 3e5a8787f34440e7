"""Rows of a batch, luck, guesses and streams: none of them changes what a row becomes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reprise.models.generate.call import generate
from reprise.models.generate.rows import Piece
from reprise.models.generate.steps import CachedSteps
from tests.generation_cases import NEW, batch, writers
from tests.onnx_models import case_named
from tests.unit.test_generate_families import model_of

PROMPTS = [[28, 19, 8, 8, 35, 28, 29], [3, 12, 22, 49], [5]]
SAMPLED = {"do_sample": True, "temperature": 1.5, "top_k": 20, "seed": 11}
ENGINES = ("torch", "onnx")


def padded(rows: list[list[int]]) -> dict[str, np.ndarray]:
    width = max(map(len, rows))
    ids = [[0] * (width - len(row)) + row for row in rows]
    mask = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
    return {"input_ids": np.array(ids), "attention_mask": np.array(mask)}


def written(model: Any, rows: list[list[int]], **settings: Any) -> list[list[int]]:
    given = padded(rows)
    settings = {"max_new_tokens": NEW, "pad_token_id": 0, "eos_token_id": 2} | settings
    found = np.asarray(model.generate(**given, **settings))
    return [row[given["input_ids"].shape[1] :] for row in found.tolist()]


@pytest.fixture(params=ENGINES)
def gpt2(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return model_of(case_named("gpt2"), "LMHeadModel", request.param, tmp_path)


def test_samples_of_a_batch_are_those_of_single_calls(gpt2: Any) -> None:
    alone = [written(gpt2, [row], **SAMPLED)[0] for row in PROMPTS]
    assert written(gpt2, PROMPTS, **SAMPLED) == alone
    assert written(gpt2, PROMPTS[::-1], **SAMPLED) == alone[::-1]


def test_equal_prompts_have_luck_of_their_own(gpt2: Any) -> None:
    together = written(gpt2, [PROMPTS[0]] * 4, **SAMPLED)
    assert together == written(gpt2, PROMPTS[:1], **SAMPLED, num_return_sequences=4)
    assert len({tuple(row) for row in together}) > 1


def test_another_seed_gives_another_text(gpt2: Any) -> None:
    first = written(gpt2, PROMPTS, **SAMPLED)
    assert written(gpt2, PROMPTS, **SAMPLED) == first
    assert written(gpt2, PROMPTS, **SAMPLED | {"seed": 12}) != first


@pytest.mark.parametrize("more", [{}, SAMPLED, {"repetition_penalty": 1.4}])
def test_text_lookup_changes_nothing(gpt2: Any, more: dict[str, Any]) -> None:
    rows = [[5, 6, 7, 5, 6], *PROMPTS]
    plain = written(gpt2, rows, max_new_tokens=12, **more)
    guessed = written(gpt2, rows, max_new_tokens=12, prompt_lookup_num_tokens=4, **more)
    assert guessed == plain


@pytest.mark.parametrize("more", [{}, SAMPLED, SAMPLED | {"num_return_sequences": 3}])
def test_a_draft_model_changes_nothing(gpt2: Any, more: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "draft"
    folder.mkdir()
    draft = model_of(case_named("llama"), "ForCausalLM", "onnx", folder)
    plain = written(gpt2, PROMPTS, max_new_tokens=12, **more)
    assert written(gpt2, PROMPTS, max_new_tokens=12, assistant_model=draft, **more) == plain


def test_a_model_that_drafts_for_itself_is_asked_less_often(gpt2: Any) -> None:
    plain = written(gpt2, PROMPTS[:1], max_new_tokens=12, **SAMPLED)
    runs: list[int] = []
    runner = gpt2.runner()
    steps = runner.steps(8) or CachedSteps(runner, {})
    start, feed = steps.start, steps.feed
    steps.start = lambda rows: runs.append(1) or start(rows)
    steps.feed = lambda tokens: runs.append(tokens.shape[1]) or feed(tokens)
    runner.steps = lambda _: steps
    given = padded(PROMPTS[:1]) | SAMPLED | {"max_new_tokens": 12, "eos_token_id": 2}
    found = generate(runner, given | {"assistant_model": gpt2, "num_assistant_tokens": 5})
    assert np.asarray(found)[0, len(PROMPTS[0]) :].tolist() == plain[0]
    assert runs == [1, 6, 5]  # the prompt, then guesses that all came true


@pytest.mark.parametrize("name", ["t5", "bart", "whisper"])
@pytest.mark.parametrize("engine", ENGINES)
def test_drafts_work_behind_an_encoder(name: str, engine: str, tmp_path: Path) -> None:
    case = case_named(name)
    model = model_of(case, "ForConditionalGeneration", engine, tmp_path)
    asked = {"max_new_tokens": NEW, "eos_token_id": 2, "do_sample": True, "seed": 3}
    plain = np.asarray(model.generate(**batch(case), **asked, num_return_sequences=2))
    guessed = model.generate(**batch(case), **asked, num_return_sequences=2, assistant_model=model)
    assert np.asarray(guessed).tolist() == plain.tolist()


def test_a_stream_is_the_whole(gpt2: Any) -> None:
    given = padded(PROMPTS) | {"max_new_tokens": NEW, "eos_token_id": 41, "pad_token_id": 0}
    stream = gpt2.generate(**given, stream=True)
    pieces = list(stream)
    whole = np.asarray(gpt2.generate(**given))
    assert np.asarray(stream.output.sequences).tolist() == whole.tolist()
    for row in range(len(PROMPTS)):
        own = [piece for piece in pieces if piece.row == row]
        found = [piece.token for piece in own]
        assert found + [0] * (whole.shape[1] - 7 - len(found)) == whole[row, 7:].tolist()
        assert [piece.ended for piece in own[:-1]] == [""] * (len(own) - 1)
        assert own[-1].ended == ("eos" if own[-1].token == 41 else "length")


def test_a_stream_computes_only_what_is_asked_for(gpt2: Any) -> None:
    stream = gpt2.generate(**padded(PROMPTS[:1]), max_new_tokens=17, stream=True)
    first = next(stream)
    assert first == Piece(0, 41)
    stream.close()
    assert np.asarray(stream.output.sequences).tolist() == [[*PROMPTS[0], 41]]


@pytest.mark.parametrize("call", [{}, {"num_beams": 3}])
def test_scores_are_kept_on_request(gpt2: Any, call: dict[str, Any]) -> None:
    given = padded(PROMPTS[:2]) | {"max_new_tokens": 5, "eos_token_id": 2, "output_scores": True}
    found = gpt2.generate(**given, **call, output_logits=True, return_dict_in_generate=True)
    rows = 2 * call.get("num_beams", 1)
    assert [np.shape(step) for step in found.scores] == [(rows, 50)] * 5
    assert [np.shape(step) for step in found.logits] == [(rows, 50)] * 5
    if call:
        assert np.shape(found.sequences_scores) == (2,)
    else:
        chosen = [int(np.asarray(step)[0].argmax()) for step in found.scores]
        assert chosen == np.asarray(found.sequences)[0, 7:].tolist()


def test_groups_of_beams_differ(gpt2: Any) -> None:
    asked = {"num_beams": 4, "num_return_sequences": 4, "max_new_tokens": 4, "eos_token_id": None}
    apart = {"num_beam_groups": 4, "diversity_penalty": 50.0}
    found = written(gpt2, PROMPTS[:1], **asked, **apart)
    assert len({row[0] for row in found}) == 4
    alike = written(gpt2, PROMPTS[:1], **asked | {"num_beam_groups": 4})
    assert len({tuple(row) for row in alike}) == 1


def test_a_callback_says_what_may_come(gpt2: Any) -> None:
    even = [token for token in range(50) if token % 2 == 0]
    seen = []

    def allowed(row: int, ids: Any) -> list[int]:
        seen.append((row, len(ids)))
        return even

    found = written(gpt2, PROMPTS, prefix_allowed_tokens_fn=allowed)
    assert all(token % 2 == 0 for row in found for token in row)
    assert seen[:3] == [(0, 7), (1, 4), (2, 1)]


def test_a_processor_and_a_criterion_see_the_engines_arrays(gpt2: Any) -> None:
    def only_nine(_: Any, scores: Any) -> Any:
        scores[:, 9] = 1e9
        return scores

    found = written(gpt2, PROMPTS, logits_processor=only_nine,
                    stopping_criteria=[lambda ids, _: ids.shape[1] > 8])  # fmt: skip
    assert found == [[9, 9, 0, 0, 0, 0, 0, 0], [9, 9, 9, 9, 9, 0, 0, 0], [9] * 8]


def test_transformer_xl_writes_with_its_memory(tmp_path: Path) -> None:
    (case, head), *_ = [pair for pair in writers("4") if pair[0].name == "transfo-xl"]
    model = model_of(case, head, "torch", tmp_path)
    found = written(model, PROMPTS[:2])
    assert found == [written(model, [row])[0] for row in PROMPTS[:2]]
    mems, ids = None, torch.tensor([PROMPTS[0]])
    for token in found[0][:4]:
        output = model(input_ids=ids, mems=mems)
        assert int(output.logits[0, -1].argmax()) == token
        mems, ids = output.mems, torch.tensor([[token]])
