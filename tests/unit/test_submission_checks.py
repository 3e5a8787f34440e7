"""Each automatic check of a submission, on evidence made by hand."""

from dataclasses import replace

import pytest

from reprise.hub.manifest import Dependency, EntryPoint, Manifest, Problem, WeightUrl
from reprise.registry.checks import NOT_RUN, PASSES, Outcome, run_all
from reprise.registry.evidence import Evidence, Seen

CARD = """---
license: mit
---
# Net

A small network that shows how a card for the catalogue is written. See [the code](hubconf.py).

![curve](images/loss.svg)

```python
import reprise
```
"""
ENTRY = EntryPoint("net", "function", "()", "Make it.", "hubconf.py", 3, (), "static", True)
URL = WeightUrl("https://example.org/net-0123abcd.pth", "hubconf.py", 9, "0123abcd", "checked")
NUMPY = Dependency("numpy", "numpy", True, True, False, ("hubconf.py:1",), ">=2")
FILES = {
    "README.md": Seen(300, b"r", None),
    "hubconf.py": Seen(100, b"h", None),
    "images/loss.svg": Seen(50, b"i", None),
    "model.safetensors": Seen(5000, b"m", "ab" * 32),
}
GOOD = Evidence(FILES, CARD, Manifest((ENTRY,), (NUMPY,), (URL,)))


def failures(evidence: Evidence) -> dict[str, str]:
    return {it.name: it.reason for it in run_all(evidence) if it.outcome is Outcome.FAILED}


def with_manifest(**changes: object) -> Evidence:
    return replace(GOOD, manifest=replace(GOOD.manifest, **changes))


def test_a_good_submission_passes_and_says_what_was_not_run() -> None:
    results = run_all(GOOD)
    assert {it.name: it.reason for it in results if it.outcome is Outcome.PASSED} == PASSES
    assert {it.name: it.reason for it in results if it.outcome is Outcome.NOT_RUN} == NOT_RUN
    assert failures(GOOD) == {}


@pytest.mark.parametrize(("evidence", "name", "reason"), [
    (with_manifest(problems=(Problem("hubconf.py", 2, "syntax error"),)),
     "hubconf", "hubconf.py:2: syntax error"),
    (with_manifest(entry_points=()), "hubconf", "hubconf.py offers no entry points"),
    (with_manifest(entry_points=(replace(ENTRY, doc=" ", signature=None),)),
     "documented", "net has no docstring and no signature"),
    (with_manifest(dependencies=(replace(NUMPY, declared=False),)),
     "dependencies", "hubconf.py:1 imports numpy, which `dependencies` does not name"),
    (with_manifest(dependencies=(replace(NUMPY, distribution="a b"),)),
     "lockable", "numpy leads to 'a b', which no installer takes"),
    (with_manifest(weight_urls=(replace(URL, hash_prefix=None),)),
     "weight-urls", "hubconf.py:9: https://example.org/net-0123abcd.pth names no hash"),
    (replace(GOOD, files={**FILES, "w.onnx": Seen(5000, b"w", None)}),
     "weights", "w.onnx lies in git itself, without a SHA-256: store it by LFS or Xet"),
    (replace(GOOD, scans={"w.pth": "would import os.system when loaded"}),
     "pickles", "w.pth would import os.system when loaded"),
    (replace(GOOD, readme=CARD.replace("mit", "unknown")),
     "licence", "the card names no licence: add `license: …` to its metadata"),
    (replace(GOOD, readme=CARD.replace("python\n", "\n")),
     "card", "the card has no example: add a ```python block"),
    (replace(GOOD, readme=CARD.replace("(hubconf.py)", "(javascript:alert)")),
     "links", "link javascript:alert has the scheme 'javascript'"),
    (replace(GOOD, readme=CARD.replace("(hubconf.py)", "(https://)")),
     "links", "link https:// names no host"),
    (replace(GOOD, readme=CARD.replace("loss.svg", "gone.svg")),
     "images", "image images/gone.svg leads to no file in the repo"),
])  # fmt: skip
def test_each_check_says_what_is_wrong(evidence: Evidence, name: str, reason: str) -> None:
    assert failures(evidence)[name] == reason


def test_what_cannot_be_decided_is_not_run_and_says_why() -> None:
    evidence = replace(
        with_manifest(flags=("computed-weight-urls",)), too_large=("huge.pt",), scans={}
    )
    undecided = {it.name: it.reason for it in run_all(evidence) if it.outcome is Outcome.NOT_RUN}
    assert undecided["pickles"] == "too much to look into: huge.pt"
    assert undecided["weight-urls"].startswith("addresses of weights are put together")


def test_a_missing_card_fails_without_breaking_anything() -> None:
    found = failures(replace(GOOD, readme=""))
    assert set(found) == {"metadata", "licence", "card"}
