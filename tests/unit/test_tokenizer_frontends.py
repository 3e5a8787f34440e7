"""Front ends in Python: Moses' words, and the pieces of CTRL, XLM and Transformer-XL.

What Moses says comes from sacremoses, see tests/golden/make_tokenizers.py.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from reprise.base.errors import NotSupported
from reprise.tokenizers import AutoTokenizer, Tokenizer
from reprise.tokenizers.frontends import moses
from tests.tokenizer_files import GOLDEN, write_json

MERGES = ["l o", "lo w</w>", "lo w", "low e", "lowe r</w>", "n e", "ne w</w>"]


@cache
def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / "expected.json").read_text())
    return found


def test_words_are_those_of_moses() -> None:
    sentences, wanted = expected()["sentences"], expected()["moses"]
    assert [moses.words(text) for text in sentences] == wanted["words"]
    assert [moses.words(text, split_dashes=True) for text in sentences] == wanted["dashes"]
    assert [moses.normalize_punctuation(text) for text in sentences] == wanted["punctuation"]


def folder(root: Path, model_type: str, vocab: list[str], **config: Any) -> Path:
    root.mkdir(exist_ok=True)
    write_json(root / "vocab.json", {token: number for number, token in enumerate(vocab)})
    (root / "merges.txt").write_text("#version: 0.2\n" + "\n".join(MERGES) + "\n")
    write_json(root / "config.json", {"model_type": model_type})
    write_json(root / "tokenizer_config.json", config)
    return root


def ctrl(root: Path) -> Tokenizer:
    vocab = ["<unk>", "low", "low@@", "lower", "new", "e@@", "r", "s\n", "Links"]
    return AutoTokenizer.from_pretrained(folder(root, "ctrl", vocab))


def test_ctrl_marks_what_continues(tmp_path: Path) -> None:
    tokenizer = ctrl(tmp_path / "ctrl")
    assert tokenizer.tokenize("low lower new lowes") == ["low", "lower", "new", "lowe@@", "s"]
    assert tokenizer.tokenize("a b\nlow") == ["a", "b@@", "\n", "low"]
    found = tokenizer(["low lower", "low"], padding=False)
    assert found.data == {"input_ids": [[1, 3], [1]], "attention_mask": [[1, 1], [1]]}
    assert tokenizer.decode([2, 6, 4]) == "lowr new"
    assert "".join(tokenizer.stream([1, 2, 6, 4])) == "low lowr new"


def test_xlm_lowers_and_strips(tmp_path: Path) -> None:
    vocab = ["<s>", "</s>", "<pad>", "<unk>", "low</w>", "lower</w>", "new</w>", ".</w>"]
    tokenizer = AutoTokenizer.from_pretrained(folder(tmp_path / "xlm", "xlm", vocab))
    found = tokenizer("LÓWER new.", "low")
    assert found.tokens() == ["<s>", "lower</w>", "new</w>", ".</w>", "</s>", "low</w>", "</s>"]
    assert found.input_ids == [0, 5, 6, 7, 1, 4, 1]
    assert tokenizer.decode(found.input_ids, skip_special_tokens=True) == "lower new . low"
    cased = AutoTokenizer.from_pretrained(tmp_path / "xlm", do_lowercase_and_remove_accent=False)
    assert cased.tokenize("new") == ["new</w>"]
    assert cased("NEW").input_ids == [0, 3, 3, 3, 1]


def test_transformer_xl_reads_its_pickle(tmp_path: Path) -> None:
    (tmp_path / "vocab.pkl").write_bytes((GOLDEN / "transfo_xl.pkl").read_bytes())
    write_json(tmp_path / "config.json", {"model_type": "transfo-xl"})
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    found = tokenizer("the card is not-here 5,300 zap .")
    assert found.data == {"input_ids": [2, 3, 4, 5, 7, 6, 9, 8, 10, 1, 11]}
    assert tokenizer.decode(found.input_ids) == "the card is not-here 5,300 <unk>."
    assert (tokenizer.unk_token, tokenizer.eos_token_id) == ("<unk>", 0)


@pytest.mark.parametrize("model_type", ["ctrl", "xlm"])
def test_front_ends_are_saved_and_loaded(tmp_path: Path, model_type: str) -> None:
    vocab = ["<s>", "</s>", "<pad>", "<unk>", "low</w>", "lower"]
    tokenizer = AutoTokenizer.from_pretrained(folder(tmp_path / "old", model_type, vocab))
    tokenizer.add_tokens(["zap"])
    tokenizer.save_pretrained(tmp_path / "new")
    assert not (tmp_path / "new" / "tokenizer.json").exists()
    again = AutoTokenizer.from_pretrained(tmp_path / "new")
    assert (again.spec, again.fingerprint()) == (tokenizer.spec, tokenizer.fingerprint())


def test_added_tokens_are_cut_out_first(tmp_path: Path) -> None:
    tokenizer = ctrl(tmp_path / "ctrl")
    tokenizer.add_tokens(["lower new"])
    assert tokenizer.tokenize("low lower new low") == ["low", "lower new", "low"]


def test_offsets_are_not_pretended(tmp_path: Path) -> None:
    with pytest.raises(NotSupported, match="type ctrl cannot give offsets"):
        ctrl(tmp_path / "ctrl")("low", return_offsets_mapping=True)
