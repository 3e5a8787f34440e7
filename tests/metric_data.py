"""Real predictions with their gold answers and tags, for tests of metrics."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "data" / "metrics"
_TAGS = {
    "N": "B-NP", "n": "I-NP", "V": "B-VP", "v": "I-VP", "P": "B-PP", "S": "B-SBAR",
    "A": "B-ADVP", "J": "B-ADJP", "j": "I-ADJP", ".": "O",
}  # fmt: skip


def questions(name: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Predictions and references of a SQuAD file, as `evaluate` takes them."""
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    said = [{"id": row["id"], "prediction_text": row["prediction_text"]} for row in rows]
    true = [{"id": row["id"], "answers": {"text": row["answers"]}} for row in rows]
    return said, true


def conll_sample() -> tuple[list[list[str]], list[list[str]]]:
    """Guessed and gold tags of conlleval's published example."""
    lines = (FOLDER / "conll2000-sample.tags").read_text().splitlines()
    pairs = [line.split() for line in lines]
    return [[_TAGS[p[1]] for p in s] for s in pairs], [[_TAGS[p[0]] for p in s] for s in pairs]


def minimal_pairs() -> tuple[list[str], list[str]]:
    """Unacceptable and acceptable sentences of a BLiMP set."""
    lines = (FOLDER / "blimp-anaphor-number.tsv").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("\t") for line in lines]
    return [bad for bad, _ in pairs], [good for _, good in pairs]
