"""Small models and small data for every evaluator, with the benchmark in the data's repo."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import reprise
from reprise.cli.main import run
from reprise.formats import claim, toml_text
from reprise.formats.claim import Claim
from tests.pipeline_models import save, texts

DATA = Path(__file__).parent / "data" / "evaluators"
CARD = "---\nlicense: mit\n---\n# For tests\n"
INTENTS = ["arrival", "exchange", "top-up"]
TAGS = ["O", "B-PER", "I-PER", "B-LOC"]
COUNT = 40


@dataclass(frozen=True)
class Case:
    """One evaluator: a model, rows, a benchmark, and the columns that a claim must pin."""

    evaluator: str
    model: str
    rows: list[dict[str, Any]]
    metric: Mapping[str, Any]
    columns: Mapping[str, Any]
    protocol: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)

    def save(self, folder: Path) -> Path:
        """Write the model."""
        save(folder, self.model, **self.changes)
        (folder / "README.md").write_text(CARD)
        return folder

    def save_rows(self, folder: Path) -> Path:
        """Write the rows, with the benchmark beside them."""
        folder.mkdir(parents=True)
        lines = "".join(json.dumps(row) + "\n" for row in self.rows)
        (folder / "test.jsonl").write_text(lines)
        (folder / "README.md").write_text(CARD)
        (folder / ".reprise").mkdir()
        (folder / ".reprise" / "benchmark.toml").write_text(toml_text.write(self.benchmark))
        return folder

    @property
    def benchmark(self) -> dict[str, Any]:
        """What the benchmark's file says."""
        return {
            "schema": 1, "id": "it", "evaluator": self.evaluator, "data": {"split": "test"},
            "metric": dict(self.metric), "protocol": dict(self.protocol),
        }  # fmt: skip

    def publish(self, tmp_path: Path) -> Path:
        """Publish model and rows as ada; return the model's folder."""
        rows = self.save_rows(tmp_path / "rows")
        reprise.publish(rows, "ada/rows", repo_type="dataset", lock=None)
        folder = self.save(tmp_path / "net")
        reprise.publish(folder, "ada/net", lock=None)
        return folder

    def claim(self, tmp_path: Path) -> Claim:
        """Publish, evaluate, and publish again with the claim, which is returned."""
        folder = self.publish(tmp_path)
        assert run(["eval", "ada/net", "ada/rows", "--claim", "it", "--into", str(folder)]) == 0
        made = claim.read((folder / claim.FOLDER / "it.toml").read_text())
        assert (made.pins, made.run.entry) == ("full", f"{self.evaluator}@1")
        assert made.run.args.items() >= self.columns.items()
        reprise.publish(folder, "ada/net", lock=None)
        return made


def _named(names: list[str]) -> dict[str, Any]:
    return {
        "num_labels": len(names), "id2label": dict(enumerate(names)),
        "label2id": {name: at for at, name in enumerate(names)},
    }  # fmt: skip


def _cases() -> list[Case]:
    said = texts(COUNT * 2)
    words = [text.split()[:12] for text in said[:COUNT]]
    return [
        Case(
            "text-classification", "BertForSequenceClassification",
            [{"text": text, "category": INTENTS[at % 3]} for at, text in enumerate(said[:COUNT])],
            {"id": "accuracy@1.0"}, {"input": "text", "label": "category"},
            changes=_named(INTENTS),
        ),
        Case(
            "tagging", "BertForTokenClassification",
            [{"tokens": line, "tags": [TAGS[len(word) % 4] for word in line]} for line in words],
            {"id": "accuracy@1.0"}, {"input": "tokens", "label": "tags", "count": "words"},
            {"count": "words"}, _named(TAGS),
        ),
        Case(
            "similarity", "BertModel",
            [{"sentence1": one, "sentence2": two, "score": float(at % 6)}
             for at, (one, two) in enumerate(zip(said[::2], said[1::2], strict=True))],
            {"id": "spearmanr@1.0"}, {"first": "sentence1", "second": "sentence2"},
        ),
        Case(
            "minimal-pairs", "BertForMaskedLM",
            [{"sentence_good": text, "sentence_bad": " ".join(reversed(text.split()))}
             for text in said[:COUNT]],
            {"id": "blimp@1.0"}, {"good": "sentence_good", "bad": "sentence_bad"},
        ),
    ]  # fmt: skip


def _more_cases() -> list[Case]:
    said = texts(COUNT)
    gpt = {"model_type": "gpt2", "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
    spans = [{"id": f"q{at}", "question": "which word?", "context": text[:80],
              "answers": {"text": [text.split()[0]], "answer_start": [0]}}
             for at, text in enumerate(said)]  # fmt: skip
    return [
        Case(
            "question-answering", "BertForQuestionAnswering", spans, {"id": "squad1@1.0"},
            {"question": "question", "context": "context", "answers": "answers", "id": "id"},
            {"doc_stride": 8}, {"max_position_embeddings": 64},
        ),
        Case(
            "language-modelling", "GPT2LMHeadModel", [{"text": text} for text in said],
            {"id": "perplexity@1.0"}, {"context": 32, "stride": 16, "level": "word"},
            {"context": 32, "stride": 16, "level": "word"}, gpt,
        ),
        Case(
            "retrieval", "BertModel",
            [{"query": text, "documents": [said[at - 1], text, said[at - 2]], "relevant": [1]}
             for at, text in enumerate(said)],
            {"id": "mrr@1.0"}, {"query": "query", "documents": "documents", "label": "relevant"},
        ),
        Case(
            "generation", "GPT2LMHeadModel",
            [{"text": text, "target": "card"} for text in said[:8]], {"id": "chrf@1.0"},
            {"prompt": "{text}", "label": "target", "max_new_tokens": 4},
            {"max_new_tokens": 4}, gpt,
        ),
    ]  # fmt: skip


CASES = _cases()
MORE_CASES = _more_cases()
