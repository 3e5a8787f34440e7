"""No key of any family can be lost, misnamed or misshapen without a word."""

import pytest

from reprise.base.errors import InvalidInput
from reprise.models.config import Config
from reprise.models.matching import match
from reprise.models.plan import Plan, make_plan
from tests.model_cases import CASES, Case
from tests.seeded_models import checkpoint

MATRIX = [
    pytest.param(case, head, id=f"{case.name}-{head}") for case in CASES for head in case.heads
]
Shapes = dict[str, tuple[int, ...]]


def planned(case: Case, head: str) -> tuple[Plan, Shapes]:
    shapes = {name: tuple(v.shape) for name, v in checkpoint(case, head).items()}
    plan = make_plan(Config({"model_type": case.model_type, **case.config}), head)
    return plan.settled(shapes), shapes


def silent(plan: Plan, shapes: Shapes, read: set[str]) -> bool:
    """Whether a changed file loads as if nothing had happened."""
    try:
        found = match(plan.settled(shapes), shapes)
    except InvalidInput:
        return False
    return not found.missing_head and not (read - set(found.sources.values()) - set(found.unused))


def needed(plan: Plan, shapes: Shapes) -> set[str]:
    return set(match(plan, shapes).sources.values())


@pytest.mark.parametrize(("case", "head"), MATRIX)
def test_no_key_can_be_dropped_renamed_or_reshaped_silently(case: Case, head: str) -> None:
    plan, shapes = planned(case, head)
    loaded_silently = []
    for name in sorted(needed(plan, shapes)):
        rest = {n: s for n, s in shapes.items() if n != name}
        changed = {
            "dropped": rest,
            "renamed": rest
            | {name.replace("weight", "wait").replace("bias", "by") + "_": shapes[name]},
            "reshaped": rest | {name: (*shapes[name], 2)},
        }
        loaded_silently += [f"{how} {name}" for how, mutated in changed.items()
                            if silent(plan, mutated, {name} & set(mutated))]  # fmt: skip
    assert [name for name in loaded_silently if not tied_twice(plan, shapes, name)] == []


def tied_twice(plan: Plan, shapes: Shapes, what: str) -> bool:
    """A tied table that the file holds under two names may lose one of them."""
    how, _, name = what.partition(" ")
    rest = {n: s for n, s in shapes.items() if n != name}
    try:
        found = match(plan.settled(rest), rest)
    except InvalidInput:
        return False
    return how != "reshaped" and shapes[name] in {rest[n] for n in found.sources.values()}
