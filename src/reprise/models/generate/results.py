"""What a call gives back: sequences side by side, and what was asked for beside them."""

from collections.abc import Sequence

import numpy as np

from reprise.models.generate.beam_loop import Group
from reprise.models.generate.rows import Row
from reprise.models.generate.seam import Array, Runner
from reprise.models.generate.settings import Settings
from reprise.models.outputs import Output


def of_rows(runner: Runner, settings: Settings, shown: Array, rows: Sequence[Row]) -> Output:
    """Put the answers of greedy search or sampling together."""
    sequences = _sequences(shown, [row.history.new for row in rows], settings)
    fields = {
        "sequences": runner.native(sequences),
        "scores": _by_step(runner, [row.scores for row in rows], settings),
        "logits": _by_step(runner, [row.logits for row in rows], settings),
        "finish_reasons": tuple(row.ended for row in rows),
    }
    return Output(**fields)


def of_beams(runner: Runner, settings: Settings, shown: Array, groups: Sequence[Group]) -> Output:
    """Put the best answers of beam search together."""
    best = [one for group in groups for one in group.best(settings.num_return_sequences)]
    sequences = _sequences(shown, [one.history.new for one in best], settings)
    width = settings.num_beams
    offsets = [number * width for number in range(len(groups))
               for _ in range(settings.num_return_sequences)]  # fmt: skip
    paths = _filled([[beam + offset for beam in one.path]
                     for one, offset in zip(best, offsets, strict=True)], -1)  # fmt: skip
    asked = settings.output_scores
    fields = {
        "sequences": runner.native(sequences),
        "sequences_scores": runner.native(np.array([one.score for one in best], np.float32))
        if asked else None,
        "beam_indices": runner.native(paths) if asked else None,
        "scores": _of_steps(runner, [group.scores for group in groups]),
        "logits": _of_steps(runner, [group.logits for group in groups]),
        "finish_reasons": tuple(one.reason for one in best),
    }  # fmt: skip
    return Output(**fields)


def _sequences(shown: Array, answers: Sequence[Array], settings: Settings) -> Array:
    """Put each answer behind its prompt [R, P + N]; what is short is filled with padding."""
    repeated = shown.repeat(len(answers) // len(shown), axis=0)
    new = _filled([answer.tolist() for answer in answers], settings.pad)
    return np.concatenate((repeated, new), axis=1)


def _filled(rows: Sequence[Sequence[int]], filling: int) -> Array:
    found = np.full((len(rows), max(map(len, rows))), filling, np.int64)
    for number, row in enumerate(rows):
        found[number, : len(row)] = row
    return found


def _by_step(runner: Runner, kept: Sequence[Sequence[Array]],
             settings: Settings) -> tuple[object, ...] | None:  # fmt: skip
    """Turn scores by row into scores by step [R, V]; a row that ended is sure of padding."""
    if not any(kept):
        return None
    after = np.full_like(next(filter(None, kept))[0], -np.inf)
    after[min(settings.pad, len(after) - 1)] = 0
    steps = range(max(map(len, kept)))
    return tuple(
        runner.native(np.stack([row[step] if step < len(row) else after for row in kept]))
        for step in steps
    )


def _of_steps(runner: Runner, kept: Sequence[Sequence[Array]]) -> tuple[object, ...] | None:
    """Join the steps of prompts [K, V]; one that was done early keeps its last scores."""
    if not any(kept):
        return None
    steps = range(max(map(len, kept)))
    return tuple(
        runner.native(np.concatenate([of[min(step, len(of) - 1)] for of in kept])) for step in steps
    )
