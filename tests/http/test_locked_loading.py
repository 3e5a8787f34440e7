"""`lock=` in pipelines, data sets and verification: pins obeyed, content checked."""

import json
import shutil
from pathlib import Path

import pytest

import reprise
from reprise.base.errors import CorruptContent, InvalidInput, NotFound
from reprise.cli.main import run
from reprise.formats import reprise_lock
from reprise.formats.verdict import Outcome
from reprise.hub.locked import read_lock
from reprise.isolate.limits import Level as Isolated
from reprise.verify.running import How, verify
from tests.evaluations import CASES
from tests.sandboxes import skip_unless_available

pytestmark = pytest.mark.once  # one kind of database is enough: what is tested is the client
ASKED = ["Where is my card?", "What is the rate?"]


@pytest.fixture
def net(online, tmp_path, monkeypatch) -> Path:  # noqa: ARG001 - the hub to publish on
    """The folder of ada/net, published beside ada/rows, both locked; both moved on since."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = CASES[0].publish(tmp_path)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    assert run(["lock", "ada/net", "--data", "ada/rows", "--split", "test"]) == 0
    with (tmp_path / "rows" / "test.jsonl").open("a") as file:
        file.write(json.dumps({"text": "one more", "category": "arrival"}) + "\n")
    reprise.publish(tmp_path / "rows", "ada/rows", repo_type="dataset", lock=None)
    shutil.rmtree(folder)
    CASES[2].save(folder)  # another model
    reprise.publish(folder, "ada/net", lock=None)
    return folder


def change(old: str, new: str, path: str = "reprise.lock") -> None:
    text = Path(path).read_text()
    assert old in text
    Path(path).write_text(text.replace(old, new))


@pytest.mark.usefixtures("net")
def test_data_and_pipeline_are_those_that_were_locked(tmp_path) -> None:
    check_data(tmp_path)
    check_pipeline(tmp_path)


def check_data(tmp_path: Path) -> None:
    (item,) = read_lock("reprise.lock").dataset
    assert len(reprise.load_dataset("ada/rows", split="test")) == 41
    found = reprise.load_dataset("ada/rows", split="test", lock="reprise.lock")
    assert (len(found), found[0]["text"]) == (40, CASES[0].rows[0]["text"])
    assert len(reprise.load_dataset("ada/rows", lock=".")["test"]) == 40
    streamed = reprise.load_dataset("ada/rows", split="test", streaming=True, lock=".")
    assert len(list(streamed)) == 40
    with pytest.raises(InvalidInput, match="on this machine, and a lock pins repos"):
        reprise.load_dataset(str(tmp_path / "rows"), lock=".")
    with pytest.raises(NotFound, match="does not name ada/net"):
        reprise.load_dataset("ada/net", lock=".")
    whole = Path("reprise.lock").read_text()
    change(str(item.content_sha256), "2" * 64)
    with pytest.raises(CorruptContent, match="rows of test are not those that were locked"):
        reprise.load_dataset("ada/rows", split="test", lock=".")
    Path("reprise.lock").write_text(whole)


def check_pipeline(tmp_path: Path) -> None:
    lock = read_lock("reprise.lock")
    (model,), (data,) = lock.model, lock.dataset
    pipe = reprise.pipeline("text-classification", "ada/net", lock=".")
    assert (pipe.commit, model.tokenizer) == (model.commit, pipe.tokenizer.fingerprint())
    assert {each["label"] for each in pipe(ASKED)} <= {"arrival", "exchange", "top-up"}
    with pytest.raises(NotFound, match="does not name ada/other"):
        reprise.pipeline("text-classification", "ada/other", lock="reprise.lock")
    with pytest.raises(InvalidInput, match="a folder, and a lock pins repos"):
        reprise.pipeline("text-classification", str(tmp_path), lock=".")
    with pytest.raises(InvalidInput, match=f"locked at {model.commit}"):
        reprise.pipeline("text-classification", "ada/net", revision="0" * 40, lock=".")
    change(str(model.tokenizer), "0" * 64)
    with pytest.raises(CorruptContent, match=r"tokenizer of ada/net is .*, and 0{12} was locked"):
        reprise.pipeline("text-classification", "ada/net", lock=".")
    assert run(["lock", "--check"]) == 1
    weights = next(file for file in model.file if file.path == "model.safetensors")
    other = reprise_lock.digest_of(
        [file if file is not weights else reprise_lock.TreeFile(file.path, file.size, "1" * 64)
         for file in model.file]
    )  # fmt: skip
    change(weights.sha256, "1" * 64)
    change(model.tree_sha256, other)
    with pytest.raises(CorruptContent, match=r"is not what was locked: model.safetensors differs"):
        reprise.pipeline("text-classification", "ada/net", lock=".")
    assert data.rows == 40


def test_a_lock_decides_what_a_verification_is_about(net, tmp_path) -> None:
    """A score of a card names no commits: at the tip it is of another model and other rows."""
    skip_unless_available(Isolated.RULES)
    lock = read_lock("reprise.lock")
    (net / ".reprise" / "claims").mkdir(parents=True)
    (net / ".reprise" / "claims" / "it.toml").write_text(
        'schema = 1\ntask = "text-classification"\n'
        'model = { repo = "ada/net" }\ndata = { repo = "ada/rows", split = "test" }\n'
        'metric = { id = "accuracy" }\nresult = { value = "0.5", n = 40 }\n'
        'run = { entry = "text-classification@1" }\n'
    )
    reprise.publish(net, "ada/net", lock=None)
    (report,) = verify("ada/net", "it", How(folder=tmp_path / "evidence", lock=Path()))
    found = report.verdict
    assert (found.n, found.outcome.is_answer) == (40, True)
    assert found.subjects["model:ada/net"] == lock.model[0].tree_sha256
    assert (found.pins["model.commit"], found.pins["data.commit"]) == (
        lock.model[0].commit, lock.dataset[0].commit,
    )  # fmt: skip
    assert found.claim == report.found.claim.digest
    (plain,) = verify("ada/net", "it", How(folder=tmp_path / "evidence"))
    assert plain.verdict.outcome is Outcome.NOT_RUNNABLE  # the tip cannot classify
    path = net / ".reprise" / "claims" / "it.toml"
    pinned = f'model = {{ repo = "ada/net", commit = "{"3" * 40}" }}'
    path.write_text(path.read_text().replace('model = { repo = "ada/net" }', pinned))
    reprise.publish(net, "ada/net", lock=None)
    with pytest.raises(InvalidInput, match=r"model.commit is 3{12}…, and the lock has"):
        verify("ada/net", "it", How(folder=tmp_path / "evidence", lock=Path()))
