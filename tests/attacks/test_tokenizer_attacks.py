"""Hostile tokenizer files and texts: an error that says what is wrong, within a second."""

import io
import json
import os
import pickle
import struct
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reprise.base.errors import InvalidFormat, InvalidInput, RepriseError, TooLarge
from reprise.tokenizers import (
    AddedToken,
    AutoTokenizer,
    EncodeOptions,
    Tokenizer,
    TokenizerSpec,
    open_engine,
)
from reprise.tokenizers.checking import MAX_VOCAB
from reprise.tokenizers.legacy.protobuf import fields
from reprise.tokenizers.legacy.sentencepiece import read
from tests.tokenizer_files import GOLDEN, own_bert, spm_folder, write_json

WORDS: dict[str, Any] = {"type": "WordLevel", "vocab": {"a": 0, "b": 1}, "unk_token": "a"}
SECONDS = 2.0  # of processor time; what is meant is one, machines differ


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    before = time.process_time()
    yield
    assert time.process_time() - before < SECONDS


def added(**fields: Any) -> dict[str, Any]:
    entry = AddedToken("<x>", special=True).entry(2)
    return {**entry, **fields}


def nested(depth: int) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "NFC"}
    for _ in range(depth):
        part = {"type": "Sequence", "normalizers": [part]}
    return part


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "no model"),
        ({"model": []}, "no model"),
        ({"model": {"type": "Magic", "vocab": {}}}, "Unknown model 'Magic'"),
        ({"model": {**WORDS, "vocab": ["a"]}}, "must be an object of tokens and ids"),
        ({"model": {**WORDS, "vocab": {"a": "0"}}}, "'0' is no id"),
        ({"model": {**WORDS, "vocab": {"a": True}}}, "True is no id"),
        ({"model": {**WORDS, "vocab": {"a": 1.5}}}, "1.5 is no id"),
        ({"model": {**WORDS, "vocab": {"a": -1}}}, "id -1 is outside"),
        ({"model": {**WORDS, "vocab": {"a": MAX_VOCAB}}}, "outside 0 to"),
        ({"model": {**WORDS, "vocab": {"a": 7, "b": 7}}}, "two tokens have id 7"),
        ({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": {}}}, "merges of BPE"),
        ({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "b"]]}}, "cannot be built"),
        ({"model": {"type": "Unigram", "vocab": []}}, "must be a list of tokens with scores"),
        ({"model": {"type": "Unigram", "vocab": [["a"]]}}, "Entry 0"),
        ({"model": {"type": "Unigram", "vocab": [["a", 0.0]], "unk_id": 9}}, "unk_id is 9"),
        ({"model": WORDS, "added_tokens": {}}, "must be a list"),
        ({"model": WORDS, "added_tokens": [{}]}, "Entry 0 of added_tokens"),
        ({"model": WORDS, "added_tokens": [added(content="")]}, "has no content"),
        ({"model": WORDS, "added_tokens": [added(lstrip=1)]}, "is not a boolean"),
        ({"model": WORDS, "added_tokens": [added(), added(id=3)]}, "there twice"),
        ({"model": WORDS, "added_tokens": [added(id="2")]}, "'2' is no id"),
        ({"model": WORDS, "added_tokens": [added(id=9)]}, "claims id 9"),
        ({"model": WORDS, "added_tokens": [added(id=0)]}, "claims id 0"),
        ({"model": WORDS, "normalizer": {"type": "Run"}}, "Unknown normalizer 'Run'"),
        ({"model": WORDS, "normalizer": {"type": ["NFC"]}}, r"Unknown normalizer \['NFC'\]"),
        ({"model": {"type": {}, "vocab": {}}}, "Unknown model {}"),
        ({"model": WORDS, "normalizer": "NFC"}, "Unknown normalizer 'NFC'"),
        ({"model": WORDS, "normalizer": {"type": "Sequence", "normalizers": 3}}, "must be a list"),
        ({"model": WORDS, "normalizer": nested(40)}, "nested more than 16 deep"),
        ({"model": WORDS, "pre_tokenizer": {"type": "FixedLength", "length": 0}}, "is 0"),
        ({"model": WORDS, "decoder": {"type": "ByteLevel", "add_prefix_space": []}}, "built"),
        ({"model": WORDS, "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "("},
                                            "behavior": "Isolated", "invert": False}}, "built"),
        ({"model": WORDS, "post_processor": {"type": "BertProcessing", "sep": ["b", 9],
                                             "cls": ["a", 0]}}, "inserts id 9"),
        ({"model": WORDS, "post_processor": {
            "type": "TemplateProcessing", "single": [], "pair": [],
            "special_tokens": {"x": {"id": "x", "ids": [5], "tokens": ["x"]}}}}, "inserts id 5"),
        ({"model": WORDS, "normalizer": {"type": "Precompiled",
                                         "precompiled_charsmap": "AAAA"}}, "a trie of 0 of its 3"),
    ],
)  # fmt: skip
def test_contradictory_content_is_refused(data: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidFormat, match=message):
        open_engine(TokenizerSpec(data), "hf")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "is not JSON"),
        (b"[]", "holds no object"),
        (b"{", "is not JSON"),
        (b"\xff\xfe", "not UTF-8: byte 0"),
        (b'{"model": NaN}', "NaN is no number"),
        (b'{"model": {"vocab": {"a": 0, "a": 1}}}', "'a' is there twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "is not JSON"),
    ],
)
def test_broken_json_is_refused(raw: bytes, message: str) -> None:
    with pytest.raises(InvalidFormat, match=message):
        TokenizerSpec.from_json(raw)


