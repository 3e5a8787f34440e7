"""Train the intent classifier from Banking77's csv files; numpy only, some 20 seconds.

    python train.py --data ../banking77

writes `model.safetensors`, `config.json`, `vocabulary.json` and `accuracy.svg` beside itself (or
into `--out`). The same seed and data give the same bytes. `--cross-validate 5` trains nothing but
prints the accuracy on five held-out fifths of the training data: of the settings compared with it,
those below were best.
"""

import argparse
import csv
import hashlib
import json
import math
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from banking_intents.classifier import IntentClassifier, probabilities
from banking_intents.features import (
    FeatureSettings,
    Vectorizer,
    character_ngrams,
    tokenize,
    word_ngrams,
)
from dual_descent import DescentSettings, fit_weights
from report import accuracy_svg, summary
from safetensors.numpy import save as to_safetensors

# Candidates for the temperature of the probabilities: 0.05, 0.06, ..., 1.00.
TEMPERATURES = [step / 100 for step in range(5, 101)]


@dataclass(frozen=True)
class TrainingSettings:
    """Everything that decides the trained bytes, besides the data.

    Attributes:
        features: What counts as a feature.
        min_count: Questions an n-gram must occur in to be kept.
        descent: How the weights are found.
    """

    features: FeatureSettings = field(default_factory=FeatureSettings)
    min_count: int = 2
    descent: DescentSettings = field(default_factory=DescentSettings)


@dataclass(frozen=True)
class Split:
    """Questions and their intents, in the order of the file."""

    texts: list[str]
    labels: list[str]

    def pick(self, rows: Sequence[int]) -> "Split":
        """Return the given rows."""
        return Split([self.texts[i] for i in rows], [self.labels[i] for i in rows])


