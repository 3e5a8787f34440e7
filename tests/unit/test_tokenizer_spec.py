"""A spec: what it completes, and what decides its fingerprint."""

import json
import pickle

import pytest

from reprise.base.errors import InvalidFormat
from reprise.tokenizers import TokenizerSpec
from tests.tokenizer_files import trained

WORDS = {"type": "WordLevel", "vocab": {"a": 0, "[UNK]": 1}, "unk_token": "[UNK]"}


def test_absent_parts_are_completed() -> None:
    spec = TokenizerSpec.from_json(json.dumps({"model": WORDS}))
    assert spec.data == {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None,
        "model": WORDS,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ({"vocab": {"a": 0}, "merges": []}, "BPE"),
        ({"vocab": [["a", -1.0]], "unk_id": 0}, "Unigram"),
        ({"vocab": {"a": 0}, "continuing_subword_prefix": "##"}, "WordPiece"),
        ({"vocab": {"a": 0}, "unk_token": "a"}, "WordLevel"),
    ],
)
def test_old_files_leave_the_type_of_the_model_to_the_reader(model: dict, kind: str) -> None:
    assert TokenizerSpec({"model": model}).model_type == kind


def test_the_fingerprint_is_of_content_and_profile() -> None:
    spec = TokenizerSpec({"model": WORDS})
    reordered = TokenizerSpec(
        dict(reversed({**spec.data, "truncation": {"max_length": 3}}.items()))
    )
    assert spec.fingerprint() == reordered.fingerprint()
    assert spec == reordered
    others = [TokenizerSpec(spec.data, "other"), spec.with_data(normalizer={"type": "NFC"})]
    assert len({spec.fingerprint(), *(each.fingerprint() for each in others)}) == 3
    assert spec.fingerprint() == (
        "5adc3a1c5780dcbd5d25c1b383dbb1eeff34a4dd7dd1db245456c7b92efb912a"
    )


def test_a_spec_can_be_pickled_and_is_a_key() -> None:
    spec = trained("BPE").spec
    copy = pickle.loads(pickle.dumps(spec))
    assert {spec: 1}[copy] == 1


def test_a_mark_at_the_start_of_the_file_is_no_error() -> None:
    text = "\ufeff" + json.dumps({"model": WORDS})
    assert TokenizerSpec.from_json(text.encode()).model_type == "WordLevel"


def test_half_a_surrogate_pair_is_refused_when_it_matters() -> None:
    spec = TokenizerSpec({"model": {**WORDS, "vocab": {"\ud800": 0}}})
    with pytest.raises(InvalidFormat, match="half of a surrogate pair"):
        spec.fingerprint()
