"""Tokenizers written to folders and read again."""

import json
from pathlib import Path
from typing import Any

import pytest

import reprise.tokenizers
from reprise.base.errors import InvalidFormat, InvalidInput
from reprise.tokenizers import AddedToken, AutoTokenizer, BertTokenizerFast
from tests.tokenizer_files import KINDS, TEXTS, fresh, own_bert, vocab_folder, write_json


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_saved_is_what_is_loaded(tmp_path: Path, kind: str) -> None:
    tokenizer = fresh(kind)
    tokenizer.add_special_tokens({"mask_token": AddedToken("<m>", lstrip=True),
                                  "extra_special_tokens": ["<a>", "<b>"]})  # fmt: skip
    tokenizer.model_max_length = 77
    tokenizer.padding_side = "left"
    files = tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert {path.name for path in files} == {path.name for path in tmp_path.iterdir()}
    assert again.spec == tokenizer.spec
    assert again.special_tokens_map == tokenizer.special_tokens_map
    assert again.extra_special_tokens == ["<a>", "<b>"]
    assert (again.model_max_length, again.padding_side) == (77, "left")
    assert again.special("mask_token") == AddedToken(
        "<m>", lstrip=True, special=True, normalized=False
    )
    assert again(TEXTS, padding=True).data == tokenizer(TEXTS, padding=True).data


def test_unknown_settings_are_kept(tmp_path: Path) -> None:
    own_bert().save_pretrained(tmp_path)
    path = tmp_path / "tokenizer_config.json"
    data = {**json.loads(path.read_text()), "somebody": {"else's": [1]}, "image_token": "<i>"}
    write_json(path, data)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert (tokenizer.image_token, tokenizer.image_token_id) == ("<i>", len(tokenizer) - 1)
    tokenizer.save_pretrained(tmp_path / "copy")
    saved = json.loads((tmp_path / "copy" / "tokenizer_config.json").read_text())
    assert (saved["somebody"], saved["image_token"]) == ({"else's": [1]}, "<i>")


def test_tokens_that_only_the_configuration_lists_are_added(tmp_path: Path) -> None:
    tokenizer = own_bert()
    tokenizer.save_pretrained(tmp_path)
    path = tmp_path / "tokenizer_config.json"
    entry = {"content": "<new>", "lstrip": True, "rstrip": False, "single_word": False,
             "normalized": False, "special": True}  # fmt: skip
    data = {**json.loads(path.read_text()), "added_tokens_decoder": {str(len(tokenizer)): entry}}
    write_json(path, data)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded.added_tokens_decoder[len(tokenizer)].lstrip
    assert loaded("my <new>").input_ids[2] == len(tokenizer)


def test_old_added_tokens_keep_their_order(tmp_path: Path) -> None:
    vocab = own_bert().get_vocab()
    lines = sorted(vocab, key=vocab.__getitem__)
    (tmp_path / "vocab.txt").write_text("\n".join(lines))
    write_json(tmp_path / "added_tokens.json", {"zwei": len(vocab) + 1, "eins": len(vocab)})
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, tokenizer_class="BertTokenizer")
    assert tokenizer.convert_tokens_to_ids(["eins", "zwei"]) == [len(vocab), len(vocab) + 1]
    named = AutoTokenizer.from_pretrained(
        tmp_path, tokenizer_class="BertTokenizer", bos_token="zwei", eos_token="eins"
    )
    assert (named.bos_token_id, named.eos_token_id) == (len(vocab) + 1, len(vocab))
    assert named.added_tokens_decoder[len(vocab)].special


@pytest.mark.parametrize(
    ("added", "message"),
    [({"x": 90}, r"'x' claims id 90, but the next free one is \d+\.\n"), ({"x": "1"}, "with ids"),
     ({"x": 1, "y": 1}, "id twice"), ({"x": -1}, "with ids")],
)  # fmt: skip
def test_ids_are_never_changed_silently(
    tmp_path: Path, added: dict[str, Any], message: str
) -> None:
    folder = vocab_folder(tmp_path / "m", own_bert(), "BertTokenizer")
    write_json(folder / "added_tokens.json", added)
    with pytest.raises(InvalidFormat, match=message):
        AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize(
    ("settings", "tokens"),
    [
        ({"add_bos_token": True}, ["<s>", "Ġmy"]),
        ({"add_bos_token": True, "add_eos_token": True}, ["<s>", "Ġmy", "</s>"]),
        ({}, ["Ġmy"]),
    ],
)
def test_first_and_last_token_are_settings(
    tmp_path: Path, settings: dict[str, Any], tokens: list[str]
) -> None:
    tokenizer = fresh("BPE")
    tokenizer.add_special_tokens({"bos_token": "<s>"})
    tokenizer.save_pretrained(tmp_path)
    assert AutoTokenizer.from_pretrained(tmp_path, **settings)(" my").tokens() == tokens


def test_a_subfolder_holds_a_tokenizer(tmp_path: Path) -> None:
    own_bert().save_pretrained(tmp_path / "deep" / "er")
    assert len(AutoTokenizer.from_pretrained(tmp_path, subfolder="deep/er")) == len(own_bert())


def test_class_names_lead_to_families(tmp_path: Path) -> None:
    own_bert().save_pretrained(tmp_path)
    assert BertTokenizerFast.from_pretrained(tmp_path)("my").data == own_bert()("my").data
    assert reprise.tokenizers.GPT2Tokenizer is reprise.tokenizers.GPT2Tokenizer
    with pytest.raises(AttributeError, match="NobodysTokenizer"):
        reprise.tokenizers.NobodysTokenizer  # noqa: B018 - reading is the test


def test_saving_onto_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="is a file; pass a folder"):
        own_bert().save_pretrained(tmp_path / "file")
    with pytest.raises(InvalidInput, match="pass the folder"):
        AutoTokenizer.from_pretrained(tmp_path / "file")