def main(argv: Sequence[str] | None = None) -> int:
    """Train or cross-validate; print what was measured."""
    options = _parse(argv)
    descent = DescentSettings(seed=options.seed, epochs=options.epochs)
    settings = TrainingSettings(descent=descent)
    train, test = read_split(options.data / "train.csv"), read_split(options.data / "test.csv")
    if options.rows:
        train = train.pick(range(0, len(train.texts), max(1, len(train.texts) // options.rows)))
    if options.cross_validate:
        print(f"accuracy {cross_validate(train, settings, options.cross_validate):.4f}")
        return 0
    start = time.perf_counter()
    classifier = train_classifier(train, settings)
    print(f"trained on {len(train.texts):,} questions in {time.perf_counter() - start:.0f} s")
    options.out.mkdir(parents=True, exist_ok=True)
    save_classifier(classifier, options.out, settings=settings, data=options.data)
    report(IntentClassifier.from_folder(options.out), test, options.out)
    return 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=here.parent / "banking77")
    parser.add_argument("--out", type=Path, default=here)
    parser.add_argument("--seed", type=int, default=DescentSettings.seed)
    parser.add_argument("--epochs", type=int, default=DescentSettings.epochs)
    parser.add_argument("--rows", type=int, default=0, help="train on about this many questions")
    parser.add_argument("--cross-validate", type=int, default=0, metavar="FOLDS")
    return parser.parse_args(argv)


def read_split(path: Path) -> Split:
    """Read a csv file with the columns `text` and `category`."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return Split([row["text"] for row in rows], [row["category"] for row in rows])


def train_classifier(split: Split, settings: TrainingSettings) -> IntentClassifier:
    """Fit on nine tenths to set the temperature, then on everything to set the weights."""
    held_out = range(0, len(split.texts), 10)
    rest = [i for i in range(len(split.texts)) if i % 10]
    labels = sorted(set(split.labels))
    part = fit(split.pick(rest), labels, settings)
    temperature = best_temperature(part, split.pick(held_out))
    whole = fit(split, labels, settings)
    return IntentClassifier(
        whole.vectorizer, whole.weight, bias=whole.bias, labels=labels, temperature=temperature
    )


def fit(split: Split, labels: Sequence[str], settings: TrainingSettings) -> IntentClassifier:
    """Build the vocabulary and train one linear separator per intent."""
    vectorizer = build_vectorizer(split.texts, settings)
    targets = np.array([labels.index(label) for label in split.labels])
    weights = fit_weights(
        [vectorizer(text) for text in split.texts],
        targets,
        shape=(len(vectorizer), len(labels)),
        settings=settings.descent,
    )
    # Stored weights have 16 bits; rounding here makes what is measured what is saved.
    weight = weights[:-1].astype(np.float16).astype(np.float32)
    return IntentClassifier(vectorizer, weight, bias=weights[-1].copy(), labels=labels)


def build_vectorizer(texts: Sequence[str], settings: TrainingSettings) -> Vectorizer:
    """Keep the n-grams of enough questions and weigh them by how rare they are."""
    words: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for text in texts:
        tokens = tokenize(text)
        words.update(set(word_ngrams(tokens, settings.features)))
        characters.update(set(character_ngrams(tokens, settings.features)))
    kept = [
        sorted(ngram for ngram, count in counts.items() if count >= settings.min_count)
        for counts in (words, characters)
    ]
    counts = [words[ngram] for ngram in kept[0]] + [characters[ngram] for ngram in kept[1]]
    idf = [1.0 + math.log((1 + len(texts)) / (1 + count)) for count in counts]
    return Vectorizer(*kept, idf=np.array(idf, dtype=np.float32), settings=settings.features)


def best_temperature(classifier: IntentClassifier, held_out: Split) -> float:
    """Choose the temperature whose probabilities fit unseen questions best (log loss)."""
    margins = np.stack([classifier.margins(text) for text in held_out.texts])
    gold = [classifier.labels.index(label) for label in held_out.labels]
    accuracy = float(np.mean(margins.argmax(axis=1) == gold))
    rows = np.arange(len(gold))

    def loss(temperature: float) -> float:
        return -float(np.mean(np.log(probabilities(margins, temperature)[rows, gold])))

    best = min(TEMPERATURES, key=loss)
    print(f"held-out accuracy {accuracy:.4f}, temperature {best}, log loss {loss(best):.3f}")
    return best


def cross_validate(split: Split, settings: TrainingSettings, folds: int) -> float:
    """Return the mean accuracy over held-out folds of the training data."""
    labels = sorted(set(split.labels))
    scores = []
    for fold in range(folds):
        rows = range(fold, len(split.texts), folds)
        rest = [i for i in range(len(split.texts)) if i % folds != fold]
        classifier = fit(split.pick(rest), labels, settings)
        scores.append(accuracy(classifier, split.pick(rows)))
        print(f"fold {fold + 1}: {scores[-1]:.4f}", flush=True)
    return sum(scores) / folds


def accuracy(classifier: IntentClassifier, split: Split) -> float:
    """Return the share of questions whose best intent is the right one."""
    right = [
        best[0]["label"] == label
        for best, label in zip(classifier(split.texts, top_k=1), split.labels, strict=True)
    ]
    return sum(right) / len(right)


def save_classifier(
    classifier: IntentClassifier, folder: Path, *, settings: TrainingSettings, data: Path
) -> None:
    """Write weights, vocabulary and settings."""
    vectorizer = classifier.vectorizer
    tensors: dict[str, np.ndarray[Any, Any]] = {
        "weight": classifier.weight.astype(np.float16),
        "bias": classifier.bias,
        "idf": vectorizer.idf,
    }
    (folder / "model.safetensors").write_bytes(to_safetensors(tensors))
    write_json(
        folder / "vocabulary.json",
        {"words": vectorizer.words, "characters": vectorizer.characters},
    )
    training = asdict(settings)
    training["train_sha256"] = hashlib.sha256((data / "train.csv").read_bytes()).hexdigest()
    config = {
        "model_type": "linear-ngram-classifier",
        "features": training.pop("features"),
        "temperature": classifier.temperature,
        "training": training,
        "id2label": {str(i): label for i, label in enumerate(classifier.labels)},
    }
    write_json(folder / "config.json", config)


def write_json(path: Path, value: object) -> None:
    """Write JSON with one entry a line, so that two versions can be compared."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def report(classifier: IntentClassifier, test: Split, folder: Path) -> None:
    """Measure the saved classifier on the test split; print a summary and draw the picture."""
    start = time.perf_counter()
    predicted = [best[0]["label"] for best in classifier(test.texts, top_k=1)]
    seconds = time.perf_counter() - start
    print(summary(test.labels, predicted))
    print(f"{len(predicted):,} questions in {seconds:.2f} s")
    svg = accuracy_svg(test.labels, predicted)
    (folder / "accuracy.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
