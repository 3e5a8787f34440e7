"""Statements of which it is not known whether, or how often, they run."""

import ast
from collections.abc import Sequence

from reprise.hub.manifest.calls import best
from reprise.hub.manifest.engine import Engine, Run
from reprise.hub.manifest.patterns import store
from reprise.hub.manifest.values import MISSING, Frame, Value

_Writes = dict[str, tuple[Value, Value]]


def run_alternatives(
    engine: Engine,
    blocks: Sequence[Sequence[ast.stmt]],
    frame: Frame,
    *,
    first_is_likely: bool = False,
) -> Run:
    """Read blocks of which one will run, and let each name stand for the best of its values.

    Args:
        engine: The reader.
        blocks: The alternatives; an empty one stands for none of the others.
        frame: The scope they share.
        first_is_likely: Whether the first is expected to run: the body of a try.
    """
    outer = frame.journal
    written: list[_Writes] = []
    ends: list[bool] = []
    for block in blocks:
        frame.journal = {}
        try:
            ends.append((yield from engine.run(block, frame)))
            written.append(frame.journal)
        finally:
            frame.journal = outer
    going = [writes for writes, end in zip(written, ends, strict=True) if not end]
    _merge(frame, going or written, likely=written[0] if first_is_likely else {})
    return bool(ends) and all(ends)


def run_loop(engine: Engine, node: ast.For, values: Sequence[Value], frame: Frame) -> Run:
    """Read the body of a loop once for each value."""
    engine.loops += 1
    try:
        for value in values:
            if not engine.afford():
                frame.module.open = True
                break
            store(engine, node.target, value, frame)
            yield from engine.run(node.body, frame)
    finally:
        engine.loops -= 1
    return False


def _merge(frame: Frame, written: Sequence[_Writes], *, likely: _Writes) -> None:
    names = dict.fromkeys(name for writes in written for name in writes)
    for name in names:
        values = [writes[name][1] for writes in written if name in writes]
        before = next(writes[name][0] for writes in written if name in writes)
        everywhere = len(values) == len(written) or name in likely
        if before is not MISSING and not everywhere:
            values = [before, *values] if _is_fallback(values) else values
        certain = everywhere or before is not MISSING
        frame.bind(name, best(values), certain=certain)


def _is_fallback(values: Sequence[Value]) -> bool:
    return all(value is None for value in values)
