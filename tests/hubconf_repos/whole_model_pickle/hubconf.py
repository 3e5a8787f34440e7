"""A checkpoint that holds the model, not its weights."""

import os
import pickle

dependencies = []

_FILE = os.path.join(os.path.dirname(__file__), "model.pkl")


def net():
    """Unpickle a model whose class is named models.net.Net."""
    with open(_FILE, "rb") as file:
        return pickle.load(file)
