"""Which stored tensor fills which parameter: strict, so that nothing is silently random.

A file may hold a bare body, or a body under a prefix with a head beside it; both fill either
model. What a file must not do is lack a tensor of the body, hold one that no part of the family
knows, or hold one of another shape.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reprise.base.errors import InvalidInput
from reprise.models import names
from reprise.models.heads import ONLY, Head
from reprise.models.plan import Plan, head_rules

Shape = tuple[int, ...]
_SHOWN = 8  # names per list in a message


@dataclass(frozen=True)
class Match:
    """What was found: stored names by place, and what is left over.

    Attributes:
        sources: The name in the file for each stored name of the plan.
        missing_head: Canonical names of head parameters that the file lacks.
        unused: Names in the file that belong to parts this model does not have.
    """

    sources: Mapping[str, str]
    missing_head: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


@dataclass
class _Names:
    """The names of a file, as the family spells them now, without the body's prefix."""

    by_body: dict[str, str] = field(default_factory=dict)  # known name -> name in the file
    outside: dict[str, str] = field(default_factory=dict)  # names beside the body


def match(plan: Plan, stored: Mapping[str, Shape], *, strict: bool = True,
          new_head: bool = False) -> Match:  # fmt: skip
    """Match a file's tensors with a plan's parameters.

    Args:
        plan: What the model is made from.
        stored: Names and shapes in the file.
        strict: Whether names that nobody knows are an error.
        new_head: Whether a head in the file is left aside, as if it were not there.

    Raises:
        InvalidInput: Body tensors are missing, unknown ones are there, or shapes differ; the
            message has all three lists.
    """
    found = _sorted_names(plan, stored)
    sources, missing, wrong, used = {}, [], [], set()
    for name, place in plan.places.items():
        aside = new_head and plan.is_head(name)
        source = None if aside else _source(plan, name, place.stored, found)
        if source is None:
            missing.append(name)
            continue
        sources[place.stored] = source
        used.add(source)
        expected = names.stored_shape(place, plan.shapes)
        if tuple(stored[source]) != expected:
            wrong.append(f"{source} is {list(stored[source])}, expected {list(expected)}")
    left = [name for name in _all(found) if name not in used]
    unknown = [name for name in left if not _belongs_elsewhere(plan, name)]
    body = [name for name in missing if not plan.is_head(name)]
    _check(plan, body, unknown if strict else [], sorted(set(wrong)))
    return Match(sources, tuple(n for n in missing if plan.is_head(n)), tuple(left))


def _all(found: _Names) -> list[str]:
    return [*found.by_body.values(), *found.outside.values()]


def _sorted_names(plan: Plan, stored: Iterable[str]) -> _Names:
    ignored = [re.compile(pattern) for pattern in plan.family.ignored]
    kept = [name for name in stored if not any(p.search(name) for p in ignored)]
    spelled = {_spelled(plan, name): name for name in kept}
    body = next((b for b in _bodies(plan) if any(name.startswith(b) for name in spelled)), "")
    found = _Names()
    for name, original in spelled.items():
        if name.startswith(body):
            found.by_body[name.removeprefix(body)] = original
        else:
            found.outside[name] = original
    return found


def _spelled(plan: Plan, name: str) -> str:
    """Spell a name as the family does now."""
    for pattern, new in plan.family.renamed:
        name = re.sub(pattern, new, name)
    return name


def _bodies(plan: Plan) -> list[str]:
    """Everything that may stand before a body's names: as in this model, as in most, others."""
    made = (plan.family.head(name, plan.config) for name in plan.family.heads)
    found = {head.body for head in made if head and head.body.strip("-") and not _is_tower(head)}
    first = [plan.body, plan.family.body]
    return [body for body in dict.fromkeys(first + sorted(found, key=len, reverse=True)) if body]


def _is_tower(head: Head) -> bool:
    """Whether what stands before a head's body is the name of a tower, as in a file with all."""
    return head.body.rstrip(".").rpartition(".")[2] in ONLY


def _source(plan: Plan, name: str, stored: str, found: _Names) -> str | None:
    bare = stored.removeprefix(plan.body)
    if not plan.is_head(name):
        # The second and third are those of a file with all towers, for a model that has one.
        spelled = (bare, stored, stored.removeprefix(plan.family.body))
        here = next((found.by_body[name] for name in spelled if name in found.by_body), None)
        return here or _tied(plan, name, found)
    return found.outside.get(stored) or found.by_body.get(bare) or found.by_body.get(stored)


def _tied(plan: Plan, name: str, found: _Names) -> str | None:
    """Find the token table under another name: both towers', or the tied output layer's."""
    if plan.head is None or not name.endswith("tokens.weight"):
        return None
    tied = _stored_as(head_rules(plan.head), "head.out.weight") if plan.head.tied else ""
    shared = _stored_as(_body_rules(plan), "shared.weight") if plan.head.only else ""
    for stored in filter(None, (tied, shared, shared and plan.family.body + shared)):
        if source := found.outside.get(stored) or found.by_body.get(stored):
            return source
    return None


def _stored_as(rules: Iterable[names.Rule], canonical: str) -> str:
    return next((rule.stored for rule in rules if rule.canonical == (canonical,)), "")


def _body_rules(plan: Plan) -> list[names.Rule]:
    return list(names.parse_table(plan.family.table(plan.config)))


def _belongs_elsewhere(plan: Plan, name: str) -> bool:
    """Whether a name is known to the family, as a part this model does not have."""
    spelled, known = _spelled(plan, name), _elsewhere(plan)
    if any(re.search(pattern, spelled) for pattern in plan.family.elsewhere):
        return True
    bare = {spelled.removeprefix(body) for body in ("", *_bodies(plan))}
    return bool(bare & known) or any(_of_other_tower(plan, name) for name in bare)


def _of_other_tower(plan: Plan, name: str) -> bool:
    """Whether a name is that of a tower which a head that stands on one leaves aside."""
    if plan.head is None or not plan.head.only:
        return False
    others = {"shared", *ONLY} - {plan.head.only}
    return any(
        re.fullmatch(re.escape(rule.stored).replace(r"\*", r"\d+"), name)
        for rule in _body_rules(plan) if rule.canonical[0].partition(".")[0] in others
    )  # fmt: skip


def _elsewhere(plan: Plan) -> set[str]:
    """Stored names of parts outside the layers: poolers, and every head of the family."""
    known = {rule.stored for rule in _body_rules(plan)}
    for head_name in plan.family.heads:
        head = plan.family.head(head_name, plan.config)
        known |= {rule.stored for rule in head_rules(head)} if head else set()
    return {name for name in known if "*" not in name}


def _check(plan: Plan, missing: list[str], unknown: list[str], wrong: list[str]) -> None:
    if not (missing or unknown or wrong):
        return
    lists = (("missing from the file", _stored(plan, missing)),
             ("unknown to this model", unknown), ("of another shape", wrong))  # fmt: skip
    shown = "; ".join(f"{len(found)} {what}: {_short(found)}" for what, found in lists if found)
    raise InvalidInput(
        f"These weights do not fit {plan.family.prefix}{plan.head_name}: {shown}.",
        hint="Check that config.json and the weights belong together. A head of another size "
        "is made with new_head=True, and has to be trained then.",
    )


def _stored(plan: Plan, missing: list[str]) -> list[str]:
    return list(dict.fromkeys(plan.places[name].stored for name in missing))


def _short(found: list[str]) -> str:
    more = len(found) - _SHOWN
    return ", ".join(found[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