def test_long_replacements_are_refused() -> None:
    replace = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 300}
    with pytest.raises(TooLarge, match="300 characters; 256 are allowed"):
        TokenizerSpec({"model": WORDS, "normalizer": replace})


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "tokenizer.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(TooLarge, match="is over"):
        AutoTokenizer.from_pretrained(tmp_path)


def test_a_pattern_that_explodes_ends_in_an_error() -> None:
    """Oniguruma gives up after ten million steps; its panic must not end the process."""
    explosive = {"type": "Split", "pattern": {"Regex": "(x+x+)+y"}, "behavior": "Isolated",
                 "invert": False}  # fmt: skip
    engine = open_engine(TokenizerSpec({"model": WORDS, "pre_tokenizer": explosive}), "hf")
    with pytest.raises(InvalidInput, match="cannot be encoded"):
        engine.encode(["x" * 40], EncodeOptions())
    assert engine.encode(["b"], EncodeOptions()).ids.tolist() == [1]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("tokenizer_config.json", [], "holds no object"),
        ("tokenizer_config.json", {"model_max_length": -5}, "model_max_length"),
        ("tokenizer_config.json", {"padding_side": "up"}, "padding_side"),
        ("tokenizer_config.json", {"model_input_names": "ids"}, "list of names"),
        ("tokenizer_config.json", {"pad_token": {"content": 3}}, "pad_token: .* is no token"),
        ("tokenizer_config.json", {"chat_template": 3}, "chat_template"),
        ("tokenizer_config.json", {"extra_special_tokens": "x"}, "extra_special_tokens"),
        ("tokenizer_config.json", {"added_tokens_decoder": {"x": {}}}, "ids and tokens"),
        ("special_tokens_map.json", {"pad_token": ["x"]}, "pad_token"),
        ("chat_template.json", {"chat_template": {"a": 1}}, "chat_template"),
    ],
)
def test_broken_configuration_is_refused(
    tmp_path: Path, name: str, data: Any, message: str
) -> None:
    own_bert().save_pretrained(tmp_path)
    (tmp_path / "special_tokens_map.json").unlink()
    write_json(tmp_path / name, data)
    with pytest.raises(InvalidFormat, match=message):
        AutoTokenizer.from_pretrained(tmp_path)


@pytest.mark.parametrize("subfolder", ["../other", "/etc", "a/../../b"])
def test_a_subfolder_cannot_leave_the_folder(tmp_path: Path, subfolder: str) -> None:
    with pytest.raises(InvalidInput):
        AutoTokenizer.from_pretrained(tmp_path, subfolder=subfolder)


def message_field(number: int, payload: bytes) -> bytes:
    size, out = len(payload), bytearray([number << 3 | 2])
    while size >= 0x80:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*out, size]) + payload


def piece(text: bytes, score: float = 0.0) -> bytes:
    return message_field(1, message_field(1, text) + b"\x15" + struct.pack("<f", score))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "has no pieces"),
        (b"\x0a", "does not end"),
        (b"\x0a\x7f", "claims 127 bytes, 0 are left"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "claims"),
        (b"\xff" * 20, "does not end"),
        (b"\x00\x00", "number 0"),
        (b"\x0b", "unknown wire type 3"),
        (b"\x08\x01", "number stands where bytes"),
        (piece(b"\xff"), "not UTF-8"),
        (piece(b""), "0 characters"),
        (piece(b"a", float("nan")), "score nan"),
        (piece(b"a", float("inf")), "score inf"),
        (piece(b"a") + message_field(2, b"\x18\x03"), "of type 3"),
        (piece(b"a") + message_field(2, b"\xc0\x02\x05"), "has id 5"),
        (piece(b"a") + message_field(3, message_field(2, b"\xff\xff\xff\xff")), "claims a trie"),
        (b"<html>not found</html>", "no SentencePiece model"),
    ],
)
def test_broken_sentencepiece_models_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidFormat, match=message):
        read(data, "spiece.model")


