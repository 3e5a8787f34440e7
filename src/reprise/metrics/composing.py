"""Make one definition out of several: every part scores every example, side by side."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np

from reprise.base.errors import InvalidFormat, InvalidInput
from reprise.metrics.definition import RAW, Cells, Columns, Definition, Values
from reprise.metrics.inputs import as_list, check_lengths, shown
from reprise.metrics.options import Options, text_of
from reprise.metrics.table import Floats, Table, narrow, ratio, size, totals


@dataclass(frozen=True)
class Component:
    """A part with its options.

    Attributes:
        definition: The metric.
        options: Its options, complete.
        names: Its name of a value -> the whole's name of it.
    """

    definition: Definition
    options: Mapping[str, Any]
    names: Mapping[str, str]


def compose(
    identity: str,
    version: str,
    components: tuple[Component, ...],
    *,
    summary: str = "",
    mean: tuple[str, ...] = (),
    main: str = "",
) -> Definition:
    """Return a definition with the values of all components, and maybe their mean.

    Args:
        identity: Its id.
        version: Its version.
        components: The parts; they read the same input.
        summary: One line.
        mean: Values whose mean becomes the value `mean`.
        main: The value that stands for it; by default the mean, or the first part's.

    Raises:
        InvalidFormat: Two values have one name, a name means nothing, or units do not go together.
    """
    first = components[0].definition
    chosen = main or ("mean" if mean else components[0].names.get(first.main, first.main))
    units = {c.definition.unit for c in components}
    if len(units) > 1 and mean:
        raise InvalidFormat(f"The mean of {' and '.join(sorted(units))} says nothing.")
    if len({c.definition.higher_is_better for c in components}) > 1:
        raise InvalidFormat("Its parts do not agree on whether higher is better.")
    return Definition(
        id=identity,
        version=version,
        summary=summary,
        unit=first.unit if len(units) == 1 else RAW,
        units={c.names.get(c.definition.main, c.definition.main): c.definition.unit
               for c in components},
        main=chosen,
        statistics=tuple(f"{n}:{c.definition.name}" for n, c in enumerate(components)),
        read=partial(read, components),
        score=partial(score, components),
        encode=partial(encode, components),
        finish=partial(finish, components, mean, chosen),
        fixed=(("parts", tuple(_described(c) for c in components)), ("mean", mean or None)),
        higher_is_better=first.higher_is_better,
    )  # fmt: skip


def read(
    components: tuple[Component, ...], predictions: Any, references: Any, options: Options
) -> Columns:
    """Let every part read the input."""
    del options  # each part has its own
    read_by = [c.definition.read(predictions, references, c.options) for c in components]
    if any(list(columns.ids) != list(read_by[0].ids) for columns in read_by):
        raise InvalidInput("The parts of this metric do not see the same examples.")
    said = list(zip(*(as_list(c.predictions, "predictions") for c in read_by), strict=True))
    true = list(zip(*(as_list(c.references, "references") for c in read_by), strict=True))
    return Columns(said, true, read_by[0].ids)


def score(
    components: tuple[Component, ...], prediction: Any, reference: Any, options: Options
) -> Cells:
    """Return the cells of every part, as lists."""
    del options
    triples = zip(components, prediction, reference, strict=True)
    return tuple(list(c.definition.score(p, r, c.options)) for c, p, r in triples)


def encode(
    components: tuple[Component, ...], statistics: Sequence[Cells], options: Options
) -> tuple[Floats, tuple[Any, ...]]:
    """Put the columns of all parts side by side; labels say where each part's begin."""
    del options
    blocks, layout, start = [], [], 0
    for number, component in enumerate(components):
        cells = [tuple(row[number]) for row in statistics]
        rows, labels = component.definition.encode(cells, component.options)
        if len(rows) != len(statistics):
            raise InvalidInput(f"{component.definition.name} cannot be part of another metric.")
        blocks.append(rows)
        layout.append((start, start + rows.shape[1], labels))
        start += rows.shape[1]
    return np.hstack(blocks), tuple(layout)


def finish(
    components: tuple[Component, ...],
    mean: tuple[str, ...],
    main: str,
    table: Table,
    options: Options,
) -> Values:
    """Let every part make its values."""
    del options
    found: Values = {}
    for component, layout in zip(components, table.labels, strict=True):
        start, end, labels = cast("tuple[int, int, tuple[Any, ...]]", layout)
        part = narrow(table, slice(start, end), labels)
        for name, values in component.definition.finish(part, component.options).items():
            called = component.names.get(name, name)
            if called in found or called == "mean":
                raise InvalidFormat(f"Two values are called {called!r}; give one another name.")
            found[called] = values
    if unknown := [name for name in mean if name not in found or found[name].ndim != 1]:
        raise InvalidFormat(f"The mean uses {unknown[0]!r}, which is no single value of a part.")
    if mean:
        found["mean"] = np.mean([found[name] for name in mean], axis=0)
    if main not in found:
        raise InvalidFormat(f"{main!r} is to stand for the metric, and is no value of it.")
    return found


def _described(component: Component) -> str:
    options = ";".join(f"{k}={text_of(v)}" for k, v in component.options.items())
    names = ";".join(f"{k}>{v}" for k, v in component.names.items())
    return f"{component.definition.name}({';'.join(filter(None, (options, names)))})"


def by_code(
    scorer: Callable[[Any, Any], Any], statistics: tuple[str, ...],
    predictions: Any, references: Any, options: Options,
) -> Columns:  # fmt: skip
    """Read a column on both sides and let foreign code return a row of statistics for each."""
    del options
    said = as_list(predictions, "predictions")
    true = None if references is None else as_list(references, "references")
    if true is not None:
        check_lengths(said, true)
    rows = as_list(scorer(said, true), "the metric's rows")
    check_rows(rows, len(said), statistics)
    return Columns(said, rows, range(len(said)))


def check_rows(rows: list[Any], expected: int, statistics: tuple[str, ...]) -> None:
    """Make sure that foreign code returned finite numbers under the declared names.

    Raises:
        InvalidInput: It did not.
    """
    if len(rows) != expected:
        raise InvalidInput(f"The metric's code returned {len(rows)} rows for {expected} examples.")
    for index, row in enumerate(rows):
        is_mapping = isinstance(row, Mapping) and row.keys() == set(statistics)
        if not is_mapping or not all(_is_finite(value) for value in row.values()):
            raise InvalidInput(
                f"The metric's code returned {shown(row)} for example {index}.",
                hint=f"It must return finite numbers under {', '.join(statistics)}.",
            )


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and float("-inf") < value < float("inf")


def row_of(statistics: tuple[str, ...], prediction: Any, reference: Any, options: Options) -> Cells:
    """Return a row that foreign code made, as cells."""
    del prediction, options
    return tuple(float(reference[name]) for name in statistics)


def by_formula(
    statistics: tuple[str, ...], formulas: Mapping[str, tuple[str, ...]],
    table: Table, options: Options,
) -> Values:  # fmt: skip
    """Make values from summed statistics: means and ratios."""
    del options
    sums, n = totals(table), size(table)
    place = {name: number for number, name in enumerate(statistics)}
    found: Values = {}
    for name, (kind, column, *below) in formulas.items():
        under = sums[:, place[below[0]]] if kind == "ratio" else n
        found[name] = ratio(sums[:, place[column]], under)
    return found
