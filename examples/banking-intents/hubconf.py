"""Entry points: `intent_classifier` and `labels`."""

from pathlib import Path

from banking_intents import IntentClassifier

dependencies = ["numpy", "safetensors"]

_FOLDER = Path(__file__).resolve().parent


def intent_classifier(top_k: int = 1) -> IntentClassifier:
    """Load the classifier of banking questions: 77 intents, English, trained on Banking77.

    Needs numpy and safetensors only; loads in some 50 milliseconds and answers a question in well
    under one.

    Args:
        top_k: How many intents an answer lists, best first (a call may ask for another number).

    Returns:
        A callable. `model("Where is my card?")` gives a list of
        `{"label": str, "score": float}`, scores being probabilities; a list of questions gives a
        list of such lists. `model.explain(question)` names the n-grams that decided.

    Example:
        >>> import reprise
        >>> model = reprise.load("demo/banking-intents", "intent_classifier")
        >>> model("I am still waiting for my card")[0]["label"]
        'card_arrival'
    """
    return IntentClassifier.from_folder(_FOLDER, top_k=top_k)


def labels() -> list[str]:
    """List the 77 intents in the order of the model's outputs."""
    return list(IntentClassifier.from_folder(_FOLDER).labels)
