"""XLM, CTRL and Transformer-XL against what their own classes made of the same texts and files.

The files: tests/golden/make_frontends.py.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from reprise.tokenizers import AutoTokenizer
from reprise.tokenizers.frontends.detokenizing import join_words
from tests.tokenizer_files import GOLDEN

FOLDER = GOLDEN / "frontends"
CASED = {"do_lowercase_and_remove_accent": False}


@pytest.mark.parametrize(
    ("name", "variant", "options"),
    [("xlm", "", {}), ("xlm", "cased", CASED), ("ctrl", "", {}), ("transfo-xl", "", {})],
)
@pytest.mark.parametrize("saved", [False, True], ids=["own", "saved"])
def test_a_front_end_does_what_its_class_does(
    tmp_path: Path, name: str, variant: str, options: dict[str, Any], saved: bool
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(FOLDER / name, **options)
    if saved:
        tokenizer.save_pretrained(tmp_path)
        tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    rows = json.loads((FOLDER / name / "expected.json").read_text())[variant]
    assert len(rows) > 80
    for row in rows:
        assert tokenizer(row["text"]).input_ids == row["ids"]
        assert tokenizer(row["text"], "the second card").input_ids == row["pair"]
        found = tokenizer.decode(row["ids"], clean_up_tokenization_spaces=False)
        assert found == row["decoded"], row["text"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("He said : ' no , thanks ' ( twice ) .", "He said: 'no, thanks' (twice)."),
        ("the Jones ' house isn 't $ 5 , is it ?", "the Jones' house isn't $5, is it?"),
        ("a well @-@ known „ word “ of € 3", "a well-known „word“ of €3"),
        ("我 的 卡 card 我", "我的卡 card 我"),
        ("&lt; b &gt; &amp;", "< b > &"),
        ("", ""),
    ],
)
def test_words_are_put_together_as_moses_does(words: str, text: str) -> None:
    assert join_words(words.split()) == text
