"""Is a verdict what an honest rerun of a claim can say? What nobody can compute is refused.

Whether somebody really ran it cannot be told from a document. Whether its numbers agree with its
outcome, with the claim and with the rules, can.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from reprise.base.errors import InvalidFormat
from reprise.base.ids import is_commit
from reprise.formats.claim import Claim
from reprise.formats.claimed_values import SCALES, claimed_value, half_unit, rescaled
from reprise.formats.reading import decimal
from reprise.formats.signature import comparable, parse
from reprise.formats.verdict import Level, Outcome, Verdict

PREDICTIONS = "predictions.jsonl"  # the file of evidence that `exact` rests on
_CAP = 1000  # one flipped decision per so many examples is the most that noise may explain
_DEVIATION = Decimal("0.01")  # of the scale: more than any honest probe saw, RESULTS.md 3.2
_JUDGED = frozenset({
    Outcome.EXACT, Outcome.REPRODUCED, Outcome.CONSISTENT, Outcome.CLOSE, Outcome.CONTRADICTED,
})  # fmt: skip


def problems(claim: Claim, verdict: Verdict, subjects: Mapping[str, str]) -> list[str]:
    """List what is wrong with a verdict on a claim; nothing when it may be honest.

    Args:
        claim: What was claimed.
        verdict: What somebody says came out.
        subjects: Of the signed statement: name -> SHA-256.
    """
    checks: list[Callable[[Claim, Verdict], Iterator[str]]] = [_names, _content]
    if verdict.outcome in _JUDGED:
        checks += [_comparable, _value, _exact]
    found = [problem for check in checks for problem in check(claim, verdict)]
    if dict(subjects) != {"claim": verdict.claim, **verdict.subjects}:
        found.append("the statement's subjects are not those of the verdict")
    return found


def _names(claim: Claim, verdict: Verdict) -> Iterator[str]:
    if verdict.claim != claim.digest:
        yield "it is about another claim"
    if verdict.claimed != claim.result.value:
        yield f"it says that {verdict.claimed} is claimed, but {claim.result.value} is"
    if (verdict.level is Level.RETRAINED) != (verdict.outcome is Outcome.CONSISTENT) and (
        verdict.outcome in {Outcome.EXACT, Outcome.REPRODUCED, Outcome.CONSISTENT}
    ):
        yield f"{verdict.outcome} is no outcome of the level {verdict.level}"
    is_judged = verdict.outcome in _JUDGED
    if verdict.level is Level.RETRAINED and claim.kind != "training" and is_judged:
        yield "nothing was claimed about training"


def _content(claim: Claim, verdict: Verdict) -> Iterator[str]:
    """Hold what was run against the pins."""
    pinned = {
        f"model:{claim.model.repo}": claim.model.tree_sha256,
        f"data:{claim.data.repo}": claim.data.content_sha256,
        "lock": claim.run.lock,
    }
    for name, wanted in pinned.items():
        found = verdict.subjects.get(name)
        is_needed = verdict.outcome in _JUDGED and (name != "lock" or _is_locked(claim, verdict))
        if found is None and is_needed:
            yield f"it does not say which {name.partition(':')[0]} it is about"
        elif found is not None and wanted is not None and found != wanted:
            yield f"it is about another {name.partition(':')[0]} than the claim pins"
    for name in verdict.subjects:
        if name not in pinned:
            yield f"it is about {name[:80]!r}, which the claim does not name"


def _is_locked(claim: Claim, verdict: Verdict) -> bool:
    """Tell whether a verdict rests on packages: stored predictions need none."""
    return claim.run.lock is not None and verdict.level is Level.RERUN


def _comparable(claim: Claim, verdict: Verdict) -> Iterator[str]:
    metric = claim.metric
    if verdict.signature is None or verdict.unit is None or verdict.n is None:
        yield "it gives a value without its signature, unit and n"
        return
    if claim.result.n is not None and claim.result.n != verdict.n:
        yield f"it counts {verdict.n} examples, the claim {claim.result.n}"
    try:
        if metric.signature is not None:
            found = comparable(metric.signature, verdict.signature)
            if not found:
                yield f"its value is {found}"
            return
        fields = parse(verdict.signature)
    except InvalidFormat as error:
        yield error.message.rstrip(".")
        return
    identity, _, version = metric.id.partition("@")
    if not version or is_commit(version):
        return  # words of a card ("pearsonr", a benchmark's task), or a definition in a repo
    if identity != fields["id"]:
        yield f"its value is one of {fields['id'][:80]}, the claim's one of {identity}"
    elif version.partition(".")[0] != fields["version"].partition(".")[0]:
        yield f"its value is of version {fields['version'][:40]} of the metric"


def _value(claim: Claim, verdict: Verdict) -> Iterator[str]:
    if verdict.value is None or verdict.unit not in SCALES or verdict.tolerance is None:
        yield "it lacks a value, a unit or a tolerance"
        return
    allowed, least = decimal(verdict.tolerance), _least(claim, verdict.unit)
    if not least <= allowed <= max(least, _most(claim, verdict)):
        yield f"no rule allows a tolerance of {verdict.tolerance}"
        return
    away = abs(decimal(verdict.value) - claimed_value(claim, verdict.unit))
    if (away <= allowed) != verdict.outcome.passes:
        yield f"{verdict.value} is not {verdict.outcome} where {verdict.claimed} is claimed"
    if verdict.ci and not decimal(verdict.ci[0]) <= decimal(verdict.ci[1]):
        yield "the ends of its interval are in the wrong order"


def _exact(claim: Claim, verdict: Verdict) -> Iterator[str]:
    if verdict.outcome is not Outcome.EXACT:
        return
    claimed = claim.result.predictions_sha256
    if claimed is None or verdict.level is not Level.RERUN:
        yield "exact is about predictions that were claimed and computed again"
    elif verdict.evidence.get(PREDICTIONS) != claimed:
        yield "its predictions are not those claimed"


def _least(claim: Claim, unit: str) -> Decimal:
    """Return the tolerance without any noise."""
    half = half_unit(claim, unit)
    if claim.tolerance is None:
        return half
    return min(half, rescaled(decimal(claim.tolerance), claim, unit))


def _most(claim: Claim, verdict: Verdict) -> Decimal:
    """Return the largest tolerance that noise can explain."""
    unit, n = verdict.unit or "raw", max(1, verdict.n or 1)
    scale = Decimal(10) ** SCALES.get(unit, 0)
    if unit == "raw":
        scale = max(Decimal(1), abs(claimed_value(claim, unit)))
    if verdict.level is Level.RETRAINED:
        return scale  # the spread of trainings has no other bound
    noise = max(scale * max(1, n // _CAP) / n, scale * _DEVIATION)
    if claim.tolerance is not None:
        return max(_least(claim, unit), rescaled(decimal(claim.tolerance), claim, unit))
    return half_unit(claim, unit) + noise
