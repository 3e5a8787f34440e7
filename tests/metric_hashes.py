"""Record the definition hashes of metrics whose code was rewritten without changing a value.

Run `python -m tests.metric_hashes` after the test vectors hold again.
"""

import re
from importlib.resources import files
from pathlib import Path

from reprise.metrics import catalogue
from reprise.metrics.fingerprint import definition_hash


def record() -> None:
    """Rewrite the hashes in the package's `vectors.json`, and nothing else in it."""
    path = Path(str(files("reprise.metrics") / "vectors.json"))
    text = path.read_text(encoding="utf-8")
    for definition in catalogue.definitions():
        start = re.escape(f'"{definition.name}": {{"def": "')
        text = re.sub(rf"({start})\w+", rf"\g<1>{definition_hash(definition)}", text)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    record()
