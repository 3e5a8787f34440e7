"""What tokenizers take from the environment, read at call time; arguments come first.

As in `reprise.hub.settings`: a library that is called from a notebook has no command line above
it that could pass these on.

| variable | meaning |
|---|---|
| `REPRISE_TOKENIZER_ENGINE` | name of the engine that "auto" means |
"""

import os


def engine_name() -> str | None:
    """Return the engine that `REPRISE_TOKENIZER_ENGINE` names, if it is set."""
    return os.environ.get("REPRISE_TOKENIZER_ENGINE") or None
