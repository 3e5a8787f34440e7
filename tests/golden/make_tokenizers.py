"""Write the files in tests/golden/tokenizers with the tools that own their formats.

    python -m venv /tmp/venv && /tmp/venv/bin/pip install sentencepiece==0.2.3 sacremoses==0.2.0
    /tmp/venv/bin/python tests/golden/make_tokenizers.py

Trained on Banking77 (CC BY 4.0, examples/banking77) and the sentences below. `expected.json` holds
what the tools themselves say about `SENTENCES`; the tests compare.
"""

# ruff: noqa: RUF001 - characters that look like others are what some of the texts are about

import csv
import io
import json
import pickle
from collections import Counter, OrderedDict
from pathlib import Path

import sacremoses
import sentencepiece

ROOT = Path(__file__).parents[2]
OUT = Path(__file__).with_name("tokenizers")
OTHER = [
    "Die Straße nach Köln ist heute gesperrt, bitte fahren Sie über Bonn.",
    "Où est passée ma carte? Elle n'est pas arrivée.",
    "¿Cuánto cuesta enviar dinero al extranjero?",
    "Деньги на счёт ещё не поступили, что делать?",
    "我的卡还没有到，请问什么时候能收到？",
    "カードが届きません。どうすればいいですか。",
    "Tháng này tôi chưa nhận được tiền lương.",
]
SENTENCES = [
    "Hello, world! My card hasn't arrived yet.",
    "  two  spaces,\ttabs\nand lines  ",
    "ﬁne ½ ２０２６ Ⅷ ﷺ é é",
    "Größe: 12,5 % von 1.000,50 € — „gut“…",
    "我的卡还没有到，怎么办？",
    "emoji 😀 👩‍👩‍👧 and \u200bzero width",
    "Mr. Smith said 'no' to the I.R.S. at 3 p.m... ok?",
    "It's the dog's bowl; they're 1990's, o'clock & <b>bold</b> @user http://a.b/c",
    "well-known and/or 5,300 a,b No. 5",
    "x" * 30,
    "",
]


def texts() -> list[str]:
    with (ROOT / "examples" / "banking77" / "train.csv").open(newline="") as file:
        found = [row["text"].strip() for row in csv.DictReader(file)]
    return [*found[::4], *OTHER * 20]


def train(name: str, **options: object) -> sentencepiece.SentencePieceProcessor:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts()), model_writer=model, minloglevel=2, num_threads=1,
        **options,
    )  # fmt: skip
    (OUT / f"{name}.model").write_bytes(model.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def moses() -> dict[str, list[list[str]]]:
    tokenizer = sacremoses.MosesTokenizer(lang="en")
    normalizer = sacremoses.MosesPunctNormalizer(lang="en")
    return {
        "punctuation": [normalizer.normalize(text) for text in SENTENCES],
        "words": [tokenizer.tokenize(text, escape=False) for text in SENTENCES],
        "dashes": [
            tokenizer.tokenize(text, escape=False, aggressive_dash_splits=True)
            for text in SENTENCES
        ],
    }


def transfo_xl() -> None:
    words = ["<eos>", "<unk>", "the", "card", "is", "not", "here", "@-@", "@,@", "5", "300", "."]
    content = {
        "special": ["<eos>"], "min_freq": 0, "max_size": None, "lower_case": False,
        "delimiter": None, "vocab_file": None, "counter": Counter(words), "idx2sym": words,
        "sym2idx": OrderedDict((word, number) for number, word in enumerate(words)),
    }  # fmt: skip
    (OUT / "transfo_xl.pkl").write_bytes(pickle.dumps(content, protocol=2))


def main() -> None:
    OUT.mkdir(exist_ok=True)
    whole = {"character_coverage": 1.0, "hard_vocab_limit": False}
    t5 = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
    made = {
        "unigram": train("unigram", vocab_size=900, character_coverage=0.995),
        "t5": train("t5", vocab_size=900, character_coverage=0.995,
                    normalization_rule_name="identity", **t5),
        "bpe": train(
            "bpe", vocab_size=1200, model_type="bpe", byte_fallback=True, split_digits=True,
            normalization_rule_name="identity", remove_extra_whitespaces=False, **whole,
            user_defined_symbols=["<tool>"], allow_whitespace_only_pieces=True,
        ),
        "gemma": train(
            "gemma", vocab_size=1200, model_type="bpe", byte_fallback=True, split_digits=True,
            normalization_rule_name="identity", remove_extra_whitespaces=False, **whole,
            add_dummy_prefix=False, user_defined_symbols=["<start_of_turn>", "\n", "▁▁"],
            pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>", eos_piece="<eos>",
            bos_piece="<bos>",
        ),
    }  # fmt: skip
    transfo_xl()
    expected = {
        "sentences": SENTENCES,
        "sentencepiece": {name: [p.encode(text) for text in SENTENCES] for name, p in made.items()},
        "pieces": {
            name: [p.encode(text, out_type=str) for text in SENTENCES] for name, p in made.items()
        },
        "moses": moses(),
    }
    text = json.dumps(expected, ensure_ascii=False, indent=1, sort_keys=True)
    (OUT / "expected.json").write_text(f"{text}\n")


if __name__ == "__main__":
    main()
