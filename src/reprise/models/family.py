"""What a family declares: a spec from a configuration, names, heads, defaults."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reprise.models.config import Config
from reprise.models.heads import Head
from reprise.models.spec import ModelSpec

HeadOf = Head | Callable[[Config], Head]


@dataclass(frozen=True, kw_only=True)
class Family:
    """One model type.

    `names` is the table of the body (see `names.py`), or a function of the configuration when
    stored names depend on it. `body` is what stands before a body's stored names in a file that
    also holds a head.
    """

    model_type: str
    prefix: str  # of the reference's class names: `Bert` in `BertForMaskedLM`
    spec: Callable[[Config], ModelSpec]
    names: str | Callable[[Config], str]
    heads: Mapping[str, HeadOf]  # by the rest of the class name: `ForMaskedLM`
    body: str
    defaults: dict[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()  # patterns of stored names that carry no weights
    elsewhere: tuple[str, ...] = ()  # patterns of stored names of parts that no model here has
    renamed: tuple[tuple[str, str], ...] = ()  # pattern, replacement: names in old files

    def table(self, config: Config) -> str:
        """Return the body's name table for a configuration."""
        return self.names if isinstance(self.names, str) else self.names(config)

    def head(self, name: str, config: Config) -> Head | None:
        """Return a head by name; ``Model`` is the bare body where no head has that name."""
        if name == "Model" and name not in self.heads:
            return None
        made = self.heads[name]
        return made if isinstance(made, Head) else made(config)
