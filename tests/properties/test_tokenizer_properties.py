"""What holds for any text, any ids, any file."""

import json

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reprise.base.errors import InvalidFormat, TooLarge
from reprise.tokenizers import EncodeOptions, Padding, TokenizerSpec, Truncation, Want
from reprise.tokenizers.batch import with_padding
from reprise.tokenizers.legacy.sentencepiece import read
from tests.tokenizer_files import KINDS, bert, trained

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
ALL = EncodeOptions(want=Want.ALL)


@given(TEXT)
@example("İ\u0307ﬁ\u0345")
@example("\u1100\u1161\u11a8 가각")
def test_bytes_come_back_as_they_were(text: str) -> None:
    tokenizer = trained("BPE")
    assert tokenizer.decode(tokenizer.encode(text, split_special_tokens=True)) == text


@given(st.lists(TEXT, max_size=5))
@settings(deadline=None)
def test_ids_do_not_depend_on_what_else_is_asked(texts: list[str]) -> None:
    for kind in KINDS:
        engine = trained(kind).engine
        few, all_columns = engine.encode(texts, EncodeOptions()), engine.encode(texts, ALL)
        assert few.ids.tolist() == all_columns.ids.tolist()
        assert few.row_splits.tolist() == all_columns.row_splits.tolist()
        assert engine.count(texts, EncodeOptions()).tolist() == few.lengths.tolist()


@given(TEXT, TEXT)
def test_offsets_stay_in_their_text_and_in_order(first: str, second: str) -> None:
    row = bert().engine.encode([(first, second)], ALL).row(0)
    for number, text in enumerate((first, second)):
        spans = [span for span, owner in zip(row.offsets, row.sequence_ids, strict=True)
                 if owner == number]  # fmt: skip
        assert all(0 <= start <= end <= len(text) for start, end in spans)
        assert spans == sorted(spans)


@given(st.lists(st.integers(0, 599), max_size=40), st.sampled_from(["BPE", "Unigram", "WordPiece"]))
def test_a_stream_gives_the_whole_text(ids: list[int], kind: str) -> None:
    tokenizer = trained(kind)
    whole = tokenizer.decode(ids)
    if "\N{REPLACEMENT CHARACTER}" not in whole:
        assert "".join(tokenizer.stream(ids)) == whole


@given(TEXT, st.integers(3, 12), st.integers(0, 9), st.sampled_from(["left", "right"]))
def test_windows_lose_nothing(text: str, length: int, stride: int, side: str) -> None:
    if stride >= length - 2:
        return
    engine = bert().engine
    whole = engine.encode([text], EncodeOptions()).row(0).ids[1:-1]
    cut = Truncation(length, stride=stride, side=side, return_overflow=True)  # type: ignore[arg-type]
    batch = engine.encode([text], EncodeOptions(truncation=cut))
    windows = [batch.row(number).ids[1:-1] for number in range(len(batch))]
    assert all(len(window) <= length - 2 for window in windows)
    ordered = windows if side == "right" else windows[::-1]
    joined = [*ordered[0], *(each for window in ordered[1:] for each in window[stride:])]
    if side == "right":
        assert joined == whole
    else:  # the first window may be short, and then shares more than the stride
        assert set(joined) == set(whole)


@given(
    st.lists(TEXT, min_size=1, max_size=4),
    st.one_of(st.just("longest"), st.integers(0, 30)),
    st.one_of(st.none(), st.integers(1, 9)),
    st.sampled_from(["left", "right"]),
)
def test_padding_in_rows_is_padding_in_arrays(
    texts: list[str], length: int | str, multiple: int | None, side: str
) -> None:
    padding = Padding(length, multiple, side, 7, 3)  # type: ignore[arg-type]
    batch = bert().engine.encode(texts, EncodeOptions(padding=padding, want=Want.ALL))
    arrays, rows = batch.padded(), with_padding(batch, "[PAD]")
    for number in range(len(rows)):
        row = rows.row(number)
        assert row.ids == arrays["input_ids"][number].tolist()
        assert row.type_ids == arrays["token_type_ids"][number].tolist()
        assert row.attention_mask == arrays["attention_mask"][number].tolist()
        assert row.special_tokens_mask == arrays["special_tokens_mask"][number].tolist()
        assert np.array(row.offsets).reshape(-1, 2).tolist() == (
            arrays["offset_mapping"][number].tolist()
        )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 1 << 40) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)
PARTS = ["model", "normalizer", "pre_tokenizer", "post_processor", "decoder", "added_tokens"]


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(PARTS, JSON)))
@settings(max_examples=200)
def test_any_json_is_a_spec_or_a_clear_error(data: dict) -> None:
    try:
        TokenizerSpec.from_json(json.dumps(data))
    except (InvalidFormat, TooLarge) as error:
        assert error.message  # noqa: PT017 - the kind of the error is what is tested


@given(st.binary(max_size=200))
def test_any_bytes_are_a_spec_or_a_clear_error(data: bytes) -> None:
    for reader in (TokenizerSpec.from_json, lambda raw: read(raw, "x.model")):
        try:
            reader(data)
        except InvalidFormat as error:
            assert error.message  # noqa: PT017 - as above
