import json
import struct

import pytest
from huggingface_hub.errors import BadRequestError, RepositoryNotFoundError, RevisionNotFoundError

from tests.factories import make_repo, make_token, make_user

CARD = """---
license: mit
language: en
base_model: ada/base
tags: [demo]
model-index:
- name: m
  results:
  - task: {type: text-classification}
    dataset: {type: glue, name: GLUE}
    metrics: [{type: accuracy, value: 0.9}]
---
# Demo
A small model. See arXiv:1810.04805.
"""
CONFIG = {"model_type": "bert", "architectures": ["BertForMaskedLM"], "time": [0.0, float("inf")]}


def safetensors(**tensors: tuple[str, list[int], int]) -> bytes:
    header, offset = {}, 0
    for name, (dtype, shape, size) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(offset)


@pytest.fixture
def model(hub):
    """ada/bert, with a card, a config, and weights kept in git itself and as a large file."""
    api = hub.api()
    make_repo(hub.registry, "ada/bert")
    weights = safetensors(a=("F32", [10, 20], 800), b=("F16", [7], 14))
    for path, content in {
        "README.md": CARD.encode(),
        "config.json": json.dumps(CONFIG).encode(),
        "tokenizer_config.json": b'{"mask_token": {"content": "[MASK]"}}',
        "model.safetensors": weights,
        "onnx/model.onnx": b"x",
    }.items():
        api.upload_file(path_or_fileobj=content, path_in_repo=path, repo_id="ada/bert")
    return api


def test_a_model_is_described_in_full(model):
    info = model.model_info("ada/bert")
    assert info.id == "ada/bert"
    assert info.author == "ada"
    assert (info.private, info.gated, info.disabled) == (False, False, False)
    assert (info.pipeline_tag, info.library_name) == ("fill-mask", "transformers")
    assert info.mask_token == "[MASK]"
    assert info.config["architectures"] == ["BertForMaskedLM"]
    assert info.transformers_info.auto_model == "AutoModelForMaskedLM"
    assert info.safetensors.parameters == {"F32": 200, "F16": 7}
    assert info.safetensors.total == 207
    assert info.card_data.license == "mit"
    assert info.card_data.eval_results[0].metric_value == 0.9
    assert info.model_index[0]["name"] == "m"
    assert info.sha == model.list_repo_commits("ada/bert")[0].commit_id
    assert info.last_modified >= info.created_at
    assert info.used_storage > 814
    assert [file.rfilename for file in info.siblings] == [
        ".gitattributes",
        "README.md",
        "config.json",
        "model.safetensors",
        "onnx/model.onnx",
        "tokenizer_config.json",
    ]
    assert info.tags == [
        "transformers",
        "safetensors",
        "onnx",
        "bert",
        "fill-mask",
        "demo",
        "model-index",
        "en",
        "license:mit",
        "base_model:ada/base",
        "base_model:finetune:ada/base",
        "arxiv:1810.04805",
    ]


def test_files_metadata_gives_sizes_and_digests(model):
    info = model.model_info("ada/bert", files_metadata=True)
    listed = {file.path: file for file in model.list_repo_tree("ada/bert", recursive=True)}
    assert len(info.siblings) == 6
    for file in info.siblings:
        expected = listed[file.rfilename]
        assert (file.size, file.blob_id, file.lfs) == (
            expected.size,
            expected.blob_id,
            expected.lfs,
        )


def test_a_commit_is_described_as_it_was(model):
    before = model.model_info("ada/bert")
    model.upload_file(
        path_or_fileobj=b"---\nlicense: gpl\n---\n", path_in_repo="README.md", repo_id="ada/bert"
    )
    assert "license:mit" not in model.model_info("ada/bert").tags
    old = model.model_info("ada/bert", revision=before.sha)
    assert (old.sha, old.tags, old.siblings) == (before.sha, before.tags, before.siblings)


def test_branches_and_tags_are_revisions(model):
    model.create_branch("ada/bert", branch="a/b")
    model.create_tag("ada/bert", tag="v1")
    tip = model.model_info("ada/bert").sha
    assert model.model_info("ada/bert", revision="a/b").sha == tip
    assert model.model_info("ada/bert", revision="v1").sha == tip


def test_expand_returns_only_what_was_asked_for(model):
    info = model.model_info(
        "ada/bert", expand=["sha", "usedStorage", "trendingScore", "baseModels"]
    )
    assert (len(info.sha), info.trending_score, info.base_models) == (40, 0, ["ada/base"])
    assert (info.author, info.siblings, info.tags) == (None, None, None)


def test_every_property_can_be_expanded(model):
    from huggingface_hub import hf_api

    model.create_repo("ada/data", repo_type="dataset")
    model.create_repo("ada/space", repo_type="space", space_sdk="static")
    names = hf_api.ExpandModelProperty_T.__args__
    assert model.model_info("ada/bert", expand=list(names)).id == "ada/bert"
    names = hf_api.ExpandDatasetProperty_T.__args__
    assert model.dataset_info("ada/data", expand=list(names)).id == "ada/data"
    names = hf_api.ExpandSpaceProperty_T.__args__
    assert model.space_info("ada/space", expand=list(names)).id == "ada/space"


def test_an_unknown_property_is_refused_with_the_list(model):
    with pytest.raises(BadRequestError, match="expected one of: author, baseModels"):
        model.model_info("ada/bert", expand=["nonsense"])


def test_children_are_counted(hub, model):
    make_repo(hub.registry, "ada/base")
    info = model.model_info("ada/base", expand=["childrenModelCount"])
    assert info.children_model_count == 1


def test_the_security_status_says_that_nothing_was_scanned(model):
    info = model.model_info("ada/bert", securityStatus=True)
    assert info.security_repo_status == {"scansDone": False, "filesWithIssues": []}


def test_a_dataset_is_described(hub):
    api = hub.api()
    make_repo(hub.registry, "ada/data", "dataset")
    text = "---\nlicense: mit\ntask_categories: [text-classification]\n---\n# T\n\nMany *rows*.\n"
    api.upload_file(
        path_or_fileobj=text.encode(), path_in_repo="README.md", repo_id="ada/data",
        repo_type="dataset",
    )  # fmt: skip
    info = api.dataset_info("ada/data")
    assert info.tags == ["task_categories:text-classification", "license:mit"]
    assert (info.description, info.card_data.license) == ("Many rows.", "mit")


def test_private_repos_are_hidden_from_others(hub):
    make_repo(hub.registry, "ada/secret", private=True)
    make_user(hub.registry, "eve")
    assert hub.api().model_info("ada/secret").private is True
    with pytest.raises(RepositoryNotFoundError):
        hub.api(make_token(hub.registry, "eve")).model_info("ada/secret")
    with hub.client() as anyone:
        assert anyone.get("/api/models/ada/secret").status_code in {401, 404}


def test_unknown_revisions_are_told_apart_from_unknown_repos(model):
    with pytest.raises(RevisionNotFoundError):
        model.model_info("ada/bert", revision="nope")
    with pytest.raises(RepositoryNotFoundError):
        model.model_info("ada/nope")


def test_ids_match_whatever_their_case(model):
    assert model.model_info("Ada/BERT").id == "ada/bert"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        b"\xff" * 64,
        struct.pack("<Q", 10) + b"not json!!",
        struct.pack("<Q", 1 << 40),
    ],
)
def test_damaged_weights_count_as_none(hub, content):
    api = hub.api()
    make_repo(hub.registry, "ada/bad")
    api.upload_file(path_or_fileobj=content, path_in_repo="model.safetensors", repo_id="ada/bad")
    assert api.model_info("ada/bad").safetensors is None
