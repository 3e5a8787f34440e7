"""Names of arguments that people's code has from transformers, of version 4 as well as 5."""

import json
from pathlib import Path

import pytest

from reprise.base.errors import InvalidInput
from reprise.tasks import Pipeline, pipeline
from reprise.tokenizers import Tokenizer
from tests.pipeline_models import save, texts
from tests.worker_models import save_writer

CONTEXT = "My card is lost. Where is it?"


def made(folder: Path, head: str, **more: object) -> Pipeline:
    labels = {"id2label": {0: "cat", 1: "dog"}, "label2id": {"cat": 0, "dog": 1}}
    return pipeline(model=save(folder, head, **labels), **more)


def test_all_scores_come_in_the_models_order(tmp_path: Path) -> None:
    pipe = made(tmp_path, "BertForSequenceClassification")
    (found,) = pipe(CONTEXT, return_all_scores=True)
    assert [each["label"] for each in found] == ["cat", "dog"]
    assert pipe([CONTEXT], return_all_scores=False) == pipe([CONTEXT])
    assert pipe(CONTEXT, max_length=4) == pipe(CONTEXT, max_length=4, truncation=True)


def test_entities_are_joined_by_their_old_names(tmp_path: Path) -> None:
    pipe = made(tmp_path, "BertForTokenClassification", grouped_entities=True)
    assert pipe(CONTEXT) == pipe(CONTEXT, aggregation_strategy="simple")
    assert pipe(CONTEXT, grouped_entities=True, ignore_subwords=True) == pipe(
        CONTEXT, aggregation_strategy="first"
    )
    assert pipe(CONTEXT, ignore_labels=None) == pipe(CONTEXT, ignore_labels=["O"])
    for wrong in ({"ignore_labels": "cat"}, {"delimiter": 5}):
        with pytest.raises(InvalidInput, match=next(iter(wrong))):
            pipe(CONTEXT, **wrong)


def test_questions_are_asked_in_every_way(tmp_path: Path) -> None:
    pipe = made(tmp_path, "BertForQuestionAnswering")
    asked = {"question": "What is lost?", "context": CONTEXT}
    found = pipe(**asked)
    assert [pipe(asked), pipe([asked]), pipe(data=asked), pipe(X=[asked]),
            pipe(asked["question"], CONTEXT), *pipe([asked, asked])] == [found] * 7  # fmt: skip


def test_masks_are_filled_from_words(tmp_path: Path) -> None:
    pipe = made(tmp_path, "BertForMaskedLM")
    assert pipe("My [MASK].", top_k=None) == pipe("My [MASK].")
    for wrong in ({"targets": 5}, {"tokenizer_kwargs": 5}):
        with pytest.raises(InvalidInput, match=r"targets is 5|parameters are a mapping"):
            pipe("My [MASK].", **wrong)


def test_what_is_written_on_is_called_text_inputs(tmp_path: Path) -> None:
    pipe = pipeline(model=save_writer(tmp_path), max_new_tokens=3)
    chat = [{"role": "user", "content": CONTEXT}]
    assert pipe(text_inputs=CONTEXT) == pipe(CONTEXT)
    assert pipe(text_inputs=chat) == pipe(chat)
    plain = pipeline("text-generation", pipe.model, tokenizer=pipe.tokenizer)
    assert plain(CONTEXT, generation_config={"max_new_tokens": 3}) == pipe(CONTEXT)
    for name in ("prefix", "stop_sequence", "tokenizer_encode_kwargs", "generate_kwargs"):
        with pytest.raises(InvalidInput, match=r"must be text|is a mapping, not 5"):
            pipe(CONTEXT, **{name: 5})
    for wrong in ({"messages": chat}, [{"role": "user"}]):
        with pytest.raises(InvalidInput, match=r"A conversation is a list|must be text"):
            pipe(wrong)


def test_texts_that_end_a_row_may_stand_in_the_models_settings(tmp_path: Path) -> None:
    folder = save_writer(tmp_path)
    whole = pipeline(model=folder)(CONTEXT, max_new_tokens=9, return_full_text=False)
    wanted = whole[0]["generated_text"][1:3]
    (folder / "generation_config.json").write_text(json.dumps({"stop_strings": [wanted]}))
    (found,) = pipeline(model=folder)(CONTEXT, max_new_tokens=9, return_full_text=False)
    assert wanted in found["generated_text"]
    assert len(found["generated_text"]) < len(whole[0]["generated_text"])


def test_a_prompt_longer_than_a_model_was_made_for_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pipe = pipeline(model=save_writer(tmp_path, length=16), max_new_tokens=1)
    pipe("card")
    assert caplog.text == ""
    pipe("card " * 20)
    assert "tokens, and this model was made for 16: what it writes may make no sense" in caplog.text


def test_how_much_is_written_does_not_depend_on_the_neighbours(tmp_path: Path) -> None:
    sizes = {"n_embd": 32, "n_layer": 1, "n_head": 4, "n_positions": 64}
    folder = save(tmp_path, "GPT2LMHeadModel", model_type="gpt2", eos_token_id=None,
                  pad_token_id=0, bos_token_id=2, **sizes)  # fmt: skip
    pipe = pipeline(model=folder)
    long = "my card is lost now " * 11
    assert pipe(["my card", long], batch=2) == [pipe("my card"), pipe(long)]


def test_the_last_token_may_be_the_first_of_the_vocabulary(tmp_path: Path) -> None:
    tokenizer = Tokenizer.train_new("BPE", texts(50), vocab_size=300)  # without padding, as GPT-2's
    sizes = {"n_embd": 32, "n_layer": 1, "n_head": 4, "n_positions": 64}
    folder = save(tmp_path, "GPT2LMHeadModel", model_type="gpt2", tokenizer=tokenizer,
                  eos_token_id=299, pad_token_id=None, bos_token_id=299, **sizes)  # fmt: skip
    pipe = pipeline(model=folder, max_new_tokens=4, return_full_text=False)
    found = pipe(["my card", "card"], prefix_allowed_tokens_fn=lambda *_: [0])
    assert tokenizer.decode([0]) == "!"
    assert found == [[{"generated_text": "!!!!"}]] * 2
