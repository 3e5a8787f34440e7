"""The contract that every tokenizer engine keeps; each test runs once per engine."""

import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from reprise.base.errors import InvalidInput, NotSupported
from reprise.tokenizers import (
    AddedToken,
    EncodeOptions,
    Padding,
    TokenizerSpec,
    Truncation,
    Want,
    open_engine,
)
from reprise.tokenizers.added import with_added
from reprise.tokenizers.engine import engine_names
from tests.tokenizer_files import KINDS, TEXTS, bert, trained

ENGINES = engine_names()
PLAIN = EncodeOptions()
ALL = EncodeOptions(want=Want.ALL)


@pytest.fixture(params=ENGINES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def ids(engine, rows, options=PLAIN):
    batch = engine.encode(rows, options)
    return [batch.row(number).ids for number in range(len(batch))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_gives_each_row_what_it_gets_alone(name: str, kind: str) -> None:
    engine = open_engine(trained(kind).spec, name)
    alone = [ids(engine, [text])[0] for text in TEXTS]
    assert ids(engine, TEXTS) == alone
    assert ids(engine, TEXTS, EncodeOptions(threads=1)) == alone
    assert ids(engine, TEXTS, ALL) == alone


def test_a_batch_knows_the_words_of_its_tokens(name: str) -> None:
    """Also where nobody asks for offsets, which the library's fast way leaves out with them."""
    engine, rows = open_engine(bert().spec, name), ["my card", "the lost card is here"]
    found = engine.encode(rows, EncodeOptions(want=Want.WORD_IDS)).word_ids
    assert found.tolist() == engine.encode(rows, ALL).word_ids.tolist()
    assert found.max() == 4


@pytest.mark.parametrize("kind", KINDS)
def test_ids_and_tokens_name_each_other(name: str, kind: str) -> None:
    engine = open_engine(trained(kind).spec, name)
    vocab = engine.vocab()
    assert len(vocab) == engine.vocab_size == 600 or kind == "WordLevel"
    assert {token: engine.token_to_id(token) for token in vocab} == dict(vocab)
    assert {engine.id_to_token(number) for number in vocab.values()} == set(vocab)
    assert (engine.token_to_id("nobody has this"), engine.id_to_token(10**9)) == (None, None)
    assert engine.id_to_token(-1) is None


def test_what_is_not_asked_for_is_not_there(name: str) -> None:
    batch = open_engine(bert().spec, name).encode(["my card"], PLAIN)
    columns = (batch.type_ids, batch.special_mask, batch.offsets, batch.word_ids,
               batch.sequence_ids, batch.tokens)  # fmt: skip
    assert columns == (None,) * 6
    with pytest.raises(InvalidInput, match=r"no offsets.*\n.*Want.OFFSETS"):
        batch.row(0).offsets  # noqa: B018 - reading is the test


def test_a_pair_with_everything(name: str) -> None:
    row = open_engine(bert().spec, name).encode([("my card", "is it")], ALL).row(0)
    assert row.tokens == ["[CLS]", "my", "card", "[SEP]", "is", "it", "[SEP]"]
    assert row.type_ids == [0, 0, 0, 0, 1, 1, 1]
    assert row.special_tokens_mask == [1, 0, 0, 1, 0, 0, 1]
    assert row.offsets == [(0, 0), (0, 2), (3, 7), (0, 0), (0, 2), (3, 5), (0, 0)]
    assert row.word_ids == [None, 0, 1, None, 0, 1, None]
    assert row.sequence_ids == [None, 0, 0, None, 1, 1, None]
    assert row.n_sequences == 2


def test_maps_between_characters_tokens_and_words(name: str) -> None:
    engine = open_engine(bert().spec, name)
    row = engine.encode([(["unbelievable", "card"], ["my", "it"])], ALL).row(0)
    tokens = row.word_to_tokens(0)
    assert tokens is not None
    assert (tokens[0], row.word_to_tokens(1)) == (1, (tokens[1], tokens[1] + 1))
    assert row.word_to_tokens(1, sequence_index=1) == (tokens[1] + 3, tokens[1] + 4)
    assert row.char_to_token(0) == 1
    assert (row.token_to_word(tokens[1]), row.token_to_chars(0)) == (1, None)
    assert (row.word_to_chars(0), row.word_to_chars(9)) == ((0, 12), None)
    assert (row.char_to_word(11), row.char_to_token(99), row.token_to_sequence(1)) == (0, None, 0)


def test_offsets_count_characters_not_bytes(name: str) -> None:
    text = "é 😀 Größe card"
    row = open_engine(bert().spec, name).encode([text], ALL).row(0)
    start, end = row.offsets[row.tokens.index("card")]
    assert (start, end, text[start:end]) == (10, 14, "card")


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("stride", [0, 2])
def test_windows_cover_the_text_with_their_overlap(name: str, side: str, stride: int) -> None:
    engine = open_engine(bert().spec, name)
    text = "my card is not here what can i do about it now"
    whole = ids(engine, [text])[0][1:-1]
    cut = Truncation(7, side=side, stride=stride, return_overflow=True)  # type: ignore[arg-type]
    batch = engine.encode([text, "my"], EncodeOptions(truncation=cut))
    count = len(batch) - 1
    assert batch.source_row.tolist() == [0] * count + [1]
    windows = [batch.row(number).ids[1:-1] for number in range(count)]
    if side == "left":
        windows.reverse()
    joined = windows[0]
    for window in windows[1:]:
        joined = joined + window[stride:]
    assert joined == whole
    assert engine.count([text, "my"], EncodeOptions(truncation=cut)).tolist() == (
        batch.lengths.tolist()
    )


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [("longest_first", (2, 2)), ("only_first", (1, 3)), ("only_second", (3, 1))],
)
def test_truncation_of_pairs(name: str, strategy: str, expected: tuple[int, int]) -> None:
    engine = open_engine(bert().spec, name)
    options = EncodeOptions(truncation=Truncation(7, strategy=strategy), want=Want.ALL)  # type: ignore[arg-type]
    owners = engine.encode([("my card is", "is it now")], options).row(0).sequence_ids
    assert (owners.count(0), owners.count(1)) == expected


def test_options_that_leave_no_room_are_refused(name: str) -> None:
    engine = open_engine(bert().spec, name)
    with pytest.raises(InvalidInput, match="the special tokens alone are 3"):
        engine.encode([("a", "b")], EncodeOptions(truncation=Truncation(2)))
    with pytest.raises(InvalidInput, match="leaves 3 tokens for text"):
        engine.encode(["a b c d e f g"], EncodeOptions(truncation=Truncation(5, stride=3)))


def test_options_of_one_call_do_not_stay(name: str) -> None:
    engine = open_engine(bert().spec, name)
    before = ids(engine, ["my card is not here"])
    for number in range(3, 40):  # more option sets than an engine keeps
        engine.encode(["my card is not here"], EncodeOptions(truncation=Truncation(number)))
    engine.encode(["my [SEP]"], EncodeOptions(split_special_tokens=True))
    assert ids(engine, ["my card is not here"]) == before


def test_special_tokens_in_the_text(name: str) -> None:
    engine = open_engine(bert().spec, name)
    sep = engine.token_to_id("[SEP]")
    assert ids(engine, ["my[SEP]"], EncodeOptions(add_special_tokens=False))[0][-1] == sep
    split = EncodeOptions(add_special_tokens=False, split_special_tokens=True)
    assert sep not in ids(engine, ["my[SEP]"], split)[0]


def test_padding_of_a_batch(name: str) -> None:
    engine = open_engine(bert().spec, name)
    padding = Padding(multiple_of=4, side="left", pad_id=7, pad_type_id=1)
    options = EncodeOptions(padding=padding, want=Want.IDS | Want.TYPE_IDS | Want.SPECIAL_MASK)
    found = engine.encode(["my card is", "my"], options).padded()
    my = engine.token_to_id("my")
    assert found["input_ids"].shape == (2, 8)
    assert found["input_ids"][1].tolist() == [7, 7, 7, 7, 7, 2, my, 3]
    assert found["token_type_ids"][1].tolist() == [1, 1, 1, 1, 1, 0, 0, 0]
    assert found["attention_mask"].tolist() == [[0, 0, 0, 1, 1, 1, 1, 1], [0] * 5 + [1] * 3]
    assert found["special_tokens_mask"][1].tolist() == [1] * 6 + [0, 1]
    assert {column.dtype for column in found.values()} == {np.dtype(np.int64)}


def test_an_empty_batch(name: str) -> None:
    batch = open_engine(bert().spec, name).encode([], ALL)
    assert (len(batch), batch.ids.tolist(), batch.padded()["input_ids"].shape) == (0, [], (0, 0))


@pytest.mark.parametrize("kind", KINDS)
def test_decoding_in_pieces_gives_the_same_text(name: str, kind: str) -> None:
    engine = open_engine(trained(kind).spec, name)
    for text in TEXTS:
        row = np.array(ids(engine, [text])[0], np.uint32)
        splits = np.array([0, len(row)])
        whole = engine.decode(row, splits, skip_special=True, clean_up=False)[0]
        stream = engine.decode_stream(skip_special=True)
        pieces = [stream.push(int(each)) for each in row]
        assert "".join(pieces) + stream.finish() == whole


def test_a_stream_holds_back_half_a_character(name: str) -> None:
    engine = open_engine(trained("BPE").spec, name)
    row = ids(engine, ["😀!"])[0]
    stream = engine.decode_stream(skip_special=True)
    pieces = [stream.push(each) for each in row]
    assert len(row) > 2
    assert [piece for piece in pieces if piece] == ["😀", "!"]


def test_threads_share_an_engine(name: str) -> None:
    engine = open_engine(bert().spec, name)
    expected = [ids(engine, [text]) for text in TEXTS]

    def work(number: int) -> bool:
        cut = EncodeOptions(truncation=Truncation(5 + number % 20))
        engine.encode(TEXTS, cut)
        return [ids(engine, [text]) for text in TEXTS] == expected

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(64)))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_an_engine_works_after_a_fork(name: str) -> None:
    engine = open_engine(bert().spec, name)
    expected = ids(engine, TEXTS)  # the engine's threads, if any, exist now
    child = os.fork()
    if child == 0:
        os._exit(0 if ids(engine, TEXTS) == expected else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_an_engine_is_pickled_as_its_spec(name: str) -> None:
    engine = open_engine(bert().spec, name)
    copy = pickle.loads(pickle.dumps(engine))
    assert (copy.name, copy.spec, ids(copy, TEXTS)) == (name, engine.spec, ids(engine, TEXTS))


def test_added_tokens_follow_their_flags(name: str) -> None:
    tokens = [
        AddedToken("Zap"),
        AddedToken("<x>", lstrip=True, rstrip=True, special=True),
        AddedToken("qq", single_word=True, normalized=False),
    ]
    spec, count = with_added(bert().spec, tokens)
    engine = open_engine(spec, name)
    base = engine.vocab_size - 3
    row = engine.encode(["ZAP my <x> card qq qqx"], ALL).row(0)
    assert count == 3
    assert [each for each in row.ids if each >= base] == [base, base + 1, base + 2]
    assert row.offsets[row.ids.index(base + 1)] == (6, 11)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["fine", "bad \ud800 text"], "Row 1 holds half of a surrogate pair at character 4"),
        (["fine", 7], "Row 1 holds int, not text"),
        ([["words"], "text"], "either texts or lists of words"),
        ([("a", None)], "A pair is two texts"),
        ([("a", "b", "c")], "A pair is two texts"),
    ],
)
def test_rows_that_are_no_text_are_named(name: str, rows: list, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        open_engine(bert().spec, name).encode(rows, PLAIN)


def test_no_engine_claims_what_it_does_not_know(name: str) -> None:
    spec = TokenizerSpec(bert().spec.data, "unknown-9")
    with pytest.raises(NotSupported, match="profile 'unknown-9'"):
        open_engine(spec, name)


def test_the_environment_chooses_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRISE_TOKENIZER_ENGINE", "hf")
    assert open_engine(bert().spec).name == "hf"
    monkeypatch.setenv("REPRISE_TOKENIZER_ENGINE", "nothing")
    with pytest.raises(InvalidInput, match=r"no tokenizer engine 'nothing'.*\n.*ENGINE"):
        open_engine(bert().spec)
    assert open_engine(bert().spec, "hf").name == "hf"
