"""The reference page of metrics, made from their definitions.

`python -m tests.metric_reference` writes it.
"""

from pathlib import Path

from reprise.metrics import catalogue
from reprise.metrics.definition import Definition
from reprise.metrics.options import MANDATORY, Option

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "metrics.md"
_HEAD = """# Metrics

<!-- Made by `python -m tests.metric_reference` from the definitions; a test keeps it fresh. -->

`load_metric(id)` takes the newest version, `load_metric("squad2@1.0")` that one. Options in bold
are mandatory: each choice gives another number. The main value is what `.score` returns. How to use
them: [the guide](../guides/metrics.md).

| metric | what | main value | unit | options | definition |
| --- | --- | --- | --- | --- | --- |
"""


def page() -> str:
    """Return the whole page."""
    from reprise.metrics.fingerprint import definition_hash

    rows = [
        f"| `{d.name}` | {d.summary} | `{d.main}` | {_unit(d)} | {_options(d)} "
        f"| `{definition_hash(d)}` |"
        for d in catalogue.definitions()
    ]
    others = [f"| `{name}` | `{found}` |" for name, found in sorted(catalogue.ALIASES.items())]
    families = [
        f'| `load_metric("{family}", task)` | `{prefix}`task |'
        for family, prefix in sorted(catalogue.FAMILIES.items())
    ]
    table = "\n".join(["| name | means |", "| --- | --- |", *others, *families])
    return _HEAD + "\n".join(rows) + f"\n\n## Names that `evaluate` has\n\n{table}\n"


def _unit(definition: Definition) -> str:
    return definition.unit + ("" if definition.higher_is_better else ", lower is better")


def _options(definition: Definition) -> str:
    return "; ".join(map(_option, definition.options)) or "none"


def _option(option: Option) -> str:
    if option.default is MANDATORY:
        choices = f": {', '.join(map(str, option.choices))}" if option.choices else ""
        return f"**`{option.name}`**{choices}"
    return f"`{option.name}={option.default!r}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
