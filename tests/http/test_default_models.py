"""Default models: the operator chooses, the hub signs, a pipeline without a model runs one."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from huggingface_hub import constants

import reprise
from reprise.base.errors import InvalidInput, NotFound, OfflineMiss, RevisionNotFound
from reprise.base.ids import RepoId
from reprise.cli.main import run
from reprise.formats import defaults as files
from reprise.formats.defaults import Default
from reprise.registry import defaults
from tests.factories import Hub, make_repo
from tests.pipeline_models import save

if not find_spec("torch"):
    pytest.skip("needs torch to make a model", allow_module_level=True)

CARDS = RepoId("ada", "cards")


def test_a_task_without_a_model_runs_what_the_hub_says(
    online: Hub,
    client_home: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = save(client_home / "model", "BertForSequenceClassification")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# Cards\n")
    with pytest.raises(NotFound, match="No model is named for text-classification"):
        reprise.pipeline("sentiment-analysis")
    first = reprise.publish(folder, "ada/cards").commit
    with online.registry.db.write() as conn:
        found = defaults.choose(conn, "text-classification", CARDS, "", now=1)
    assert found == Default(CARDS, first)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# More cards\n")
    assert reprise.publish(folder, "ada/cards").commit != first
    pipe = reprise.pipeline("sentiment-analysis")
    assert (pipe.task, pipe.parts.name, pipe.commit) == ("text-classification", "ada/cards", first)
    assert caplog.messages[-1].endswith(f"the hub's default is ada/cards at {first}.")
    capsys.readouterr()
    assert run(["run", "sentiment-analysis", "My card", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)[0]) == {"label", "score"}
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(OfflineMiss) as caught:
        reprise.pipeline("sentiment-analysis")
    assert caught.value.hint == "Name one. In the cache and made for it: ada/cards."


def test_the_operator_sets_lists_and_removes(online: Hub) -> None:
    registry = online.registry
    make_repo(registry, "ada/open")
    make_repo(registry, "ada/hidden", private=True)
    with registry.db.write() as conn:
        defaults.choose(conn, "translation_en_to_de", RepoId("ada", "open"), "main", now=1)
        for task, repo, revision, error in (
            ("no-task", "open", "", InvalidInput),
            ("fill-mask", "hidden", "", InvalidInput),
            ("fill-mask", "absent", "", InvalidInput),
            ("fill-mask", "open", "nowhere", RevisionNotFound),
        ):
            with pytest.raises(error):
                defaults.choose(conn, task, RepoId("ada", repo), revision, now=1)
    answer = online.client().get("/api/defaults")
    said = files.unseal(answer.content)
    assert list(said.models) == ["translation_en_to_de"]
    online.api().update_repo_settings("ada/open", private=True)
    assert files.unseal(online.client().get("/api/defaults").content).models == {}
    with registry.db.write() as conn:
        assert [it.public for it in defaults.list_all(conn)] == [False]
        defaults.remove(conn, "translation_en_to_de")
        with pytest.raises(NotFound, match="no default"):
            defaults.remove(conn, "translation_en_to_de")
        assert defaults.list_all(conn) == []
