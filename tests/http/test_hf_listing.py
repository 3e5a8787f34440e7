import json

import pytest
from huggingface_hub.errors import BadRequestError, HfHubHTTPError
from sqlalchemy import update

from reprise.base.lru import Lru
from reprise.registry import parameters
from reprise.registry.db.schema import repo as repo_table
from tests.factories import make_org, make_repo, make_token, make_user


def ids(items) -> list[str]:
    return [item.id for item in items]


def publish(hub, repo_id: str, card: str, repo_type: str = "model") -> None:
    repo = make_repo(hub.registry, repo_id, repo_type)
    hub.api().upload_file(
        path_or_fileobj=f"---\n{card}\n---\n# x\n".encode(),
        path_in_repo="README.md",
        repo_id=str(repo.repo_id),
        repo_type=repo_type,
    )


def set_downloads(hub, **counts: int) -> None:
    with hub.registry.db.write() as conn:
        for name, count in counts.items():
            conn.execute(
                update(repo_table).where(repo_table.c.name == name).values(downloads=count)
            )


@pytest.fixture
def models(hub):
    publish(
        hub, "ada/bert", "license: mit\nlanguage: en\npipeline_tag: fill-mask\ndatasets: [glue]"
    )
    publish(hub, "ada/gpt", "license: mit\nlanguage: [en, de]\npipeline_tag: text-generation")
    publish(hub, "ada/t5", "license: apache-2.0\nlanguage: de\nlibrary_name: flair\ntags: [a_b]")
    set_downloads(hub, bert=10, gpt=30, t5=20)
    return hub.api()


def test_models_are_listed_by_trend(models):
    found = list(models.list_models())
    assert ids(found) == ["ada/gpt", "ada/t5", "ada/bert"]
    assert found[0].pipeline_tag == "text-generation"
    assert found[0].tags == ["de", "en", "license:mit", "text-generation"]
    assert (found[0].downloads, found[0].private, found[0].sha) == (30, False, None)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ({"filter": "license:mit"}, ["ada/gpt", "ada/bert"]),
        ({"filter": ["license:mit", "de"]}, ["ada/gpt"]),
        ({"filter": "license:mit,de"}, ["ada/gpt"]),
        ({"filter": "language:de"}, ["ada/gpt", "ada/t5"]),
        ({"filter": "nothing"}, []),
        ({"pipeline_tag": "fill-mask"}, ["ada/bert"]),
        ({"trained_dataset": "glue"}, ["ada/bert"]),
        ({"filter": "flair"}, ["ada/t5"]),
        ({"author": "ADA"}, ["ada/gpt", "ada/t5", "ada/bert"]),
        ({"author": "nobody"}, []),
        ({"search": "BE"}, ["ada/bert"]),
        ({"search": "ada t"}, ["ada/gpt", "ada/t5", "ada/bert"]),
        ({"search": "%"}, []),
        ({"search": "a_b"}, []),
        ({"gated": True}, []),
        ({"gated": False, "limit": 1}, ["ada/gpt"]),
        ({"sort": "created_at"}, ["ada/t5", "ada/gpt", "ada/bert"]),
        ({"sort": "last_modified", "limit": 2}, ["ada/t5", "ada/gpt"]),
        ({"sort": "likes"}, ["ada/t5", "ada/gpt", "ada/bert"]),
        ({"sort": "downloads", "filter": "license:mit"}, ["ada/gpt", "ada/bert"]),
    ],
)
def test_filters_and_sorts(models, question, expected):
    assert ids(models.list_models(**question)) == expected


def test_pages_follow_each_other_without_gaps_or_repeats(hub):
    for number in range(7):
        make_repo(hub.registry, f"ada/m{number}")
    with hub.client() as client:
        for question in ("?limit=3", "?limit=3&sort=createdAt&direction=1", "?limit=3&author=ada"):
            url, seen = f"/api/models{question}", []
            while url:
                answer = client.get(url)
                seen += [item["id"] for item in answer.json()]
                url = answer.links.get("next", {}).get("url")
            assert len(seen) == 7
            assert len(set(seen)) == 7


def test_the_client_follows_pages(hub, monkeypatch):
    monkeypatch.setattr("reprise.registry.listing.MAX_PAGE", 2)
    for number in range(5):
        make_repo(hub.registry, f"ada/m{number}")
    assert len(list(hub.api().list_models())) == 5
    assert len(list(hub.api().list_models(limit=3))) == 3


