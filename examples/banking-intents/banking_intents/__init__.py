"""Recognise what a bank's customer wants: 77 intents, a linear model over n-grams, numpy only."""

from banking_intents.classifier import IntentClassifier, Prediction
from banking_intents.features import FeatureSettings, Vectorizer

__all__ = ["FeatureSettings", "IntentClassifier", "Prediction", "Vectorizer"]
