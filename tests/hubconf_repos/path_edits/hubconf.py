"""Code that lies where only edits of sys.path reach."""

import os
import sys
from pathlib import Path

SRC_DIR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "src")
sys.path.insert(0, SRC_DIR)
sys.path.append(str(Path(__file__).resolve().parent / "third_party"))


class add_path:
    """Adds a folder for the length of a block."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        sys.path.insert(0, self.path)

    def __exit__(self, *error):
        sys.path.remove(self.path)


from core.net import build
from extra import helper as _helper

with add_path(os.path.join(sys.path[1], "inner")):
    from hidden_tools import polish

dependencies = []


def net(width: int = 3):
    """Made of code from four folders."""
    return polish(build(_helper.widen(width)))


def late():
    """Finds a module of the removed folder again."""
    import hidden_tools

    return hidden_tools.polish([1])
