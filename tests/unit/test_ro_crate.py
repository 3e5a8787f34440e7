"""A lock as an RO-Crate: every reference leads somewhere, every digest is in it."""

import pytest

from reprise.base.errors import InvalidInput
from reprise.formats import reprise_lock, trees
from reprise.formats.lock_exports import FORMATS, export
from reprise.formats.pylock import Lock, LockedPackage
from reprise.formats.reprise_lock import (
    LockedCode,
    LockedData,
    LockedMetric,
    LockedModel,
    RepriseLock,
)
from reprise.formats.trees import TreeFile

WEIGHTS = (TreeFile("model.safetensors", 12, "a" * 64),)
CODE = (TreeFile("hub conf.py", 3, "b" * 64),)
ROWS = (TreeFile("data/test.csv", 9, "c" * 64),)
LOCK = RepriseLock(
    model=(LockedModel("ada/net", "ada/net", "1" * 40, trees.digest_of(WEIGHTS), None, "mit",
                       WEIGHTS, "f" * 64),),
    code=(LockedCode("ada/net", "ada/net", "1" * 40, trees.digest_of(CODE), None, (), CODE),),
    dataset=(LockedData("ada/rows:test", "ada/rows", "2" * 40, trees.digest_of(ROWS), None, None,
                        "test", 3, "d" * 64, ROWS),),
    metric=(LockedMetric("accuracy", "1.0", "bed83cb3"),),
    determinism={"seeds": [0]},
)  # fmt: skip
PACKAGES = Lock((LockedPackage("numpy", "2.0"),))


def test_a_crate_describes_everything_that_is_locked() -> None:
    crate = export(LOCK, "ro-crate", PACKAGES)
    graph = {item["@id"]: item for item in crate["@graph"]}
    assert len(graph) == len(crate["@graph"])
    described = graph["ro-crate-metadata.json"]
    assert described["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert described["about"] == {"@id": "./"}
    root = graph["./"]
    assert {"name", "description", "datePublished", "license"} <= set(root)
    assert root["identifier"] == LOCK.short_id
    pointed = [ref["@id"] for item in graph.values() for value in item.values()
               if isinstance(value, list) for ref in value if isinstance(ref, dict)]  # fmt: skip
    assert set(pointed) <= set(graph)
    assert graph[f"model/ada/net@{'1' * 40}/"]["license"] == "mit"
    assert graph[f"code/ada/net@{'1' * 40}/hub%20conf.py"]["sha256"] == "b" * 64
    rows = graph[f"data/ada/rows%3Atest@{'2' * 40}/"]
    assert rows["description"] == f"split test, 3 rows, content {'d' * 64}"
    assert graph["#metric-accuracy"]["value"] == "bed83cb3"
    assert graph["https://pypi.org/project/numpy/2.0/"]["softwareVersion"] == "2.0"


def test_equal_locks_are_equal_exports() -> None:
    read = reprise_lock.read(reprise_lock.write(LOCK))
    assert read == reprise_lock.ordered(LOCK)
    for form in FORMATS:
        assert export(read, form, PACKAGES) == export(LOCK, form, PACKAGES)
    with pytest.raises(InvalidInput, match="There is no export 'bibtex'"):
        export(LOCK, "bibtex")