def test_full_config_and_card_data_are_added(models):
    [found] = models.list_models(search="bert", full=True, cardData=True, fetch_config=True)
    assert [file.rfilename for file in found.siblings] == [".gitattributes", "README.md"]
    assert found.card_data.datasets == ["glue"]
    assert found.sha == models.model_info("ada/bert").sha
    assert found.last_modified == models.model_info("ada/bert").last_modified


def test_expand_lists_only_what_was_asked_for(models):
    [found] = models.list_models(search="bert", expand=["downloads", "safetensors", "baseModels"])
    assert (found.downloads, found.tags, found.base_models) == (10, None, [])
    with pytest.raises(BadRequestError, match="expected one of"):
        list(models.list_models(expand=["nonsense"]))


def test_a_filter_this_hub_cannot_answer_is_refused(models):
    with pytest.raises(HfHubHTTPError, match="cannot filter by 'apps'"):
        list(models.list_models(apps="ollama"))


def weights(numbers: int) -> bytes:
    place = {"dtype": "F16", "shape": [numbers], "data_offsets": [0, 2 * numbers]}
    header = json.dumps({"w": place}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(2 * numbers)


def put_weights(hub, repo_id: str, data: bytes) -> None:
    hub.api().upload_file(path_or_fileobj=data, path_in_repo="model.safetensors", repo_id=repo_id)
    parameters.catch_up(hub.registry, Lru(1000, lambda _: 1))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("min:1K", ["ada/gpt", "ada/t5"]),
        ("min:0.5k,max:2K", ["ada/gpt"]),
        ("max:1500", ["ada/gpt"]),
        ("max:0", []),
    ],
)
def test_models_are_found_by_how_many_parameters_they_have(hub, models, wanted, expected):
    put_weights(hub, "ada/gpt", weights(1500))
    put_weights(hub, "ada/t5", weights(3000))
    assert ids(models.list_models(num_parameters=wanted)) == expected


def test_weights_that_were_replaced_are_counted_again(hub, models):
    put_weights(hub, "ada/gpt", weights(1500))
    put_weights(hub, "ada/gpt", weights(15))
    assert ids(models.list_models(num_parameters="max:15")) == ["ada/gpt"]
    put_weights(hub, "ada/gpt", b"no weights at all")
    assert ids(models.list_models(num_parameters="min:0")) == []


@pytest.mark.parametrize("wanted", ["6B", "min:", "min:1B,min:2B", "min:1e9", "min:1X", "a:1", ","])
def test_a_range_of_parameters_that_is_none_is_refused(models, wanted):
    with pytest.raises(BadRequestError, match="num_parameters cannot be"):
        list(models.list_models(num_parameters=wanted))


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=x",
        "sort=size",
        "cursor=x",
        "cursor=AAAA",
        "cursor=W10",
        f"search={'x' * 300}",
        "&".join(f"filter=t{n}" for n in range(30)),
    ],
)
def test_a_malformed_question_is_refused(hub, query):
    with hub.client() as client:
        answer = client.get(f"/api/models?{query}")
        assert answer.status_code == 400
        assert answer.json()["error"]


def test_a_cursor_of_another_order_is_refused(hub):
    for number in range(3):
        make_repo(hub.registry, f"ada/m{number}")
    with hub.client() as client:
        link = client.get("/api/models?limit=1&sort=likes").links["next"]["url"]
        assert client.get(link.replace("sort=likes", "sort=downloads")).status_code == 400


def test_private_repos_are_listed_only_for_those_who_may_see_them(hub):
    make_user(hub.registry, "eve")
    make_user(hub.registry, "bob")
    make_org(hub.registry, "lab", bob="read", ada="admin")
    make_repo(hub.registry, "ada/open")
    make_repo(hub.registry, "ada/secret", private=True)
    hub.api().create_repo("lab/secret", private=True)
    eve, bob = (hub.api(make_token(hub.registry, name)) for name in ("eve", "bob"))
    assert sorted(ids(hub.api().list_models())) == ["ada/open", "ada/secret", "lab/secret"]
    assert sorted(ids(bob.list_models())) == ["ada/open", "lab/secret"]
    assert ids(eve.list_models()) == ["ada/open"]
    assert ids(eve.list_models(author="lab")) == []
    with hub.client() as anyone:
        assert [it["id"] for it in anyone.get("/api/models").json()] == ["ada/open"]


