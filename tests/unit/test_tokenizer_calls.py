"""Calls to a tokenizer: arguments and answers as people know them."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from reprise.base.errors import InvalidInput
from reprise.tokenizers import AddedToken, Tokenizer
from tests.tokenizer_files import bert, fresh, own_bert, trained

CARD = "my card is not here"
SIZE = bert().vocab_size


def test_one_text_gives_plain_lists() -> None:
    found = bert()("my card")
    assert dict(found) == {
        "input_ids": [2, *bert().convert_tokens_to_ids(["my", "card"]), 3],
        "token_type_ids": [0, 0, 0, 0],
        "attention_mask": [1, 1, 1, 1],
    }
    assert found.input_ids == found["input_ids"]
    assert found.tokens() == ["[CLS]", "my", "card", "[SEP]"]


def test_arrays_are_asked_for() -> None:
    found = bert()(["my", CARD], padding=True, return_tensors="np")
    assert found.input_ids.shape == found.attention_mask.shape == (2, 7)
    assert found.input_ids.dtype == np.int64
    assert found.word_ids(0) == [None, 0, None, None, None, None, None]
    with pytest.raises(InvalidInput, match=r"different lengths.*\n.*padding=True"):
        bert()(["my", CARD], return_tensors="np")


def test_tensors_are_asked_for() -> None:
    torch = pytest.importorskip("torch")
    found = bert()(["my", CARD], padding=True, return_tensors="pt").to("cpu")
    assert found.input_ids.dtype == torch.int64
    assert tuple(found.input_ids.shape) == (2, 7)


@pytest.mark.parametrize(
    ("arguments", "keywords"),
    [
        ((["my card", "is it"], ["not", "here now"]), {}),
        (([("my card", "not"), ("is it", "here now")],), {}),
        (([["my card", "not"], ["is it", "here now"]],), {}),
        (
            ([["my", "card"], ["is", "it"]], [["not"], ["here", "now"]]),
            {"is_split_into_words": True},
        ),
        (
            ([(["my", "card"], ["not"]), (["is", "it"], ["here", "now"])],),
            {"is_split_into_words": True},
        ),
    ],
)
def test_ways_to_pass_pairs(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    alone = [bert()("my card", "not").input_ids, bert()("is it", "here now").input_ids]
    assert bert()(*arguments, **keywords).input_ids == alone


def test_overflow_becomes_rows() -> None:
    found = bert()([CARD, "my"], max_length=5, truncation=True, stride=1,
                   return_overflowing_tokens=True, return_offsets_mapping=True)  # fmt: skip
    assert found.overflow_to_sample_mapping == [0, 0, 1]
    assert found.offset_mapping[1] == [(0, 0), (8, 10), (11, 14), (15, 19), (0, 0)]
    assert [len(row) for row in found.input_ids] == [5, 5, 3]


def test_a_length_alone_truncates_and_with_padding_does_not() -> None:
    assert len(bert()(CARD, max_length=4).input_ids) == 4
    assert len(bert()(CARD, max_length=4, padding=True).input_ids) == 7
    assert len(bert()("my", max_length=9, padding="max_length").input_ids) == 9
    assert len(bert()("my " * 100, truncation=True).input_ids) == 64  # what the model takes


def test_sides_can_be_set_for_good_and_for_a_call() -> None:
    tokenizer = own_bert()
    tokenizer.padding_side = tokenizer.truncation_side = "left"
    found = tokenizer(["my", CARD], padding="max_length", max_length=3, truncation=True)
    my = tokenizer.convert_tokens_to_ids("my")
    assert found.input_ids[0] == [2, my, 3]
    assert found.input_ids[1] == [2, tokenizer.convert_tokens_to_ids("here"), 3]
    assert tokenizer(["my", CARD], padding=True).input_ids[0] == [1, 1, 1, 1, 2, my, 3]
    assert tokenizer(["my", CARD], padding=True, padding_side="right").input_ids[0][3] == 1


def test_labels_come_from_what_is_to_be_produced() -> None:
    found = bert()(["my"], text_target=["card"])
    assert found["labels"] == bert()(["card"]).input_ids
    assert bert()(text_target="card").input_ids == bert()("card").input_ids


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t(None), "nothing to encode"),
        (lambda t: t(7), "takes text"),
        (lambda t: t([["a", "b", "c"]]), r"pair of texts.*\n.*is_split_into_words"),
        (lambda t: t(["a", "b"], ["c"]), "a list of as many"),
        (lambda t: t("a", paddign=True), "no argument paddign"),
        (lambda t: t("a", padding="sideways"), "padding is 'sideways'"),
        (lambda t: t("a", truncation="x", max_length=4), "strategy 'x'"),
        (lambda t: t("a", return_tensors="tf"), "return_tensors is 'tf'"),
        (lambda t: t("a", max_length=-3, truncation=True), "max_length is -3"),
        (lambda t: t("a", padding=True, pad_to_multiple_of=0), "pad_to_multiple_of is 0"),
        (lambda t: t.decode("text"), "decode takes ids"),
        (lambda t: t.decode([-1]), "-1 is no id"),
        (lambda t: t.decode(["x"]), "'x' is no id"),
        (lambda t: setattr(t, "padding_side", "up"), "left or right"),
        (lambda t: setattr(t, "pad_token", 3), "pad_token must be text"),
        (lambda t: t.add_special_tokens({"odd": "x"}), "odd is no special token"),
        (lambda t: t.pad({"labels": [1]}), "which have input_ids"),
        (lambda t: t.src_lang, None),
    ],
)
def test_arguments_that_do_not_fit(call: Callable[[Tokenizer], Any], message: str | None) -> None:
    if message is None:
        assert call(bert()) is None
        return
    with pytest.raises(InvalidInput, match=message):
        call(own_bert())


def test_padding_needs_a_token() -> None:
    tokenizer = fresh("BPE")
    tokenizer.pad_token = None
    with pytest.raises(InvalidInput, match=r"no padding token.*\n.*eos_token"):
        tokenizer(["a", "b c"], padding=True)
    tokenizer.pad_token = tokenizer.eos_token
    assert tokenizer.pad_token_id == tokenizer.eos_token_id


def test_new_tokens_make_a_new_spec() -> None:
    tokenizer = own_bert()
    before, fingerprint = tokenizer.spec, tokenizer.fingerprint()
    assert tokenizer.add_tokens(["zap", "card", AddedToken("<x>", special=True)]) == 3
    assert tokenizer.add_tokens("zap") == 0
    assert (len(tokenizer), tokenizer.vocab_size) == (SIZE + 2, SIZE)
    assert tokenizer.convert_tokens_to_ids(["zap", "<x>"]) == [SIZE, SIZE + 1]
    assert tokenizer.tokenize("zap card<x>") == ["zap", "card", "<x>"]
    assert before == bert().spec
    assert fingerprint != tokenizer.fingerprint()


def test_special_tokens_are_named_and_skipped() -> None:
    tokenizer = own_bert()
    count = tokenizer.add_special_tokens({"bos_token": "<go>", "extra_special_tokens": ["<a>"]})
    assert count == 2
    assert (tokenizer.bos_token, tokenizer.bos_token_id) == ("<go>", SIZE)
    assert tokenizer.extra_special_tokens == ["<a>"]
    assert tokenizer.all_special_tokens[0] == "<go>"
    assert tokenizer.decode([SIZE, tokenizer.convert_tokens_to_ids("my"), SIZE + 1],
                            skip_special_tokens=True) == "my"  # fmt: skip
    assert tokenizer.get_special_tokens_mask([SIZE, 20, SIZE + 1]) == [1, 0, 1]


def test_decoding_takes_ids_in_any_form() -> None:
    tokenizer, found = bert(), bert()(["my card", "is it"])
    texts = ["my card", "is it"]
    rows = np.array(found.input_ids)
    for given in (found.input_ids, rows, [np.array(row) for row in rows]):
        assert tokenizer.batch_decode(given, skip_special_tokens=True) == texts
    assert tokenizer.decode(found.input_ids[0][1]) == "my"
    assert tokenizer.decode(found, skip_special_tokens=True) == texts


def test_text_arrives_as_ids_do() -> None:
    tokenizer = trained("BPE")
    ids = tokenizer.encode("Größe 😀!")
    assert "".join(tokenizer.stream(iter(ids))) == "Größe 😀!"


def test_counting_is_cheaper_and_equal() -> None:
    texts = [CARD, "my", ""]
    assert bert().count(texts) == [len(row) for row in bert()(texts).input_ids]


def test_rows_are_padded_later() -> None:
    tokenizer = bert()
    rows = [tokenizer("my"), tokenizer(CARD)]
    found = tokenizer.pad(rows, return_tensors="np", pad_to_multiple_of=8)
    together = tokenizer(["my", CARD], padding=True, pad_to_multiple_of=8, return_tensors="np")
    assert all((found[name] == together[name]).all() for name in together)
    assert tokenizer.pad({"input_ids": [5, 6]}, padding="max_length", max_length=3).data == {
        "input_ids": [5, 6, 1], "attention_mask": [1, 1, 0],
    }  # fmt: skip


def test_a_tokenizer_and_its_answers_can_be_pickled() -> None:
    copy = pickle.loads(pickle.dumps(bert()))
    assert (copy.spec, copy.config) == (bert().spec, bert().config)
    assert pickle.loads(pickle.dumps(copy("my"))) == bert()("my")
