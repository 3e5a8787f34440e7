"""Tokenizers of repos: only the files they need, at the revision asked for."""

from pathlib import Path

import pytest

import reprise
from reprise.base.errors import EntryNotFound, HubUnreachable, OfflineMiss, RevisionNotFound
from reprise.base.ids import RepoId, RepoType
from reprise.models import AutoModel
from reprise.models.config import Config
from reprise.registry import repos
from reprise.tokenizers import AutoTokenizer
from tests.factories import Hub
from tests.tokenizer_files import TEXTS, bert, own_bert

pytestmark = pytest.mark.once  # one kind of database is enough: what is tested is the client

CARD = "---\nlicense: mit\n---\n# Tokens\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "model"
    bert().save_pretrained(made)
    bert().save_pretrained(made / "second")
    (made / "README.md").write_text(CARD)
    (made / "model.safetensors").write_bytes(b"w" * 100_000)
    return made


@pytest.mark.usefixtures("online")
def test_a_tokenizer_comes_without_the_weights(folder: Path, client_home: Path) -> None:
    reprise.publish(folder, "ada/words")
    tokenizer = AutoTokenizer.from_pretrained("ada/words")
    assert tokenizer(TEXTS).data == bert()(TEXTS).data
    assert tokenizer.name_or_path == "ada/words"
    assert not list(client_home.rglob("model.safetensors"))
    assert AutoTokenizer.from_pretrained("ada/words", subfolder="second").spec == bert().spec


@pytest.mark.usefixtures("online")
def test_a_revision_decides_and_the_cache_serves_offline(folder: Path) -> None:
    first = reprise.publish(folder, "ada/words")
    changed = own_bert()
    changed.add_tokens(["zap"])
    changed.save_pretrained(folder)
    reprise.publish(folder, "ada/words")
    assert len(AutoTokenizer.from_pretrained("ada/words")) == len(bert()) + 1
    old = AutoTokenizer.from_pretrained("ada/words", revision=first.commit)
    assert (
        len(old) == len(AutoTokenizer.from_pretrained(f"ada/words@{first.commit}")) == len(bert())
    )
    offline = AutoTokenizer.from_pretrained("ada/words", local_files_only=True)
    assert len(offline) == len(bert()) + 1
    with pytest.raises(RevisionNotFound):
        AutoTokenizer.from_pretrained("ada/words", revision="nowhere")
    with pytest.raises(OfflineMiss, match="Download it once"):
        AutoTokenizer.from_pretrained("ada/unseen", local_files_only=True)


@pytest.mark.usefixtures("online")
def test_a_repo_without_a_tokenizer_says_so(tmp_path: Path) -> None:
    made = tmp_path / "bare"
    made.mkdir()
    (made / "README.md").write_text(CARD)
    reprise.publish(made, "ada/bare")
    with pytest.raises(EntryNotFound, match=r"has none of tokenizer\.json"):
        AutoTokenizer.from_pretrained("ada/bare")


def tiny(made: Path) -> Path:
    """A seeded model with its tokenizer."""
    config = Config({"model_type": "bert", "vocab_size": len(bert()), "hidden_size": 8,
                     "num_hidden_layers": 1, "num_attention_heads": 2,
                     "intermediate_size": 12})  # fmt: skip
    AutoModel.from_config(config).save_pretrained(made)
    bert().save_pretrained(made)
    (made / "README.md").write_text(CARD)
    return made


@pytest.mark.usefixtures("online")
def test_a_model_and_its_tokenizer_come_by_id_and_stay_when_the_hub_is_gone(tmp_path: Path) -> None:
    reprise.publish(tiny(tmp_path / "tiny"), "ada/tiny")
    inputs = AutoTokenizer.from_pretrained("ada/tiny")("my card", return_tensors="pt")
    expected = AutoModel.from_pretrained("ada/tiny", engine="torch")(**inputs).last_hidden_state
    for place in ({"endpoint": "http://127.0.0.1:9"}, {"offline": True}):
        again = AutoTokenizer.from_pretrained("ada/tiny", **place)("my card", return_tensors="pt")
        model = AutoModel.from_pretrained("ada/tiny", engine="torch", **place)
        assert model(**again).last_hidden_state.tolist() == expected.tolist()


def test_a_short_alias_is_resolved_by_the_hub_in_use(online: Hub, tmp_path: Path) -> None:
    reprise.publish(tiny(tmp_path / "tiny"), "ada/bert-base-cased")
    with online.registry.db.write() as conn:
        found = repos.lookup(conn, RepoType.MODEL, RepoId.parse("ada/bert-base-cased"))
        assert found is not None
        repos.add_alias(conn, found, RepoId.parse("bert-base-cased"))
    ids = AutoTokenizer.from_pretrained("bert-base-cased")("my card", return_tensors="pt")
    model = AutoModel.from_pretrained("bert-base-cased", engine="torch")
    assert model(**ids).last_hidden_state.shape == (*ids["input_ids"].shape, 8)


def test_a_hub_that_is_gone_is_named_when_nothing_is_cached() -> None:
    for loader in (AutoTokenizer, AutoModel):
        with pytest.raises(HubUnreachable, match=r"127\.0\.0\.1:9"):
            loader.from_pretrained("ada/never-seen", endpoint="http://127.0.0.1:9")
