"""Floor 6, tasks: a pipeline takes what people have, text or images, and gives what they asked for.

Names are imported on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reprise.tasks.base import Pipeline
    from reprise.tasks.running import Stopped
    from reprise.tasks.starting import pipeline

# Public name -> module.
_EXPORTS = {"Pipeline": "base", "Stopped": "running", "pipeline": "starting"}

__all__ = ["Pipeline", "Stopped", "pipeline"]


def __getattr__(name: str) -> Any:
    """Import the module behind a public name on first use."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'reprise.tasks' has no attribute {name!r}")
    from reprise.base.optional import require

    require("numpy", extra="run")  # all modules of this room compute with it
    return getattr(import_module(f"reprise.tasks.{_EXPORTS[name]}"), name)
