"""Pipelines of repos: the commit that ran is known, and the cache serves them offline."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

import reprise
from reprise.base.errors import OfflineMiss
from reprise.cli.main import run
from tests.pipeline_models import save

pytestmark = pytest.mark.once  # one kind of database is enough: what is tested is the client

if not find_spec("torch"):
    pytest.skip("needs torch to make a model", allow_module_level=True)

CARD = "---\nlicense: mit\npipeline_tag: text-classification\n---\n# Cards\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = save(tmp_path / "model", "BertForSequenceClassification")
    (made / "README.md").write_text(CARD)
    return made


@pytest.mark.usefixtures("online")
def test_the_commit_that_ran_is_known(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = reprise.publish(folder, "ada/cards")
    pipe = reprise.pipeline(model="ada/cards")
    assert caplog.messages[-1] == (
        f"Running text-classification on ada/cards at {first.commit}, engine onnx."
    )
    caplog.clear()
    reprise.pipeline(model="ada/cards", revision=first.commit)
    assert caplog.messages == []  # who names a commit knows what runs
    assert (pipe.task, pipe.commit, pipe.model.engine) == (
        "text-classification", first.commit, "onnx"
    )  # fmt: skip
    expected = pipe("My card")
    shutil.rmtree(folder)
    save(folder, "BertForSequenceClassification", num_hidden_layers=1)
    (folder / "README.md").write_text(CARD)
    second = reprise.publish(folder, "ada/cards")
    assert reprise.pipeline(model="ada/cards:main").commit == second.commit
    old = reprise.pipeline(model="ada/cards", revision=first.commit)
    assert (old.commit, old("My card")) == (first.commit, expected)
    offline = reprise.pipeline(model="ada/cards", offline=True)
    assert offline.commit == second.commit
    with pytest.raises(OfflineMiss):
        reprise.pipeline(model="ada/unseen", offline=True)


@pytest.mark.usefixtures("online")
def test_run_says_which_commit_ran(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit = reprise.publish(folder, "ada/cards").commit
    capsys.readouterr()
    assert run(["run", "ada/cards", "My card", "--json"]) == 0
    captured = capsys.readouterr()
    assert set(json.loads(captured.out)[0]) == {"label", "score"}
    assert captured.err.splitlines()[-1] == (
        f"text-classification with ada/cards at {commit}, engine onnx"
    )


@pytest.mark.usefixtures("online")
def test_a_repo_in_few_bits_is_published_and_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shape = {"n_embd": 32, "n_layer": 1, "n_head": 4, "n_positions": 64}
    folder = save(tmp_path / "writer", "GPT2LMHeadModel", model_type="gpt2", **shape)
    (folder / "README.md").write_text(
        "---\nlicense: mit\npipeline_tag: text-generation\n---\n# W\n"
    )
    reprise.publish(folder, "ada/writer")
    small = tmp_path / "small"
    assert run(["quantize", "ada/writer", "--dtype", "int4", "--minimum", "0.5", "-o", str(small),
                "--json"]) == 0  # fmt: skip
    assert json.loads(capsys.readouterr().out)["text"] == "sample"
    shutil.copy(folder / "README.md", small)
    reprise.publish(small, "ada/writer-int4")
    asked = {"max_new_tokens": 4, "return_full_text": False}
    again = reprise.pipeline(model="ada/writer-int4")
    assert again.model.engine == "onnx"
    straight = reprise.pipeline(model="ada/writer", dtype="int4")
    assert again("My card", **asked) == straight("My card", **asked)
