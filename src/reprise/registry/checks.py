"""The automatic checks of a submission: each says passed, failed or not run, and why."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from packaging.requirements import InvalidRequirement, Requirement

from reprise.hub.manifest import EntryPoint
from reprise.hub.trials.records import NAMES
from reprise.registry import card_checks
from reprise.registry.evidence import Evidence

_SHOWN = 5  # findings in one reason
_WEIGHTS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".onnx", ".gguf", ".npz", ".h5")
_TINY = 1024  # bytes; smaller files are no weights


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not-run"


@dataclass(frozen=True)
class Result:
    """A check's outcome and the reason, in words for the author."""

    name: str
    outcome: Outcome
    reason: str


def run_all(evidence: Evidence) -> list[Result]:
    """Run every check that needs no code to be run; name the others and say who runs them."""
    results = [_result(name, check, evidence) for name, check in _CHECKS]
    return results + [Result(name, Outcome.NOT_RUN, reason) for name, reason in NOT_RUN.items()]


class Undecided(Exception):
    """A check cannot tell; its text says why."""


def _result(name: str, check: Callable[[Evidence], Iterable[str]], evidence: Evidence) -> Result:
    try:
        problems = list(check(evidence))
    except Undecided as reason:
        return Result(name, Outcome.NOT_RUN, str(reason))
    if problems:
        more = len(problems) - _SHOWN
        tail = f"; and {more} more" if more > 0 else ""
        return Result(name, Outcome.FAILED, "; ".join(problems[:_SHOWN]) + tail)
    return Result(name, Outcome.PASSED, PASSES[name])


def _own(evidence: Evidence) -> list[EntryPoint]:
    return [entry for entry in evidence.manifest.entry_points if entry.own]


def _hubconf(evidence: Evidence) -> Iterator[str]:
    for problem in evidence.manifest.problems:
        yield f"{problem.file}:{problem.line}: {problem.message}"
    if not _own(evidence) and "dynamic-names" not in evidence.manifest.flags:
        yield "hubconf.py offers no entry points"


def _documented(evidence: Evidence) -> Iterator[str]:
    if not _own(evidence):
        raise Undecided("no entry points can be read without running the code")
    for entry in _own(evidence):
        missing = [
            what
            for what, value in (("docstring", entry.doc), ("signature", entry.signature))
            if not (value or "").strip()
        ]
        if missing:
            yield f"{entry.name} has no {' and no '.join(missing)}"


def _declared(evidence: Evidence) -> Iterator[str]:
    for item in evidence.manifest.dependencies:
        if item.inferred and not item.declared and not item.optional:
            where = item.where[0] if item.where else "hubconf.py"
            yield f"{where} imports {item.import_name}, which `dependencies` does not name"


def _lockable(evidence: Evidence) -> Iterator[str]:
    for item in evidence.manifest.dependencies:
        try:
            found = Requirement(f"{item.distribution}{item.specifier}")
        except InvalidRequirement:
            yield f"{item.import_name} leads to {item.distribution!r}, which no installer takes"
        else:
            if found.url is not None:
                yield f"{item.distribution} is a URL, which no lock can pin"


def _weights(evidence: Evidence) -> Iterator[str]:
    if evidence.cut:
        raise Undecided(f"only the first {len(evidence.files)} files were looked at")
    for path, seen in sorted(evidence.files.items()):
        if path.lower().endswith(_WEIGHTS) and seen.sha256 is None and seen.size > _TINY:
            yield f"{path} lies in git itself, without a SHA-256: store it by LFS or Xet"


def _pickles(evidence: Evidence) -> Iterator[str]:
    found = [f"{path} {finding}" for path, finding in sorted(evidence.scans.items()) if finding]
    if not found and (evidence.too_large or evidence.cut):
        left = ", ".join(evidence.too_large[:_SHOWN]) or "some files"
        raise Undecided(f"too much to look into: {left}")
    yield from found


def _weight_urls(evidence: Evidence) -> Iterator[str]:
    found = evidence.manifest.weight_urls
    for it in found:
        if not it.hash_prefix:
            yield f"{it.file}:{it.line}: {it.url} names no hash"
    if "computed-weight-urls" in evidence.manifest.flags and all(it.hash_prefix for it in found):
        raise Undecided("addresses of weights are put together while the code runs")


_CHECKS: tuple[tuple[str, Callable[[Evidence], Iterable[str]]], ...] = (
    ("hubconf", _hubconf),
    ("documented", _documented),
    ("dependencies", _declared),
    ("lockable", _lockable),
    ("weights", _weights),
    ("pickles", _pickles),
    ("weight-urls", _weight_urls),
    ("metadata", card_checks.metadata),
    ("licence", card_checks.licence),
    ("card", card_checks.card),
    ("links", card_checks.links),
    ("images", card_checks.images),
)
# What a check that passed has shown.
PASSES = {
    "hubconf": "hubconf.py was read without problems",
    "documented": "every entry point has a docstring and a signature",
    "dependencies": "every package that the code imports is declared",
    "lockable": "every dependency has a name that an installer takes",
    "weights": "all weights in the repo are stored by their full SHA-256",
    "pickles": "no file needs more than weights_only=True to load",
    "weight-urls": "every address of weights in the code names a hash",
    "metadata": "the card's metadata is valid",
    "licence": "the card names a licence",
    "card": "the card has a title, a description and an example",
    "links": "every link in the card is well formed, and leads to a file where it is relative",
    "images": "every image of the card is in the repo",
}
_RUN_IT = "is run by people, not by this hub: reprise check OWNER/NAME --post"
NOT_RUN = dict.fromkeys(NAMES, _RUN_IT)
NOT_RUN["metrics"] = "compares the card's scores with a run on their data, which nobody did here"
