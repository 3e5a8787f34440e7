"""Make every entry point, call what it made, and take fingerprints."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from reprise.base.errors import InvalidFormat, RepriseError
from reprise.formats import trial_plans
from reprise.formats.trial_plans import Plan
from reprise.hub.sandboxed import complete
from reprise.hub.trials.records import Trial, judged, listed, not_run
from reprise.hub.trials.setting import Setting, ask_object, in_one_line
from reprise.isolate.client import Worker

_REPEATED_BELOW = 60.0  # seconds; what takes longer to make is made once


@dataclass
class _Tally:
    """What became of each entry point."""

    made: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # not tried, with the reason
    failed: list[str] = field(default_factory=list)
    called: list[str] = field(default_factory=list)
    call_failed: list[str] = field(default_factory=list)
    prints: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)  # that it took to make it
    unsteady: list[str] = field(default_factory=list)


def try_entries(setting: Setting, worker: Worker) -> Iterator[Trial]:
    """Run `loads`, `calls` and `fingerprint`; another worker does it all a second time."""
    try:
        plans = trial_plans.parse(setting.card.data.get(trial_plans.FIELD))
        names = _names(setting)
    except InvalidFormat as error:
        yield Trial("loads", "failed", f"the card's {error.message}")
        names, plans = [], {}
    except RepriseError as error:
        yield Trial("loads", "failed", in_one_line(error))
        names, plans = [], {}
    unknown = sorted(plans.keys() - set(names))
    tally = _Tally(failed=[f"the card's checks name {it}, which is none" for it in unknown])
    for name in names[: setting.how.most]:
        _try_one(setting, worker, name, plans.get(name), tally)
    _repeat(setting, plans, tally)
    if left := len(names) - setting.how.most:
        tally.left += [f"{left} more, beyond the first {setting.how.most}"] if left > 0 else []
    if names:
        yield _loads(tally)
        yield _calls(tally)
        yield _fingerprint(tally)
    else:
        yield not_run("calls", "nothing was made")
        yield not_run("fingerprint", "nothing was made")


def _names(setting: Setting) -> list[str]:
    """Return the entry points to try; where only running the code tells them, it is run."""
    manifest = complete(setting.snapshot, setting.manifest, setting.how.isolation)
    return [entry.name for entry in manifest.entry_points if entry.own]


def _try_one(setting: Setting, worker: Worker, name: str, plan: Plan | None, tally: _Tally) -> None:
    wanted = plan or Plan()
    if wanted.skip:
        tally.left.append(f"{name} ({wanted.skip[:200]})")
        return
    try:
        found = _told(setting, worker, name, wanted)
    except RepriseError as error:
        tally.failed.append(f"{name}: {in_one_line(error)[:600]}")
        return
    step, error_text = str(found.get("failed", "")), _error(found)
    if step == "arguments" and plan is None:
        tally.left.append(f"{name} ({error_text}: say how in the card's `checks`)")
    elif step == "call":
        tally.made.append(name)
        tally.call_failed.append(f"{name}: {error_text}")
    elif step:
        tally.failed.append(f"{name}: {error_text}")
    else:
        _keep(name, wanted, found, tally)


def _keep(name: str, plan: Plan, found: dict[str, Any], tally: _Tally) -> None:
    """Note what was made, and what can be compared of it."""
    tally.made.append(name)
    if plan.calls:
        forms = [str(it.get("form"))[:80] for it in found.get("calls", []) if isinstance(it, dict)]
        tally.called.append(f"{name} gives {', '.join(forms)}")
    parts = _print(found)
    if any(parts.values()):
        tally.prints[name] = parts
        seconds = found.get("seconds")
        tally.seconds[name] = seconds if isinstance(seconds, int | float) else 0.0


def _repeat(setting: Setting, plans: dict[str, Plan], tally: _Tally) -> None:
    """Do it all again in another process, to see whether the seed decides what comes out."""
    with setting.worker() as worker:
        for name, first in list(tally.prints.items()):
            if tally.seconds[name] > _REPEATED_BELOW:
                continue
            try:
                again = _print(_told(setting, worker, name, plans.get(name) or Plan()))
            except RepriseError as error:
                tally.failed.append(f"{name}, the second time: {in_one_line(error)[:600]}")
                del tally.prints[name]
                continue
            if _digests(again) != _digests(first):
                tally.unsteady.append(name)
                del tally.prints[name]


def _told(setting: Setting, worker: Worker, name: str, plan: Plan) -> dict[str, Any]:
    planned = {"args": plan.args, "kwargs": plan.kwargs, "calls": [asdict(it) for it in plan.calls]}
    folder, seed = str(setting.folder), setting.how.seed
    return ask_object(worker, "entry", folder=folder, entry=name, plan=planned, seed=seed)


def _print(found: dict[str, Any]) -> dict[str, Any]:
    return {key: found.get(key) for key in ("state", "value", "calls")}


def _digests(found: dict[str, Any]) -> list[Any]:
    parts = [found["state"], found["value"], *(found["calls"] or [])]
    return [part.get("sha256") if isinstance(part, dict) else None for part in parts]


def _error(found: dict[str, Any]) -> str:
    where, error = str(found.get("where", "")), str(found.get("error", ""))
    return f"{where}: {error}"[:600] if where else error[:600]


def _loads(tally: _Tally) -> Trial:
    left = f"; not tried: {listed(tally.left)}" if tally.left else ""
    if not tally.made and not tally.failed:
        return not_run("loads", f"no entry point was made{left}")
    total = len(tally.made) + len(tally.failed)
    return judged("loads", tally.failed, f"{len(tally.made)} of {total} were made{left}")


def _calls(tally: _Tally) -> Trial:
    if not tally.called and not tally.call_failed:
        return not_run("calls", "the card's `checks` says of nothing how to call it")
    return judged("calls", tally.call_failed, listed(tally.called))


def _fingerprint(tally: _Tally) -> Trial:
    unsteady = ""
    if tally.unsteady:
        unsteady = f"; with one seed, other results each time: {listed(tally.unsteady)}"
    if not tally.prints:
        return not_run("fingerprint", f"nothing was made that can be compared{unsteady}")
    passed = f"{len(tally.prints)} entry points gave the same in two processes{unsteady}"
    return Trial("fingerprint", "passed", passed, {"entries": tally.prints})
