"""Write tests/golden/tokenizers/code_points.json: what the library does to every code point.

    pip install tokenizers==0.23.3
    python tests/golden/make_code_points.py

Each tokenizer is parts of the library around a model whose tokens are bytes, so that ids show the
normalized text, offsets its alignment, and word ids where it was cut. One digest a tokenizer; it
changes when the library's Unicode tables do, which a profile promises never happens unnoticed.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent / "tokenizers"
WIDTH = 64  # code points of a row
CL100K = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BERT = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
        "strip_accents": None, "lowercase": True}  # fmt: skip
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
SPLIT = {"type": "Split", "pattern": {"Regex": CL100K}, "behavior": "Isolated", "invert": False}
PARTS: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "bert": ([BERT], [{"type": "BertPreTokenizer"}]),
    "gpt2": ([], [{**BYTES, "use_regex": True}]),
    "cl100k": ([{"type": "NFC"}], [SPLIT]),
    "accents": ([{"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}], []),
    "compatible": ([{"type": "NFKC"}], [{"type": "Whitespace"}]),
    "apart": ([{"type": "NFKD"}, {"type": "Nmt"}], [{"type": "Punctuation", "behavior": "Isolated"},
                                                   {"type": "Digits", "individual_digits": True}]),
    "scripts": ([], [{"type": "UnicodeScripts"}]),
}  # fmt: skip


def alphabet() -> list[str]:
    """The characters that stand for the 256 bytes."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    names = {byte: chr(byte) for byte in plain}
    names |= {byte: chr(256 + number) for number, byte in enumerate(others)}
    return [names[byte] for byte in range(256)]


def content(name: str) -> dict[str, Any]:
    """The tokenizer.json of one case."""
    normalizers, cutters = PARTS[name]
    last = [] if BYTES["type"] in {part["type"] for part in cutters} else [BYTES]
    model = {"type": "BPE", "vocab": {c: n for n, c in enumerate(alphabet())}, "merges": []}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": normalizers} if normalizers else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [*cutters, *last]},
        "post_processor": None, "decoder": None, "model": model,
    }  # fmt: skip


def rows() -> list[str]:
    """Every code point but surrogates, letters around each."""
    points = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    return [
        "".join(f"{char}a" for char in points[at : at + WIDTH])
        for at in range(0, len(points), WIDTH)
    ]


def main() -> None:
    import tokenizers

    found = {}
    for name in PARTS:
        tokenizer = tokenizers.Tokenizer.from_str(json.dumps(content(name)))
        digest = hashlib.sha256()
        for each in tokenizer.encode_batch(rows(), add_special_tokens=False):
            words = [-1 if word is None else word for word in each.word_ids]
            digest.update(json.dumps([each.ids, each.offsets, words]).encode())
        found[name] = digest.hexdigest()
    (ROOT / "code_points.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
