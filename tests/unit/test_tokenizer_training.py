"""Vocabularies learned from texts."""

import pytest

from reprise.base.errors import InvalidInput
from reprise.tokenizers import Tokenizer
from tests.tokenizer_files import KINDS, bert, sentences, trained


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_tokenizer_reads_what_it_learned_from(kind: str) -> None:
    tokenizer = trained(kind)
    unknown = [
        token for text in sentences()[:50] for token in tokenizer.tokenize(text) if "UNK" in token
    ]
    assert unknown == [] or kind == "WordLevel"
    assert tokenizer.pad_token_id in (0, 1)


@pytest.mark.parametrize("kind", ["BPE", "WordLevel"])
def test_learning_again_gives_the_same(kind: str) -> None:
    again = Tokenizer.train_new(
        kind, iter(sentences()), vocab_size=600,
        specials={"pad_token": "<pad>", "eos_token": "</s>"},
    )  # fmt: skip
    assert again.fingerprint() == trained(kind).fingerprint()


def test_bytes_are_never_unknown() -> None:
    tokenizer = Tokenizer.train_new("BPE", ["only these"], vocab_size=300)
    assert tokenizer.decode(tokenizer.encode("Größe 😀")) == "Größe 😀"


def test_a_tokenizer_like_another_keeps_everything_but_the_vocabulary() -> None:
    other = bert().train_new_from_iterator([sentences(), [b"as bytes"]], 400)
    assert len(other) == 400
    assert other("card")["token_type_ids"] == [0] * len(other("card").input_ids)
    assert other("card", "card").tokens()[0] == other.cls_token == "[CLS]"
    assert other.convert_ids_to_tokens([0, 1, 2, 3, 4]) == [
        "[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]",
    ]  # fmt: skip
    assert bert().vocab_size != 400


def test_more_special_tokens_come_first() -> None:
    tokenizer = Tokenizer.train_new(
        "WordPiece", sentences(), vocab_size=300, specials={"cls_token": "[GO]"},
        special_tokens=("<extra>",),
    )  # fmt: skip
    assert tokenizer.convert_ids_to_tokens([0, 1, 2]) == ["[UNK]", "[GO]", "<extra>"]


@pytest.mark.parametrize(
    ("kind", "texts", "options", "message"),
    [
        ("Magic", ["a"], {}, r"Unknown kind 'Magic'; use one of BPE"),
        ("BPE", [b"\xff"], {}, "Text 0 is not UTF-8"),
        ("BPE", ["fine", "\ud800"], {}, "Text 1 is not UTF-8"),
        ("BPE", [[3]], {}, "Text 0 is int"),
        ("Unigram", ["a"], {"options": {"n_sub_iterations": "x"}}, "cannot be learned"),
    ],
)
def test_what_cannot_be_learned_is_refused(
    kind: str, texts: list, options: dict, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        Tokenizer.train_new(kind, texts, vocab_size=300, **options)
