"""Write tests/golden/tokenizers/frontends with the classes that own these formats.

XLM and CTRL are those of transformers 5; the last version with Transformer-XL is 4.35:

    pip install transformers==5.23.0 sacremoses==0.2.0
    python tests/golden/make_frontends.py xlm ctrl
    pip install transformers==4.35.2 sacremoses==0.2.0 torch==2.13.0
    python tests/golden/make_frontends.py transfo-xl

Each gets a small vocabulary learned from Banking77 (CC BY 4.0), in the files that its class reads;
`expected.json` holds what that class makes of the texts.
"""

# ruff: noqa: RUF001 - characters that look like others are what some of the texts are about

import csv
import json
import os
import shutil
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

# What 4.35 and torch ask for before they read a pickle of their own.
os.environ.update(TRUST_REMOTE_CODE="True", TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD="1")

import tokenizers
import transformers as hf

ROOT = Path(__file__).parents[2]
OUT = Path(__file__).parent / "tokenizers" / "frontends"
TEXTS = [
    "Hello, world! My card hasn't arrived yet.",
    "  two  spaces,\ttabs\nand lines  ",
    "ﬁne ½ ２０２６ Ⅷ é e\u0301 naïve café",
    "Größe: 12,5 % von 1.000,50 € — „gut“…",
    "Où est passée ma carte? Elle n'est pas arrivée.",
    "Деньги на счёт ещё не поступили, что делать?",
    "emoji 😀 and \u200bzero width",
    "Mr. Smith said 'no' to the I.R.S. at 3 p.m... ok?",
    "It's the dog's bowl; they're 1990's, o'clock & <b>bold</b> @user http://a.b/c",
    "well-known and/or 5,300 a,b No. 5, 1,234,567.89 and 3.14",
    "what is this <unk> and </s> <special1> thing",
    "x" * 30,
    "a",
    "",
]


def banking(name: str) -> list[str]:
    with (ROOT / "examples" / "banking77" / f"{name}.csv").open(newline="") as file:
        return [row["text"].strip() for row in csv.DictReader(file)]


def learned(texts: list[str]) -> tuple[dict[str, int], list[str]]:
    """Learn character merges whose words end in `</w>`."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE(end_of_word_suffix="</w>"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=900, end_of_word_suffix="</w>", show_progress=False, min_frequency=2
    )
    made.train_from_iterator(texts, trainer)
    merges = json.loads(made.to_str())["model"]["merges"]
    return made.get_vocab(), [" ".join(m) if isinstance(m, list) else m for m in merges]


def write(folder: Path, vocab: list[str], merges: list[str]) -> None:
    folder.mkdir(parents=True)
    ids = {token: number for number, token in enumerate(vocab)}
    (folder / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False))
    (folder / "merges.txt").write_text("\n".join(merges) + "\n")


def make_xlm(texts: list[str]) -> Any:
    vocab, merges = learned([text.lower() for text in texts])
    listed = ["<s>", "</s>", "<pad>", "<unk>", *(f"<special{n}>" for n in range(10))]
    write(OUT / "xlm", [*listed, *sorted(vocab, key=vocab.__getitem__)],
          [f"{merge} {900 - number}" for number, merge in enumerate(merges)])  # fmt: skip
    return hf.XLMTokenizer.from_pretrained(OUT / "xlm")


def make_ctrl(texts: list[str]) -> Any:
    vocab, merges = learned(texts)
    pieces = [
        token.removesuffix("</w>") if token.endswith("</w>") else f"{token}@@"
        for token in sorted(vocab, key=vocab.__getitem__)
    ]
    single = sorted({token.removesuffix("@@") for token in pieces if len(token) == 3})
    listed = dict.fromkeys(["<unk>", "Links", "Wikipedia", *pieces, *single])
    write(OUT / "ctrl", list(listed), ["#version: 0.2", *merges])
    return hf.CTRLTokenizer.from_pretrained(OUT / "ctrl")


def make_transfo_xl(texts: list[str]) -> Any:
    """Write the pickle as the published one is: the state of the class in its first days."""
    import torch

    made = hf.TransfoXLTokenizer()
    for text in texts:
        made.counter.update(made.tokenize(text))
    kept = [word for word, count in made.counter.most_common() if count > 2]
    words = ["<eos>", "<unk>", *(word for word in kept if word != "<unk>")]
    folder = OUT / "transfo-xl"
    folder.mkdir(parents=True)
    state = {
        "counter": made.counter, "special": ["<eos>"], "min_freq": 3, "max_size": None,
        "lower_case": False, "delimiter": None, "vocab_file": None, "never_split": ["<eos>"],
        "idx2sym": words, "sym2idx": OrderedDict((word, n) for n, word in enumerate(words)),
        "eos_idx": 0, "unk_idx": 1,
    }  # fmt: skip
    torch.save(state, folder / "vocab.pkl", _use_new_zipfile_serialization=False)
    loaded = hf.TransfoXLTokenizer.from_pretrained(folder, additional_special_tokens=[])
    loaded.idx2sym = words  # 4.35 reads the ids from the file, and forgets the words
    return loaded


def expected(tokenizer: Any) -> list[dict[str, Any]]:
    found = []
    for text in [*TEXTS, *banking("test")[::40]]:
        ids = tokenizer(text)["input_ids"]
        found.append({
            "text": text,
            "ids": ids,
            "pair": tokenizer(text, "the second card")["input_ids"],
            "decoded": tokenizer.decode(ids, clean_up_tokenization_spaces=False),
        })  # fmt: skip
    return found


MAKERS = {"xlm": make_xlm, "ctrl": make_ctrl, "transfo-xl": make_transfo_xl}


def main() -> None:
    texts = banking("train")[::4]
    for name in sys.argv[1:]:
        shutil.rmtree(OUT / name, ignore_errors=True)
        values = {"": expected(MAKERS[name](texts))}
        if name == "xlm":
            cased = hf.XLMTokenizer.from_pretrained(
                OUT / name, do_lowercase_and_remove_accent=False
            )
            values["cased"] = expected(cased)
        (OUT / name / "config.json").write_text(json.dumps({"model_type": name}))
        text = json.dumps(values, ensure_ascii=False, indent=0)
        (OUT / name / "expected.json").write_text(f"{text}\n")


if __name__ == "__main__":
    main()
