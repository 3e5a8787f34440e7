"""Small tokenizer files that would fill the memory, or end the process inside the library.

Each of these did one or the other before it was refused.
"""

import json
import time
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from reprise.base.errors import InvalidFormat, RepriseError, TooLarge
from reprise.tokenizers import EncodeOptions, TokenizerSpec, open_engine
from reprise.tokenizers.amplifying import consumes
from reprise.tokenizers.checking import MAX_ADDED, MAX_VOCAB
from reprise.tokenizers.legacy.plain_pickle import read_pickle
from reprise.tokenizers.spec import parse_json

WORDS: dict[str, Any] = {"type": "WordLevel", "vocab": {"a": 0, "b": 1}, "unk_token": "a"}
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
SECONDS = 2.0  # of processor time; what is meant is one, machines differ


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    before = time.process_time()
    yield
    assert time.process_time() - before < SECONDS


def sequence(name: str, step: dict[str, Any], times: int) -> dict[str, Any]:
    lists = {"normalizer": "normalizers", "pre_tokenizer": "pretokenizers", "decoder": "decoders"}
    return {"model": WORDS, name: {"type": "Sequence", lists[name]: [step] * times}}


def replace(pattern: str, content: str, kind: str = "String") -> dict[str, Any]:
    return {"type": "Replace", "pattern": {kind: pattern}, "content": content}


def template(piece: dict[str, Any], times: int = 1, ids: int = 1) -> dict[str, Any]:
    tokens = {"a": {"id": "a", "ids": [0] * ids, "tokens": ["a"] * ids}}
    pair = [{"Sequence": {"id": name, "type_id": 0}} for name in "AB"]
    return {"model": WORDS, "post_processor": {
        "type": "TemplateProcessing", "single": [piece] * times, "pair": pair,
        "special_tokens": tokens,
    }}  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        sequence("normalizer", replace("a", "aa"), 40),
        sequence("normalizer", replace("(?=a)", "a", "Regex"), 40),
        sequence("normalizer", replace("", "b" * 256), 2),
        sequence("normalizer", {"type": "ByteLevel"}, 40),
        sequence("pre_tokenizer", BYTES, 40),
        sequence("decoder", replace("a", "a" * 256), 8),
        {"model": WORDS, "normalizer": {"type": "Sequence", "normalizers": [
            replace("A", "a" * 200), {"type": "Lowercase"}, replace("a", "b" * 200)]}},
    ],
)  # fmt: skip
def test_steps_that_multiply_each_other_are_refused(data: dict[str, Any]) -> None:
    with pytest.raises(TooLarge, match=r"over 4096 characters of one.*\n.*multiply"):
        TokenizerSpec(data)


def test_many_replacements_that_do_not_meet_are_fine() -> None:
    signs = "。，！？；：（）【】「」『』、…—～·《》〈〉"  # noqa: RUF001 - that is what is replaced
    steps = [replace(sign, f" {number} ") for number, sign in enumerate(signs)]
    steps += [
        replace(r"\\s+", " ", "Regex"),
        replace(" {2,}", "\N{LOWER ONE EIGHTH BLOCK}", "Regex"),
    ]
    spec = TokenizerSpec({"model": WORDS, "normalizer": {"type": "Sequence", "normalizers": steps}})
    assert open_engine(spec).encode(["a。b"], EncodeOptions()).ids.tolist() == [0]


@pytest.mark.parametrize(
    ("pattern", "sure"),
    [
        (" {2,}", True), (r"\s+", True), (r"[\]a-z[:alpha:]]|x+", True), (r"(?<=a) (?=b)", True),
        (r"\p{L}+", True), ("", False), ("a*", False), ("a{0,3}", False), ("a?|b", False),
        ("(a)", False), ("(?=a)", False), (r"\b", False), ("a|", False), ("^", False), ("[a", True),
    ],
)  # fmt: skip
def test_patterns_that_surely_take_a_character(pattern: str, sure: bool) -> None:
    assert consumes(pattern) is sure


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (template({"SpecialToken": {"id": "a", "type_id": 0}}, 2000, 2000), "inserts over 4096"),
        (template({"Sequence": {"id": "A", "type_id": 0}}, 1000), "repeats the text over 16"),
        (template({"Sequence": {"id": "A", "type_id": 300}}), "segment 300; they end at 255"),
        (template({"Sequence": {"id": "B", "type_id": 0}}), "second text of a pair"),
        (template({"SpecialToken": {"id": "z", "type_id": 0}}), "inserts 'z', which"),
        (sequence("normalizer", {"type": "NFKD"}, 100_000), "over 512 steps"),
        ({"model": WORDS, "normalizer": replace(r"(?<x>a)\g<x>", "", "Regex")}, "calls itself"),
        ({"model": WORDS, "normalizer": replace("a" * 20_000, "")}, "16384 are allowed"),
    ],
)
def test_absurd_components_are_refused(data: dict[str, Any], message: str) -> None:
    with pytest.raises((InvalidFormat, TooLarge), match=message):
        TokenizerSpec(data)