def test_messages_in_messages_do_not_nest_the_reader() -> None:
    data = b"x"
    for _ in range(5000):
        data = message_field(5, data)
        if len(data) > 1 << 20:
            break
    with pytest.raises(InvalidFormat, match="no pieces"):
        read(data, "spiece.model")
    assert len(list(fields(memoryview(b"\x0a\x00" * 50_000)))) == 50_000


def test_a_normalization_that_points_outside_itself_is_an_error(tmp_path: Path) -> None:
    folder = spm_folder(tmp_path / "m", "unigram", "T5Tokenizer")
    data = bytearray((folder / "spiece.model").read_bytes())
    start = data.index(b"\x12", len(data) - 245_000) + 200
    data[start : start + 40_000] = b"\xff" * 40_000
    (folder / "spiece.model").write_bytes(data)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        tokenizer("ﬁne ½ Ⅷ é text")
    except RepriseError:
        pass  # an error of ours; a panic or a crash would end here otherwise


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (b"", "cannot"),
        (b"!!! 0\n", "is not base64"),
        (b"YQ== x\n", "."),
        (b"YQ== 0\nYQ== 1\n", "there twice"),
        (b"YQ== 0\n", "no token for byte 0"),
        (b"YQ== 99999999999999999999\n", "no rank"),
    ],
)
def test_broken_ranks_are_refused(tmp_path: Path, lines: bytes, message: str) -> None:
    (tmp_path / "tokenizer.model").write_bytes(lines)
    write_json(tmp_path / "config.json", {"model_type": "llama"})
    with pytest.raises(InvalidFormat) as caught:
        AutoTokenizer.from_pretrained(tmp_path)
    assert message in caught.value.message or message == "cannot"


TEKKEN: dict[str, Any] = {"config": {"pattern": "x"}, "vocab": []}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "no config"),
        ({"config": {}, "vocab": []}, "no pattern"),
        ({"config": {"pattern": "x"}, "vocab": []}, "no special_tokens"),
        ({"config": {"pattern": "x"}, "vocab": [3], "special_tokens": []}, "has no bytes"),
        ({**TEKKEN, "special_tokens": [{"rank": 4, "token_str": "a"}]}, "gaps"),
        ({**TEKKEN, "special_tokens": [7]}, "no special token"),
    ],
)  # fmt: skip
def test_broken_tekken_files_are_refused(tmp_path: Path, data: Any, message: str) -> None:
    write_json(tmp_path / "tekken.json", data)
    with pytest.raises(InvalidFormat, match=message):
        AutoTokenizer.from_pretrained(tmp_path)


class Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("evil",)


def archive(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("archive/data.pkl", content)
    return file.getvalue()


@pytest.mark.parametrize("wrap", [bytes, archive], ids=["pickle", "torch"])
def test_a_pickled_vocabulary_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrap: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vocab.pkl").write_bytes(wrap(pickle.dumps({"idx2sym": [Evil()]})))
    write_json(tmp_path / "config.json", {"model_type": "transfo-xl"})
    with pytest.raises(InvalidFormat, match=r"asks for posix.mkdir, which is never imported"):
        AutoTokenizer.from_pretrained(tmp_path)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"\x80", b"not a pickle", pickle.dumps([1]), pickle.dumps({"idx2sym": [1]}),
     pickle.dumps({"idx2sym": ["a", "a"]}), pickle.dumps({}), b"PK\x03\x04broken"],
)  # fmt: skip
def test_broken_pickles_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "vocab.bin").write_bytes(content)
    write_json(tmp_path / "config.json", {"model_type": "transfo-xl"})
    with pytest.raises(InvalidFormat, match=r"vocab\.bin"):
        AutoTokenizer.from_pretrained(tmp_path)


DOUBLING = """{% set ns = namespace(x='aaaaaaaa') %}
{% for i in range(60) %}{% set ns.x = ns.x ? ns.x %}{% endfor %}"""


