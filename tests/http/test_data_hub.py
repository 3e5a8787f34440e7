"""Data sets on a live hub: published, loaded by commit, from the cache when offline."""

from pathlib import Path

import pytest

from reprise.base.errors import InvalidInput, NotSupported, RepoNotFound
from reprise.data import (
    ClassLabel,
    Dataset,
    DatasetDict,
    Features,
    Value,
    get_dataset_config_names,
    get_dataset_split_names,
    load_dataset,
)
from tests.factories import Hub

BANKING = Path(__file__).parents[2] / "examples" / "banking77"


def labelled(rows: int = 6) -> Dataset:
    features = Features(text=Value("string"), label=ClassLabel(names=("no", "yes")))
    rows_ = {"text": [f"t{n}" for n in range(rows)], "label": [n % 2 for n in range(rows)]}
    return Dataset.from_dict(rows_, features)


def test_splits_are_published_and_loaded_with_their_features(online: Hub) -> None:  # noqa: ARG001
    data = labelled()
    parts = DatasetDict(train=data.take(4), test=data.skip(4))
    published = parts.push_to_hub("ada/labelled", max_shard_rows=3)
    assert (published.repo, published.repo_type, published.files) == ("ada/labelled", "dataset", 4)
    found = load_dataset("ada/labelled")
    assert list(found) == ["train", "test"]
    assert found["train"].features == data.features
    assert found["train"][:] == data.take(4)[:]
    assert load_dataset("ada/labelled", split="train[1:3]+test")["text"] == ["t1", "t2", "t4", "t5"]


def test_a_commit_stays_what_it_was(online: Hub) -> None:  # noqa: ARG001
    first = labelled(2).push_to_hub("ada/moving").commit
    labelled(5).push_to_hub("ada/moving", prune=True)
    assert load_dataset("ada/moving", split="train").num_rows == 5
    assert load_dataset("ada/moving", split="train", revision=first).num_rows == 2


def test_subsets_and_splits_are_added_to_the_card(online: Hub) -> None:  # noqa: ARG001
    labelled(2).push_to_hub("ada/many", "en")
    labelled(3).push_to_hub("ada/many", "de", split="test")
    labelled(4).push_to_hub("ada/many", "en", split="test")
    assert get_dataset_config_names("ada/many") == ["en", "de"]
    assert get_dataset_split_names("ada/many", "en") == ["train", "test"]
    assert load_dataset("ada/many", "en", split="test").num_rows == 4
    with pytest.raises(InvalidInput, match="several subsets; say which: en, de"):
        load_dataset("ada/many")


def test_what_was_loaded_once_is_there_offline(online: Hub) -> None:  # noqa: ARG001
    labelled().push_to_hub("ada/offline")
    online_rows = load_dataset("ada/offline", split="train")[:]
    assert load_dataset("ada/offline", split="train", offline=True)[:] == online_rows


def test_streams_fetch_files_in_their_turn(online: Hub) -> None:  # noqa: ARG001
    labelled(6).push_to_hub("ada/stream", max_shard_rows=2)
    stream = load_dataset("ada/stream", split="train", streaming=True)
    assert stream.n_shards == 3
    assert [row["text"] for row in stream] == [f"t{n}" for n in range(6)]


def test_no_script_is_run(online: Hub, tmp_path: Path) -> None:  # noqa: ARG001
    from reprise.hub import publish

    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "README.md").write_text("---\nlicense: mit\n---\n# Script\n")
    (tmp_path / "repo" / "scripted.py").write_text("raise SystemExit('it ran')\n")
    publish(tmp_path / "repo", "ada/scripted", repo_type="dataset")
    with pytest.raises(NotSupported, match=r"come from a script, scripted\.py, which is not run"):
        load_dataset("ada/scripted")


def test_a_repo_that_does_not_exist(online: Hub) -> None:  # noqa: ARG001
    with pytest.raises(RepoNotFound):
        load_dataset("ada/nothing")


def test_a_folder_published_as_it_is_loads_like_the_folder(online: Hub) -> None:  # noqa: ARG001
    from reprise.hub import publish

    publish(BANKING, "ada/banking77", repo_type="dataset")
    found = load_dataset("ada/banking77")
    assert {split: part.num_rows for split, part in found.items()} == {
        "train": 10_003,
        "test": 3_080,
    }
    assert found["test"].identity == load_dataset(str(BANKING), split="test").identity