def charsmap(size: int, trie: bytes, texts: bytes) -> dict[str, Any]:
    text = b64encode(size.to_bytes(4, "little") + trie + texts).decode()
    return {"model": WORDS, "normalizer": {"type": "Precompiled", "precompiled_charsmap": text}}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (charsmap(0xFFFFFFFC, b"x" * 8, b"y"), "a trie of 4294967292 of its 13"),
        (charsmap(8, b"x" * 8, b"y" * 2000), "a text of 2000 bytes"),
        ({"model": WORDS, "normalizer": {"type": "Precompiled"}}, "not base64"),
    ],
)
def test_compiled_normalizations_that_lie_are_refused(data: Any, message: str) -> None:
    with pytest.raises(InvalidFormat, match=message):
        TokenizerSpec(data)


@pytest.mark.parametrize("merge", [["a", "é"], "a éb", ["a", 3], 7, []])
def test_merges_that_would_end_the_process_are_refused(merge: Any) -> None:
    """The library cuts as many bytes off as the prefix has, and aborts inside a character."""
    vocab = {"a": 0, "é": 1, "aé": 2, "éb": 3, "ab": 4, "#b": 5}
    model = {"type": "BPE", "vocab": vocab, "merges": [["a", "#b"], merge]}
    with pytest.raises(InvalidFormat, match="continues a word without '#'"):
        TokenizerSpec({"model": {**model, "continuing_subword_prefix": "#"}})
    kept = {**model, "merges": [["a", "#b"]], "continuing_subword_prefix": "#"}
    assert open_engine(TokenizerSpec({"model": kept})).encode(["ab"], EncodeOptions()).ids == [4]


@pytest.mark.parametrize("item", [b"{}", b"[]", b"0"])
def test_files_of_nothing_but_parts_are_refused(item: bytes) -> None:
    raw = b"[" + (item + b",") * (1 << 23) + item + b"]"
    with pytest.raises(TooLarge, match="at most"):
        parse_json(raw, "tokenizer.json")


def test_too_many_tokens_are_refused() -> None:
    vocab = dict.fromkeys(map(str, range(MAX_VOCAB + 1)), 0)
    with pytest.raises(TooLarge, match="1048577 entries"):
        TokenizerSpec({"model": {**WORDS, "vocab": vocab}})
    with pytest.raises(TooLarge, match="131073 added tokens"):
        TokenizerSpec({"model": WORDS, "added_tokens": [{}] * (MAX_ADDED + 1)})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x80\x02}(" + b")" + b"\x85" * 500_000 + b"K\x01u.", "a key of type tuple"),
        (b"\x80\x02}" + b")" + b"\x85" * 500_000 + b"K\x01s.", "a key of type tuple"),
        (b"\x80\x02ccollections\nCounter\n]]]]\x86R.", "more than texts"),
        (b"\x80\x02ccollections\nCounter\n](])aee\x85R.", "pickle"),
        (b"\x80\x04\x8f(K\x01\x90.", "more than texts"),
        (b"\x80\x02ccollections\nOrderedDict\n)Ra(K\x01b.", "pickle"),
        (b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.", "no pickle"),
    ],
)
def test_pickles_made_to_hurt_are_refused(content: bytes, message: str) -> None:
    """Python's own reader in C ends the process on the first two."""
    with pytest.raises(InvalidFormat, match=message):
        read_pickle(content, "vocab.pkl")


def test_a_memo_of_any_place_takes_no_memory() -> None:
    """In C it would take two gigabytes."""
    assert read_pickle(b"\x80\x02}r\x00\x00\x00\x08.", "vocab.pkl") == {}


@pytest.mark.parametrize("size", [1, 40, 4000])
def test_a_row_never_has_more_than_the_bounds_allow(size: int) -> None:
    """What is accepted stays within the bounds when it runs."""
    data = sequence("normalizer", replace("a", "b" * 200), 2)
    spec = TokenizerSpec.from_json(json.dumps(data))
    try:
        batch = open_engine(spec).encode(["a" * size], EncodeOptions())
    except RepriseError:
        return
    assert len(batch.ids) <= size * 4096