def test_a_fine_grained_token_lists_only_what_it_may_read(hub):
    make_repo(hub.registry, "ada/open")
    make_repo(hub.registry, "ada/one", private=True)
    make_repo(hub.registry, "ada/two", private=True)
    token = make_token(hub.registry, "ada", "fine-grained", scopes={"model/ada/one": "read"})
    assert sorted(ids(hub.api(token).list_models())) == ["ada/one", "ada/open"]
    assert ids(hub.api(token).list_datasets()) == []


def test_datasets_and_spaces_are_listed_apart(hub):
    card = "license: mit\nlanguage: en\ntask_categories: [translation]\nsize_categories: n<1K"
    publish(hub, "ada/data", card, "dataset")
    publish(hub, "ada/demo", "sdk: static\ntitle: Demo", "space")
    api = hub.api()
    assert ids(api.list_models()) == []
    [found] = api.list_datasets(
        language="en", task_categories="translation", size_categories="n<1K", full=True
    )
    assert (found.id, found.card_data.license, found.author) == ("ada/data", "mit", "ada")
    assert ids(api.list_datasets(filter="language:fr")) == []
    [space] = api.list_spaces(full=True)
    assert (space.id, space.sdk, space.card_data.title) == ("ada/demo", "static", "Demo")


def test_metrics_are_listed_too(hub):
    make_repo(hub.registry, "ada/f1", "metric")
    lines = [
        {"key": "header", "value": {"summary": "card"}},
        {"key": "file", "value": {"path": "README.md", "content": "---\nlicense: mit\n---\n"}},
    ]
    with hub.client(hub.token) as client:
        body = "\n".join(map(json.dumps, lines))
        answer = client.post(
            "/api/metrics/ada/f1/commit/main",
            content=body,
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert answer.status_code == 200, answer.text
        [found] = client.get("/api/metrics?search=f1").json()
    assert (found["id"], found["tags"]) == ("ada/f1", ["license:mit"])


def test_tags_are_catalogued_by_type(models):
    found = models.get_model_tags()
    assert [tag["id"] for tag in found["license"]] == ["license:mit", "license:apache-2.0"]
    assert {"type": "language", "id": "de", "label": "German"} in found["language"]
    assert [tag["id"] for tag in found["library"]] == ["flair"]
    assert [tag["id"] for tag in found["other"]] == ["a_b"]
    assert models.get_dataset_tags() == {}


@pytest.mark.usefixtures("models")
def test_tasks_name_the_most_used_model(hub):
    with hub.client() as client:
        found = client.get("/api/tasks").json()
    assert found["fill-mask"]["widgetModels"] == ["ada/bert"]
    assert found["robotics"]["widgetModels"] == []


def test_cards_are_checked_before_they_are_committed(hub):
    with hub.client() as client:
        good = client.post("/api/validate-yaml", json={"content": "---\nlicense: mit\n---\n"})
        assert (good.status_code, good.json()) == (200, {"errors": [], "warnings": []})
        body = {"content": "---\nlicense: asdf\n---\n", "repoType": "dataset"}
        bad = client.post("/api/validate-yaml", json=body)
    assert bad.status_code == 400
    [error] = bad.json()["errors"]
    assert error["message"].startswith('line 2: "license" must be one of [apache-2.0, mit')


@pytest.mark.parametrize("body", [{}, {"content": 5}, {"content": "x", "repoType": "car"}])
def test_a_malformed_check_is_refused(hub, body):
    with hub.client() as client:
        assert client.post("/api/validate-yaml", json=body).status_code == 400


def test_the_client_validates_cards_here(hub, monkeypatch):
    from huggingface_hub import ModelCard, constants

    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    ModelCard("---\nlicense: mit\n---\n").validate()
    with pytest.raises(ValueError, match='"license" must be one of'):
        ModelCard("---\nlicense: asdf\n---\n").validate()


@pytest.mark.parametrize("name", ["search", "filter", "author", "sort", "cursor"])
def test_nul_in_a_question_is_refused(hub, name):
    assert hub.client().get(f"/api/models?{name}=a%00b").status_code == 400
