"""Papers over the API: tags, filters, the repos that cite one."""

import pytest

from reprise.cli.main import run
from reprise.registry.tag_catalogue import label_of
from tests.committing import commit
from tests.factories import Hub, make_repo, make_token, make_user

NET = b"""---
license: mit
doi: 10.1000/ABC
papers: [https://example.org/net.pdf]
---
# Net

Follows [BERT](https://arxiv.org/abs/1810.04805v2) and https://openreview.net/forum?id=x1.
"""


@pytest.fixture
def cited(hub: Hub) -> Hub:
    """A model and a data set that cite BERT, and a private model that does."""
    for name, kind, private in (("ada/net", "model", False), ("ada/data", "dataset", False),
                                ("ada/secret", "model", True)):  # fmt: skip
        make_repo(hub.registry, name, kind, private=private)
    commit(hub.registry, "ada/net", {"README.md": NET})
    commit(hub.registry, "ada/secret", {"README.md": b"# S\narXiv:1810.04805\n"})
    card = b"---\nlicense: mit\n---\n# Data\n\nUsed by arXiv:1810.04805.\n"
    hub.api().upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id="ada/data",
                          repo_type="dataset")  # fmt: skip
    return hub


def test_a_cards_papers_are_listed_and_normalised(cited: Hub) -> None:
    assert cited.client().get("/api/models/ada/net/papers").json() == [
        {"id": "10.1000/abc", "kind": "doi", "tag": "doi:10.1000/abc",
         "url": "https://doi.org/10.1000/abc"},
        {"id": "https://example.org/net.pdf", "kind": "link", "tag": None,
         "url": "https://example.org/net.pdf"},
        {"id": "1810.04805", "kind": "arxiv", "tag": "arxiv:1810.04805",
         "url": "https://arxiv.org/abs/1810.04805"},
        {"id": "https://openreview.net/forum?id=x1", "kind": "link", "tag": None,
         "url": "https://openreview.net/forum?id=x1"},
    ]  # fmt: skip
    assert cited.client().get("/api/models/ada/secret/papers").status_code in {401, 404}
    assert cited.client().get("/api/models/ada/net/papers?revision=gone").status_code == 404


def test_papers_are_tags_that_the_hub_client_filters_by(cited: Hub) -> None:
    api = cited.api()
    assert api.model_info("ada/net").tags == ["license:mit", "doi:10.1000/abc", "arxiv:1810.04805"]
    assert [it.id for it in api.list_models(filter="doi:10.1000/abc")] == ["ada/net"]
    assert [it.id for it in api.list_datasets(filter="arxiv:1810.04805")] == ["ada/data"]
    assert sorted(it.id for it in api.list_models(filter="arxiv:1810.04805")) == [
        "ada/net", "ada/secret"]  # fmt: skip


def test_the_repos_that_cite_a_paper_are_grouped(cited: Hub) -> None:
    found = cited.client().get("/api/arxiv/1810.04805/repos").json()
    assert {kind: [it["id"] for it in items] for kind, items in found.items()} == {
        "models": ["ada/net"], "datasets": ["ada/data"], "spaces": []}  # fmt: skip
    mine = cited.client(cited.token).get("/api/arxiv/1810.04805v3/repos").json()["models"]
    assert sorted(it["id"] for it in mine) == ["ada/net", "ada/secret"]


@pytest.mark.parametrize("name", ["nothing", "10.1000%2Fabc", "%00", "a" * 5000])
def test_what_is_no_paper_is_not_found(cited: Hub, name: str) -> None:
    assert cited.client().get(f"/api/arxiv/{name}/repos").status_code in {400, 404}


def test_cited_papers_are_counted_without_what_is_hidden(cited: Hub) -> None:
    client = cited.client()
    listed = [(it["tag"], it["repos"]) for it in client.get("/api/papers").json()]
    assert listed == [("arxiv:1810.04805", 2), ("doi:10.1000/abc", 1)]
    make_user(cited.registry, "bob")
    bob = cited.client(make_token(cited.registry, "bob"))
    ada = cited.client(cited.token)
    counts = [it.get("/api/papers?search=1810").json()[0]["repos"] for it in (bob, ada)]
    assert counts == [2, 3]
    by_address = client.get("/api/papers?search=https://doi.org/10.1000/ABC").json()
    assert [it["id"] for it in by_address] == ["10.1000/abc"]
    assert client.get("/api/papers?limit=x").status_code == 400
    assert client.get(f"/api/papers?search={'x' * 300}").status_code == 400


def test_papers_are_a_filter_beside_lists(cited: Hub) -> None:
    groups = cited.client().get("/api/models-tags-by-type").json()
    assert {it["id"]: it["label"] for it in groups["paper"]} == {
        "arxiv:1810.04805": "arXiv 1810.04805",
        "doi:10.1000/abc": "DOI 10.1000/abc",
    }
    assert label_of("arxiv:1810.04805") == "arXiv 1810.04805"
    assert "arXiv 1810.04805" in cited.client().get("/models").text


@pytest.mark.usefixtures("client_home")
def test_the_command_line_searches_by_paper(cited: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    for paper in ("https://arxiv.org/pdf/1810.04805v2", "doi:10.1000/ABC"):
        assert run(["search", "--paper", paper, "--endpoint", cited.url]) == 0
        assert capsys.readouterr().out.split("\t")[0] == "ada/net"
    assert run(["search", "--paper", "nothing"]) == 2
