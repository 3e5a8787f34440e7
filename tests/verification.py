"""A small classifier and a small tagger, trained on real data, for tests of verification."""

import csv
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

import reprise
from reprise.formats import dsse, verdict, verdict_checks
from reprise.hub import Isolation
from reprise.verify import evidence
from reprise.verify.running import How, Report

BANKING = Path(__file__).parents[1] / "examples" / "banking77"
HUBCONF = '''
import json
from pathlib import Path

dependencies = []

def classifier():
    """Tell the intent of a question by the words in it."""
    weights = json.loads((Path(__file__).parent / "weights.json").read_text())
    return _Classifier(weights)

class _Classifier:
    def __init__(self, weights):
        self.weights = weights

    def __call__(self, questions):
        return [self.answer(question) for question in questions]

    def answer(self, question):
        words = question.lower().split()
        scores = {
            intent: sum(known.get(word, 0.0) for word in words)
            for intent, known in self.weights.items()
        }
        ranked = sorted(scores, key=lambda intent: (-scores[intent], intent))
        return [{"label": intent, "score": scores[intent]} for intent in ranked[:2]]
'''
CARD = "---\nlicense: mit\nlanguage: en\n---\n# Intents by words\n"


def intents(split: str, count: int = 5) -> list[tuple[str, str]]:
    """Questions of Banking77 with their intents, of the first few intents."""
    with (BANKING / f"{split}.csv").open(newline="") as file:
        rows = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    chosen = sorted({intent for _, intent in rows})[:count]
    return [row for row in rows if row[1] in chosen]


def train(rows: list[tuple[str, str]]) -> dict[str, dict[str, float]]:
    """Weigh each word by how much it says about an intent."""
    by_intent: dict[str, Counter[str]] = defaultdict(Counter)
    total: Counter[str] = Counter()
    for text, intent in rows:
        by_intent[intent].update(set(text.lower().split()))
        total.update(set(text.lower().split()))
    return {
        intent: {word: round(n / total[word] ** 0.5, 4) for word, n in sorted(words.items())}
        for intent, words in sorted(by_intent.items())
    }


def write_model(folder: Path) -> Path:
    """Write the repo of the classifier."""
    folder.mkdir()
    (folder / "hubconf.py").write_text(HUBCONF)
    (folder / "weights.json").write_text(json.dumps(train(intents("train"))))
    (folder / "README.md").write_text(CARD)
    return folder


def write_data(folder: Path) -> Path:
    """Write the repo of the test questions."""
    folder.mkdir()
    with (folder / "test.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "category"), *intents("test")])
    (folder / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n# Five intents\n")
    return folder


def publish_both(tmp_path: Path) -> Path:
    """Publish model and data as ada; return the model's folder."""
    reprise.publish(write_data(tmp_path / "rows"), "ada/rows", repo_type="dataset")
    folder = write_model(tmp_path / "net")
    reprise.publish(folder, "ada/net", lock=None)
    return folder


TAGGER = '''
import json
from pathlib import Path

dependencies = []

def tagger():
    """Tag each word as it was most often tagged."""
    return _Tagger(json.loads((Path(__file__).parent / "weights.json").read_text()))

class _Tagger:
    def __init__(self, known):
        self.known = known

    def __call__(self, sentences):
        return [[self.known.get(word, "O") for word in sentence] for sentence in sentences]
'''
# Sentences of WNUT 2017 in small: `word/TAG`, made for tests.
TRAINED_ON = ["Ada/B-PER Lovelace/I-PER wrote/O", "Paris/B-LOC is/O old/O", "In/O Paris/B-LOC"]
TAGGED = ["Ada/B-PER wrote/O", "Old/O Paris/B-LOC", "Lovelace/B-PER in/O Rome/B-LOC"]


def write_tagger(folder: Path) -> Path:
    """Write the repo of the tagger."""
    folder.mkdir()
    pairs = [pair.split("/") for sentence in TRAINED_ON for pair in sentence.split()]
    (folder / "hubconf.py").write_text(TAGGER)
    (folder / "weights.json").write_text(json.dumps(dict(sorted(pairs))))
    (folder / "README.md").write_text(CARD)
    return folder


def write_tags(folder: Path) -> Path:
    """Write the repo of the tagged sentences, in CoNLL's format."""
    folder.mkdir()
    blocks = ["\n".join(pair.replace("/", "\t") for pair in s.split()) for s in TAGGED]
    (folder / "test.conll").write_text("\n\n".join(blocks) + "\n")
    (folder / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n# Tags\n")
    return folder


def how(tmp_path: Path, **more: object) -> How:
    """Verify in this interpreter's environment, with evidence in a folder of the test."""
    isolation = Isolation(environment=Path(sys.executable))
    return How(isolation=isolation, folder=tmp_path / "evidence", **more)


def sound(report: Report) -> Report:
    """The report, whose verdict is one that a hub takes: it reads the same, nothing is wrong."""
    statement = evidence.statement(report.verdict)
    again = dsse.decode_statement(dsse.encode_statement(statement))
    assert verdict.from_dict(dict(again.predicate)) == report.verdict
    wrong = verdict_checks.problems(report.found.claim, report.verdict, again.subjects)
    assert wrong == []
    return report
