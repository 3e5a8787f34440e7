"""Trying a model in the browser: forms for tasks, answers as text, no script."""

import json
from collections.abc import Iterator

import pytest

from reprise.server.inference.settings import Settings
from reprise.server.web.trying import FORMS, Row, Shown, question, shown
from tests.factories import Hub, make_user
from tests.scripted_worker import Asking, Workers, publish, scripted_workers

BROWSER = {"Accept": "text/html"}


@pytest.fixture
def inference_settings() -> Settings:
    return Settings(grace=0.1)


@pytest.fixture
def workers(hub: Hub) -> Iterator[Workers]:
    with scripted_workers(hub) as start:
        yield start


def test_a_form_asks_and_shows_the_answer(hub: Hub, workers: Workers) -> None:
    commit = publish(hub, "ada/cards")
    client, path = hub.client(), "/ada/cards/try/main"
    card = client.get("/ada/cards", headers=BROWSER).text
    assert f'<a href="{path}">Try it</a>' in card
    form = client.get(path, headers=BROWSER).text
    assert f'<form method="post" action="{path}">' in form
    assert '<textarea id="try-inputs" name="inputs" rows="4" required></textarea>' in form
    worker = workers()
    asking = Asking(client, path, data={"inputs": "<b>lost"}, headers=BROWSER)
    job = worker.job()
    worker.answer(job, json.dumps([[{"label": "<i>calm", "score": 0.75}]]).encode())
    assert (job["body"], job["commit"]) == ({"inputs": "<b>lost"}, commit)
    answer = asking.answer
    assert (answer.status_code, "&lt;i&gt;calm" in answer.text) == (200, True)
    assert 'value="0.75">0.750</meter> 0.750' in answer.text
    assert "&lt;b&gt;lost</textarea>" in answer.text
    assert "<i>calm" not in answer.text
    assert "script-src" not in answer.headers["content-security-policy"]


def test_errors_stand_where_the_answer_would(hub: Hub) -> None:
    publish(hub, "ada/cards")
    client = hub.client()
    alone = client.post("/ada/cards/try/main", data={"inputs": "x"}, headers=BROWSER)
    assert (alone.status_code, "No worker is connected" in alone.text) == (503, True)
    odd = client.post("/ada/cards/try/main", content=b"a=1&" * 20, headers=BROWSER)
    assert odd.status_code == 400
    assert client.post("/ada/cards/try/main", content=b"x" * 70_000).status_code == 413
    publish(hub, "ada/painter", task="text-to-image")
    assert client.get("/ada/painter/try/main", headers=BROWSER).status_code == 404
    assert "Try it" not in client.get("/ada/painter", headers=BROWSER).text
    publish(hub, "ada/hidden", private=True)
    make_user(hub.registry, "bob")
    for name in ("hidden", "absent"):
        assert client.post(f"/ada/{name}/try/main", data={"inputs": "x"}).status_code == 404


@pytest.mark.parametrize(
    ("task", "sent", "asked"),
    [
        ("fill-mask", {"inputs": " x "}, {"inputs": "x"}),
        ("question-answering", {"question": "q", "context": "c"},
         {"inputs": {"question": "q", "context": "c"}}),
        ("zero-shot-classification", {"inputs": "x", "labels": "a, b ,"},
         {"inputs": "x", "parameters": {"candidate_labels": ["a", "b"]}}),
        ("sentence-similarity", {"source": "s", "sentences": "a\r\n\r\nb"},
         {"inputs": {"source_sentence": "s", "sentences": ["a", "b"]}}),
        ("text-generation", {}, {"inputs": "", "parameters": {"max_new_tokens": 40}}),
    ],
)  # fmt: skip
def test_forms_ask_in_the_shape_of_the_task(
    task: str, sent: dict[str, str], asked: dict[str, object]
) -> None:
    assert question(task, sent) == asked
    assert set(sent) <= {field.name for field in FORMS[task]}


@pytest.mark.parametrize(
    ("value", "asked", "seen"),
    [
        ([{"generated_text": "my card"}], {}, Shown(text="my card")),
        ({"generated_text": "my card"}, {}, Shown(text="my card")),
        ([{"summary_text": "s"}], {}, Shown(text="s")),
        ({"answer": "card", "score": 0.5, "start": 0, "end": 4}, {}, Shown([Row("card", 0.5)])),
        ([{"entity_group": "PER", "word": "Ada", "score": 1}], {},
         Shown([Row("Ada", 1.0, "PER")])),
        ([0.5], {"inputs": {"sentences": ["a"]}}, Shown([Row("a", 0.5)])),
        ([[{"label": "x", "score": "high"}]], {},
         Shown(text='[\n {\n  "label": "x",\n  "score": "high"\n }\n]')),
        (None, {}, Shown(text="null")),
    ],
)  # fmt: skip
def test_answers_become_rows_or_text(value: object, asked: dict[str, object], seen: Shown) -> None:
    assert shown(200, json.dumps(value).encode(), asked, "") == seen


def test_an_answer_that_is_no_json_is_text() -> None:
    assert shown(200, b"\xff[", {}, "") == Shown(text='"\ufffd["')
    assert shown(422, b'{"error":"inputs: too long"}', {}, "") == Shown(error="inputs: too long")
    assert shown(500, b"boom", {}, "") == Shown(error="boom")
