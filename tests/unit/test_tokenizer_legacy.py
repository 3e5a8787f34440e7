"""Tokenizers as they were saved before tokenizer.json, against the tools that own the formats.

The expected ids in tests/golden/tokenizers come from SentencePiece itself, see make_tokenizers.py.
"""

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from reprise.base.errors import EntryNotFound, InvalidFormat, InvalidInput
from reprise.tokenizers import AutoTokenizer, Tokenizer
from reprise.tokenizers.legacy.byte_alphabet import alphabet
from tests.tokenizer_files import (
    GOLDEN,
    TEXTS,
    bert,
    bpe_folder,
    fresh,
    spm_folder,
    trained,
    vocab_folder,
    write_json,
)


@cache
def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / "expected.json").read_text())
    return found


def plain(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    found: list[list[int]] = tokenizer(texts, add_special_tokens=False).input_ids
    return found


@pytest.mark.parametrize(
    ("model", "cls"),
    [("unigram", "UnheardOfTokenizer"), ("bpe", "LlamaTokenizer"), ("gemma", "GemmaTokenizer"),
     ("t5", "T5Tokenizer"), ("unigram", "BigBirdTokenizer"), ("unigram", "DebertaV2Tokenizer")],
)  # fmt: skip
def test_ids_are_those_of_sentencepiece(tmp_path: Path, model: str, cls: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(spm_folder(tmp_path / "m", model, cls))
    wanted = expected()["sentencepiece"][model]
    assert plain(tokenizer, expected()["sentences"]) == wanted


@pytest.mark.parametrize("cls", ["XLMRobertaTokenizer", "MBartTokenizer", "MBart50Tokenizer"])
def test_fairseq_puts_four_tokens_first(tmp_path: Path, cls: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(spm_folder(tmp_path / "m", "unigram", cls))
    wanted = [
        [each + 1 if each > 2 else 3 for each in row]
        for row in expected()["sentencepiece"]["unigram"]
    ]
    assert plain(tokenizer, expected()["sentences"]) == wanted
    assert tokenizer.convert_ids_to_tokens([0, 1, 2, 3]) == ["<s>", "<pad>", "</s>", "<unk>"]
    assert tokenizer.mask_token_id == tokenizer.vocab_size - 1


@pytest.mark.parametrize(
    ("cls", "single", "pair"),
    [
        ("T5Tokenizer", "A </s>", "A </s> B </s>"),
        ("LlamaTokenizer", "<s> A", "<s> A <s> B"),
        ("XLMRobertaTokenizer", "<s> A </s>", "<s> A </s> </s> B </s>"),
        ("CamembertTokenizer", "<s> A </s>", "<s> A </s> </s> B </s>"),
        ("AlbertTokenizer", "[CLS] A [SEP]", "[CLS] A [SEP] B [SEP]"),
        ("XLNetTokenizer", "A <sep> <cls>", "A <sep> B <sep> <cls>"),
        ("PegasusTokenizer", "A </s>", "A B </s>"),
        ("MBartTokenizer", "A </s> en_XX", "A B </s> en_XX"),
        ("MBart50Tokenizer", "en_XX A </s>", "en_XX A B </s>"),
        ("XGLMTokenizer", "</s> A", "</s> A </s> </s> B"),
    ],
)
def test_each_family_has_its_template(tmp_path: Path, cls: str, single: str, pair: str) -> None:
    model = "t5" if cls == "PegasusTokenizer" else "unigram"
    tokenizer = AutoTokenizer.from_pretrained(spm_folder(tmp_path / "m", model, cls))
    a, b = tokenizer.tokenize("my card"), tokenizer.tokenize("is it")

    def filled(template: str) -> list[str]:
        parts = {"A": a, "B": b}
        return [token for word in template.split() for token in parts.get(word, [word])]

    assert tokenizer("my card").tokens() == filled(single)
    assert tokenizer("my card", "is it").tokens() == filled(pair)


def test_numbers_of_the_families(tmp_path: Path) -> None:
    t5 = AutoTokenizer.from_pretrained(spm_folder(tmp_path / "t5", "t5", "T5Tokenizer"))
    assert t5.convert_tokens_to_ids(["<pad>", "</s>", "<extra_id_0>", "<extra_id_99>"]) == [
        0, 1, 999, 900,
    ]  # fmt: skip
    assert t5.extra_special_tokens == [f"<extra_id_{number}>" for number in range(100)]
    bare = AutoTokenizer.from_pretrained(tmp_path / "t5", extra_ids=0)
    assert (len(bare), bare.extra_special_tokens) == (900, [])
    with pytest.raises(InvalidFormat, match="extra_ids is -1"):
        AutoTokenizer.from_pretrained(tmp_path / "t5", extra_ids=-1)
    pegasus = AutoTokenizer.from_pretrained(spm_folder(tmp_path / "p", "t5", "PegasusTokenizer"))
    assert pegasus.convert_tokens_to_ids(["<pad>", "</s>", "<mask_1>", "<mask_2>", "<unk_2>"]) == [
        0, 1, 2, 3, 4,
    ]  # fmt: skip
    xlnet = AutoTokenizer.from_pretrained(spm_folder(tmp_path / "x", "unigram", "XLNetTokenizer"))
    found = xlnet(["of", "of card"], padding=True)
    assert found.token_type_ids == [[3, 0, 0, 2], [0, 0, 0, 2]]
    assert xlnet.padding_side == "left"


def test_languages_choose_the_template(tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(
        spm_folder(tmp_path / "m", "unigram", "MBartTokenizer"), src_lang="de_DE", tgt_lang="fr_XX"
    )
    found = tokenizer("my", text_target="my")
    codes = tokenizer.convert_tokens_to_ids(["de_DE", "fr_XX", "ro_RO"])
    assert (found.input_ids[-1], found["labels"][-1]) == (codes[0], codes[1])
    tokenizer.src_lang = "ro_RO"
    assert (tokenizer("my").input_ids[-1], tokenizer.src_lang) == (codes[2], "ro_RO")
    with pytest.raises(InvalidInput, match=r"Unknown language 'klingon'.*en_XX"):
        tokenizer.tgt_lang = "klingon"
    with pytest.raises(InvalidInput, match="marks no languages"):
        fresh("BPE").src_lang = "de_DE"


def test_marian_has_two_models_and_one_vocabulary(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    for side, model in (("source", "unigram"), ("target", "t5")):
        (folder / f"{side}.spm").write_bytes((GOLDEN / f"{model}.model").read_bytes())
    pieces = sorted(
        {p for name in ("unigram", "t5") for row in expected()["pieces"][name] for p in row}
    )
    write_json(
        folder / "vocab.json",
        {p: n for n, p in enumerate(["</s>", "<unk>", ">>de<<", *pieces, "<pad>"])},
    )
    write_json(folder / "config.json", {"model_type": "marian"})
    tokenizer = AutoTokenizer.from_pretrained(folder)
    sentences = expected()["sentences"]
    found = tokenizer(sentences, text_target=sentences)
    known = tokenizer.get_vocab()
    for side, model in (("input_ids", "unigram"), ("labels", "t5")):
        wanted = [[known.get(p, 1) for p in row] + [0] for row in expected()["pieces"][model]]
        assert found[side] == wanted
    assert tokenizer(">>de<< my card").tokens()[0] == ">>de<<"
    assert tokenizer.decode(tokenizer.encode("My card"), skip_special_tokens=True) == "My card"
    tokenizer.save_pretrained(tmp_path / "copy")
    assert AutoTokenizer.from_pretrained(tmp_path / "copy").spec == tokenizer.spec


@pytest.mark.parametrize("cls", ["BertTokenizer", "DistilBertTokenizer", "ElectraTokenizerFast"])
def test_vocab_txt_is_the_tokenizer_it_came_from(tmp_path: Path, cls: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(vocab_folder(tmp_path / "m", bert(), cls))
    assert tokenizer(TEXTS).input_ids == bert()(TEXTS).input_ids
    types = "token_type_ids" in tokenizer("my")
    assert types == (cls != "DistilBertTokenizer")


def test_case_and_accents_are_settings(tmp_path: Path) -> None:
    folder = vocab_folder(tmp_path / "m", bert(), "BertTokenizer", do_lower_case=False)
    cased = AutoTokenizer.from_pretrained(folder)
    assert cased.tokenize("My card") == ["[UNK]", "card"]
    assert AutoTokenizer.from_pretrained(folder, do_lower_case=True).tokenize("My") == ["my"]
    cased.save_pretrained(tmp_path / "json")
    again = AutoTokenizer.from_pretrained(tmp_path / "json", do_lower_case=True)
    assert again.tokenize("My card") == ["my", "card"]
    kept = AutoTokenizer.from_pretrained(folder, do_lower_case=True, strip_accents=False)
    assert kept.tokenize("mý") == ["[UNK]"]


@pytest.mark.parametrize(
    ("cls", "template"),
    [("GPT2Tokenizer", "A"), ("RobertaTokenizer", "<s> A </s>"), ("BartTokenizer", "<s> A </s>"),
     ("DebertaTokenizer", "[CLS] A [SEP]"), ("Qwen2Tokenizer", "A")],
)  # fmt: skip
def test_vocab_json_and_merges_txt(tmp_path: Path, cls: str, template: str) -> None:
    original = trained("BPE")
    tokenizer = AutoTokenizer.from_pretrained(bpe_folder(tmp_path / "m", original, cls))
    text = "My card hasn't arrived"
    filled = template.replace("A", " ".join(original.tokenize(text)))
    assert tokenizer(text).tokens() == filled.split()
    if cls == "GPT2Tokenizer":
        assert tokenizer(TEXTS[:-1]).input_ids == original(TEXTS[:-1]).input_ids


def ranks() -> dict[bytes, int]:
    """The BPE vocabulary of the tests as bytes with ranks, single bytes first."""
    back = {char: byte for byte, char in alphabet().items()}
    model = trained("BPE").spec.data["model"]
    words = [bytes([byte]) for byte in range(256)]
    words += [bytes(back[c] for c in "".join(merge)) for merge in model["merges"]]
    return {word: number for number, word in enumerate(dict.fromkeys(words))}


def test_tiktoken_ranks(tmp_path: Path) -> None:
    lines = [f"{base64.b64encode(token).decode()} {rank}" for token, rank in ranks().items()]
    (tmp_path / "tokenizer.model").write_text("\n".join(lines) + "\n")
    write_json(tmp_path / "config.json", {"model_type": "llama"})
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert [tokenizer.decode(tokenizer.encode(text)) for text in TEXTS] == TEXTS
    assert tokenizer.tokenize("My card") == trained("BPE").tokenize("My card")


def test_tekken(tmp_path: Path) -> None:
    vocab = [
        {"rank": rank, "token_bytes": base64.b64encode(token).decode(), "token_str": None}
        for token, rank in ranks().items()
    ]
    special = ["<unk>", "<s>", "</s>", "[INST]"]
    write_json(tmp_path / "tekken.json", {
        "config": {"pattern": r"\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+", "default_vocab_size": 300,
                   "default_num_special_tokens": 6},
        "vocab": vocab,
        "special_tokens": [{"rank": n, "token_str": t, "is_control": True}
                           for n, t in enumerate(special)],
    })  # fmt: skip
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert len(tokenizer) == 300
    assert tokenizer.convert_ids_to_tokens([0, 1, 3, 5]) == [
        "<unk>",
        "<s>",
        "[INST]",
        "<SPECIAL_5>",
    ]
    assert tokenizer("[INST]a").input_ids == [1, 3, 6 + ord("a")]
    assert tokenizer.decode(tokenizer.encode("Größe 😀"), skip_special_tokens=True) == "Größe 😀"


def test_a_folder_without_a_tokenizer_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(EntryNotFound, match=r"holds no tokenizer.*\n.*tokenizer.json, vocab.txt"):
        AutoTokenizer.from_pretrained(tmp_path)
    with pytest.raises(EntryNotFound, match=r"no folder \./nowhere"):
        AutoTokenizer.from_pretrained("./nowhere")
    (tmp_path / "config.json").write_text("[1]")
    with pytest.raises(InvalidFormat, match=r"config.json holds no object"):
        AutoTokenizer.from_pretrained(tmp_path)
