"""The classifier: one weight per n-gram and intent, added up, turned into probabilities."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict, overload

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

from banking_intents.features import FeatureSettings, Values, Vectorizer

# A question has some 60 characters; a limit keeps a hostile one from holding the process.
MAX_CHARACTERS = 20_000


class Prediction(TypedDict):
    """One intent with its probability, 0 to 1."""

    label: str
    score: float


class IntentClassifier:
    """Tells which of 77 intents a banking question has.

    Call it with one question for a list of predictions, best first, or with several questions for
    a list of such lists. Make one with `IntentClassifier.from_folder` or through `hubconf.py`.
    """

    def __init__(
        self,
        vectorizer: Vectorizer,
        weight: Values,
        *,
        bias: Values,
        labels: Sequence[str],
        temperature: float = 1.0,
    ) -> None:
        self.vectorizer = vectorizer
        self.weight = weight
        self.bias = bias
        self.labels = tuple(labels)
        self.temperature = temperature
        self.top_k = 1

    @classmethod
    def from_folder(cls, folder: Path, *, top_k: int = 1) -> "IntentClassifier":
        """Read `config.json`, `vocabulary.json` and `model.safetensors` from a folder."""
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        vocabulary = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        tensors = load_file(folder / "model.safetensors")
        vectorizer = Vectorizer(
            vocabulary["words"],
            vocabulary["characters"],
            idf=tensors["idf"],
            settings=FeatureSettings(**config["features"]),
        )
        classifier = cls(
            vectorizer,
            tensors["weight"].astype(np.float32),
            bias=tensors["bias"],
            labels=list(config["id2label"].values()),
            temperature=config["temperature"],
        )
        classifier.top_k = check_top_k(top_k)
        return classifier

    @overload
    def __call__(self, text: str, *, top_k: int | None = None) -> list[Prediction]: ...

    @overload
    def __call__(
        self, text: list[str] | tuple[str, ...], *, top_k: int | None = None
    ) -> list[list[Prediction]]: ...

    def __call__(
        self, text: str | list[str] | tuple[str, ...], *, top_k: int | None = None
    ) -> list[Prediction] | list[list[Prediction]]:
        """Classify one question or several.

        Args:
            text: A question, or a list of questions; at most 20,000 characters each.
            top_k: How many intents to return for a question, best first; more than there are
                returns all.

        Raises:
            TypeError: Something other than text was given.
            ValueError: A text is blank or too long, or `top_k` is below 1.
        """
        count = self.top_k if top_k is None else check_top_k(top_k)
        if isinstance(text, str):
            return self._predict(text, count)
        if not isinstance(text, (list, tuple)):
            raise TypeError(f"Give a str or a list of str, not {type(text).__name__}.")
        return [self._predict(one, count) for one in text]

    def margins(self, text: str) -> Values:
        """Return the raw score of every intent, shape [77]; above 0 speaks for the intent."""
        indices, values = self.vectorizer(check_text(text))
        # Multiply and add as two steps, row by row: the same bits on every machine, which a
        # library's matrix product does not promise.
        added: Values = np.add.reduce(self.weight[indices] * values[:, None], axis=0)
        return self.bias + added

    def explain(self, text: str, *, top_k: int = 10) -> list[tuple[str, float]]:
        """Name the n-grams that spoke for the best intent, with what each added to its score.

        The model is linear, so this is no approximation: all contributions and the intent's bias
        add up to its score. Character n-grams stand between bars.
        """
        best = int(self.margins(text).argmax())
        indices, values = self.vectorizer(text)
        added = self.weight[indices, best] * values
        order = np.argsort(-added, kind="stable")[: check_top_k(top_k)]
        return [(self.vectorizer.name(int(indices[i])), float(added[i])) for i in order]

    def _predict(self, text: str, top_k: int) -> list[Prediction]:
        margins = self.margins(text)
        scores = probabilities(margins, self.temperature)
        best = np.argsort(-margins, kind="stable")[:top_k]
        return [Prediction(label=self.labels[i], score=float(scores[i])) for i in best]

    def __repr__(self) -> str:
        return f"IntentClassifier({len(self.labels)} intents, {len(self.vectorizer):,} n-grams)"


def probabilities(margins: Values, temperature: float) -> npt.NDArray[np.float64]:
    """Turn scores into probabilities along the last axis; a low temperature sharpens them."""
    scaled = margins.astype(np.float64) / temperature
    raised = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    shares: npt.NDArray[np.float64] = raised / raised.sum(axis=-1, keepdims=True)
    return shares


def check_text(text: object) -> str:
    """Return `text` when it is a text that can be classified.

    Raises:
        TypeError: Not a str.
        ValueError: Blank, or longer than `MAX_CHARACTERS`.
    """
    if not isinstance(text, str):
        raise TypeError(f"A question must be a str, not {type(text).__name__}.")
    if not text.strip():
        raise ValueError("The question is empty; there is nothing to classify.")
    if len(text) > MAX_CHARACTERS:
        raise ValueError(
            f"The question has {len(text):,} characters, the limit is {MAX_CHARACTERS:,}; "
            "classify it in parts."
        )
    return text


def check_top_k(top_k: int) -> int:
    """Return `top_k` when it is a count of at least 1.

    Raises:
        TypeError: Not an int.
        ValueError: Below 1.
    """
    if not isinstance(top_k, int) or isinstance(top_k, bool):
        raise TypeError(f"top_k must be an int, not {type(top_k).__name__}.")
    if top_k < 1:
        raise ValueError(f"top_k must be 1 or more, not {top_k}.")
    return top_k
