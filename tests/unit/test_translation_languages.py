"""Which language is translated into which: by the task's name, or by parameters of a call."""

from pathlib import Path

import pytest

from reprise.base.errors import InvalidInput
from reprise.tasks import pipeline
from reprise.tokenizers import AutoTokenizer
from tests.pipeline_models import save
from tests.tokenizer_files import spm_folder

BART = {"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 4,
        "decoder_attention_heads": 4, "encoder_ffn_dim": 40, "decoder_ffn_dim": 40,
        "max_position_embeddings": 64, "init_std": 0.4, "pad_token_id": 1, "eos_token_id": 2,
        "decoder_start_token_id": 2}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spelled = spm_folder(tmp_path_factory.mktemp("spm"), "unigram", "MBartTokenizer")
    tokenizer = AutoTokenizer.from_pretrained(spelled)
    return save(tmp_path_factory.mktemp("m"), "MBartForConditionalGeneration", model_type="mbart",
                tokenizer=tokenizer, **{**BART, "vocab_size": len(tokenizer)})  # fmt: skip


def test_the_name_of_the_task_says_the_languages(folder: Path) -> None:
    by_call = {"max_new_tokens": 4, "src_lang": "de_DE", "tgt_lang": "fr_XX"}
    expected = pipeline("translation", folder)("my card", **by_call)
    for name in ("translation_de_to_fr", "translation_de_DE_to_fr_XX"):
        pipe = pipeline(name, folder)
        assert pipe("my card", max_new_tokens=4) == expected
        assert pipe.languages == ("de_DE", "fr_XX")
    with pytest.raises(InvalidInput, match=r"no language 'tlh'; it knows .*de_DE"):
        pipeline("translation_tlh_to_fr", folder)


def test_a_language_of_one_call_is_not_that_of_the_next(folder: Path) -> None:
    pipe = pipeline("translation_en_to_fr", folder, max_new_tokens=4)
    before = pipe("my card")
    pipe("my card", src_lang="ro_RO")
    assert pipe.tokenizer.src_lang == "ro_RO"
    assert pipe("my card") == before
    assert pipe.tokenizer.src_lang == "en_XX"