@pytest.mark.parametrize(
    ("template", "error"),
    [
        ("{{ 'a' * 10**9 }}", InvalidInput),
        ("{{ 'a'.ljust(10**9) }}", InvalidInput),
        ("{{ 'a' | center(10**9) }}", InvalidInput),
        ("{{ '%999999999d' % 1 }}", InvalidInput),
        ("{{ '{:>999999999}'.format(1) }}", InvalidInput),
        ("{{ '%999999999d' | format(1) }}", InvalidInput),
        ("{{ 9 ** (9 ** 9) }}", InvalidInput),
        (DOUBLING.replace("?", "~"), InvalidInput),
        (DOUBLING.replace("?", "+"), InvalidInput),
        ("{% for i in range(10**9) %}{% endfor %}", InvalidInput),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", InvalidInput),
        ("{{ lipsum(n=10**6) }}", InvalidInput),
        ("{% set ns = namespace(__html__=1) %}", InvalidInput),
        ("{% set ns = namespace() %}{% set ns.__class__ = 1 %}", InvalidInput),
        ("{{ dict.__subclasses__ }}{{ dict.mro() }}", InvalidInput),
        ("{{ messages.append(1) }}", InvalidInput),
        ("{{ messages.__init__.__globals__ }}", InvalidInput),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", InvalidInput),
        ("{{ raise_exception('no system role') }}", InvalidInput),
        ("{% if %}", InvalidInput),
        ("{{ undefined_thing.deeper }}", InvalidInput),
        ("{% include '/etc/passwd' %}", InvalidInput),
        ("x" * ((4 << 20) + 1), TooLarge),
    ],
)  # fmt: skip
def test_hostile_chat_templates_are_stopped(template: str, error: type[RepriseError]) -> None:
    tokenizer = own_bert()
    with pytest.raises(error, match="chat template"):
        tokenizer.apply_chat_template(
            [{"role": "user", "content": "hi"}], chat_template=template, tokenize=False
        )


def test_a_template_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    from reprise.tokenizers import sandbox

    monkeypatch.setattr(sandbox, "MAX_SECONDS", 0.2)
    loops = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}"
    with pytest.raises(TooLarge, match="ran for over"):
        own_bert().apply_chat_template([{"role": "user"}], chat_template=loops, tokenize=False)


def test_a_template_cannot_write_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    from reprise.tokenizers import sandbox

    monkeypatch.setattr(sandbox, "MAX_TEXT", 10_000)
    writes = "{% for a in range(9999) %}{{ 'abcdef' }}{% endfor %}"
    with pytest.raises(TooLarge, match="over 10000 characters"):
        own_bert().apply_chat_template([{"role": "user"}], chat_template=writes, tokenize=False)


def test_names_of_templates_cannot_leave_the_folder(tmp_path: Path) -> None:
    tokenizer = own_bert()
    tokenizer.chat_template = {"default": "a", "../../evil": "b"}
    with pytest.raises(InvalidInput, match="cannot be named"):
        tokenizer.save_pretrained(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


def test_merges_that_explode_take_no_time() -> None:
    """A word of 100,000 letters is merged in pieces by the front ends written in Python."""
    spec = TokenizerSpec({
        "model": {**WORDS, "vocab": {"<unk>": 0, "aa@@": 1}, "unk_token": "<unk>"},
        "frontend": {"type": "ctrl", "merges": [["a", "a"]]},
    })  # fmt: skip
    assert len(Tokenizer(spec)("ab" * 5000).input_ids) == 10_000


@pytest.mark.parametrize(
    ("frontend", "message"),
    [
        ([], "must be an object"),
        ({"type": "magic"}, "Unknown front end 'magic'"),
        ({"type": "ctrl"}, "must be a list"),
        ({"type": "ctrl", "merges": [["a"]]}, "no merge of two"),
        ({"type": "xlm", "merges": [["a", 1]]}, "no merge of two"),
        ({"type": "marian"}, "no SentencePiece model for 'source'"),
        ({"type": "marian", "source": "!"}, "no SentencePiece model for 'source'"),
    ],
)
def test_broken_front_ends_are_refused(frontend: Any, message: str) -> None:
    with pytest.raises(InvalidFormat, match=message):
        Tokenizer(TokenizerSpec({"model": WORDS, "frontend": frontend}))("text")


def test_golden_files_are_there_for_the_tests_above() -> None:
    assert json.loads((GOLDEN / "expected.json").read_text()).keys() == {
        "sentences", "sentencepiece", "pieces", "moses",
    }  # fmt: skip
