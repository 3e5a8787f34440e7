"""Pipelines that write beside transformers, token for token, on tiny seeded models."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if not find_spec("transformers"):
    pytest.skip("needs transformers", allow_module_level=True)

from reprise.base.errors import InvalidInput
from reprise.tasks import pipeline
from tests.parity.test_pipeline_text import assert_same, theirs
from tests.pipeline_models import T5, VOCABULARY, save, texts, word_pieces

pytestmark = pytest.mark.filterwarnings("ignore")
ENGINES = ["onnx", "torch"]
GPT2 = {"vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64,
        "eos_token_id": 3, "bos_token_id": 2, "pad_token_id": 0,
        "initializer_range": 0.4}  # fmt: skip
TEMPLATE = (
    "{% for d in documents or [] %}{{ d.text }} {% endfor %}"
    "{% for t in tools or [] %}{{ t.function.name }} {% endfor %}"
    "{% for m in messages %}{{ m.role }} : {{ m.content }} [SEP]{% endfor %}"
    "{% if add_generation_prompt %}assistant :{% endif %}"
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    root = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(root / "cache"))
        gpt2, t5 = root / "gpt2", root / "t5"
        save(gpt2, "GPT2LMHeadModel", model_type="gpt2", **GPT2)
        tokenizer = word_pieces()
        tokenizer.chat_template = TEMPLATE
        save(root / "chat", "GPT2LMHeadModel", model_type="gpt2", tokenizer=tokenizer, **GPT2)
        save(t5, "T5ForConditionalGeneration", model_type="t5", **T5)
        yield {"gpt2": gpt2, "t5": t5, "chat": root / "chat"}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("options", [{}, {"return_full_text": False}, {"num_beams": 3},
                                     {"repetition_penalty": 1.5},
                                     {"num_beams": 4, "num_return_sequences": 2}])  # fmt: skip
def test_text_generation(folders: dict[str, Path], engine: str, options: dict[str, Any]) -> None:
    options = options | {"max_new_tokens": 9}
    ours = pipeline("text-generation", folders["gpt2"], engine=engine)
    reference = theirs("text-generation", folders["gpt2"])
    for inputs in ("my card", texts(3)):
        assert_same(ours(inputs, **options), reference(inputs, do_sample=False, **options))


def test_ids_are_given_without_padding_behind_them(folders: dict[str, Path]) -> None:
    options = {"max_new_tokens": 9, "return_tensors": True}
    (found,) = pipeline("text-generation", folders["gpt2"])("my card", **options)
    (expected,) = theirs("text-generation", folders["gpt2"])("my card", do_sample=False, **options)
    ids = expected["generated_token_ids"]
    while ids[-1] == GPT2["pad_token_id"]:
        ids = ids[:-1]
    assert found["generated_token_ids"] == list(ids)


ASKED = [
    {"role": "system", "content": "be kind"},
    {"role": "user", "content": "where is my card ?"},
]
BEGUN = [*ASKED, {"role": "assistant", "content": "it is"}]
TOOL = {"type": "function", "function": {"name": "lost", "description": "", "parameters": {}}}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"return_full_text": False},
        {"return_tensors": True},
        {"num_beams": 3, "num_return_sequences": 2},
        {"continue_final_message": True},
        {"continue_final_message": False},
        {"tools": [TOOL], "documents": [{"title": "a", "text": "my card"}]},
        {"tokenizer_encode_kwargs": {"truncation": True, "max_length": 9}},
        {"skip_special_tokens": False},
    ],
)
def test_conversations_go_on(
    folders: dict[str, Path], engine: str, options: dict[str, Any]
) -> None:
    ours = pipeline("conversational", folders["chat"], engine=engine, max_new_tokens=7)
    reference = theirs("text-generation", folders["chat"])
    for chat in (ASKED, BEGUN, [ASKED, BEGUN, ASKED[1:]]):
        expected = reference(chat, do_sample=False, max_new_tokens=7, **options)
        assert _listed(ours(chat, **options)) == _listed(expected)


def _listed(found: Any) -> Any:
    """Turn tensors into lists, without padding behind the end."""
    if isinstance(found, list):
        return [_listed(each) for each in found]
    ids = found.get("generated_token_ids")
    if ids is None:
        return found
    ids = list(ids)
    while ids[-1] == GPT2["pad_token_id"]:
        ids.pop()
    return {"generated_token_ids": ids}


@pytest.mark.parametrize(
    "options",
    [
        {"prefix": "my card"},
        {"prefix": "my card", "return_full_text": False},
        {"stop_sequence": "card"},
        {"handle_long_generation": "hole", "max_new_tokens": 60},
        {"add_special_tokens": False},
    ],
)
def test_parameters_of_texts(folders: dict[str, Path], options: dict[str, Any]) -> None:
    options = {"max_new_tokens": 9, **options}
    ours = pipeline("text-generation", folders["gpt2"])
    reference = theirs("text-generation", folders["gpt2"])
    for inputs in ("where is my new card now ?", texts(3)):
        assert ours(inputs, **options) == reference(inputs, do_sample=False, **options)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("task", "key"),
    [
        ("text2text-generation", "generated_text"),
        ("summarization", "summary_text"),
        ("translation_en_to_de", "translation_text"),
    ],
)
def test_texts_become_texts(folders: dict[str, Path], engine: str, task: str, key: str) -> None:
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    reference = AutoModelForSeq2SeqLM.from_pretrained(folders["t5"])
    tokenizer = AutoTokenizer.from_pretrained(folders["t5"])
    ours = pipeline(task, folders["t5"], engine=engine)
    expected = []
    for text in texts(4):
        given = tokenizer(text, return_tensors="pt", return_token_type_ids=False)
        ids = reference.generate(**given, max_new_tokens=8, do_sample=False)[0]
        expected.append({key: tokenizer.decode(ids, skip_special_tokens=True)})
    assert ours(texts(4), max_new_tokens=8) == expected
    assert ours(texts(1)[0], max_new_tokens=8) == expected[:1]


def test_what_is_written_does_not_depend_on_the_batch(folders: dict[str, Path]) -> None:
    ours = pipeline("text-generation", folders["gpt2"], max_new_tokens=12)
    alone = [ours(text) for text in texts(8)]
    for batch in ("auto", 3):
        assert ours(texts(8), batch=batch) == alone


def test_models_that_do_not_fit_are_refused(folders: dict[str, Path]) -> None:
    with pytest.raises(InvalidInput):
        pipeline("text-generation", folders["t5"])
    with pytest.raises(InvalidInput):
        pipeline("summarization", folders["gpt2"])
