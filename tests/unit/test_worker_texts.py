"""Texts and chats: streams are the whole answer, together as alone, and what the clients read."""

from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if not find_spec("torch"):
    pytest.skip("needs torch to make a model", allow_module_level=True)

from reprise.tasks import pipeline
from tests.desks import COMMIT, Served, client_of
from tests.worker_models import save_writer

HELLO = [{"role": "user", "content": "hello"}]
CHAT: dict[str, Any] = {"messages": HELLO, "max_tokens": 9}
SAMPLED = {"temperature": 1.3, "seed": 5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_writer(tmp_path_factory.mktemp("writer"))


@pytest.fixture
def served(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Served(folder)


def content(events: list[Any]) -> str:
    return "".join(
        choice["delta"].get("content", "")
        for event in events[:-1] for choice in event["choices"]
    )  # fmt: skip


def test_text_generation_is_what_the_pipeline_writes(served: Served, folder: Path) -> None:
    pipe = pipeline("text-generation", folder)
    (expected,) = pipe("My card", max_new_tokens=9, return_full_text=False)
    with client_of(served, "text-generation") as client:
        assert client.text_generation("My card", max_new_tokens=9) == expected["generated_text"]
        full = client.text_generation("My card", max_new_tokens=9, return_full_text=True)
        stream = list(client.text_generation("My card", max_new_tokens=9, stream=True))
        told = client.text_generation("My card", max_new_tokens=9, details=True)
        events = list(
            client.text_generation("My card", max_new_tokens=9, stream=True, details=True)
        )
    assert full == "My card" + expected["generated_text"]
    assert "".join(stream) == expected["generated_text"]
    assert (told.details.finish_reason, told.details.generated_tokens) == ("length", 9)
    assert [token.id for token in told.details.tokens] == [event.token.id for event in events]
    assert (events[-1].generated_text, events[-1].details.generated_tokens) == (
        told.generated_text,
        9,
    )


def test_probabilities_are_the_models_own(served: Served, folder: Path) -> None:
    pipe = pipeline("text-generation", folder)
    ids = pipe.tokenizer("My card")["input_ids"]
    logits = pipe.model(np.array([ids])).logits[0, -1].astype(np.float64)
    expected = logits.max() - np.log(np.exp(logits - logits.max()).sum()) - logits.max()
    body = {"prompt": "My card", "max_tokens": 3, "logprobs": 2}
    known = served.ask(body, kind="completion").json["choices"][0]["logprobs"]
    assert known["token_logprobs"][0] == pytest.approx(expected, abs=1e-5)
    assert [len(top) for top in known["top_logprobs"]] == [2, 2, 2]
    chat = CHAT | {"logprobs": True, "top_logprobs": 1}
    (choice,) = served.ask(chat, kind="chat").json["choices"]
    assert len(choice["logprobs"]["content"]) == 9
    streamed = served.ask(chat, kind="chat", stream=True).events
    tokens = [c["logprobs"]["content"][0]["token"] for e in streamed[:-1] for c in e["choices"]
              if c["logprobs"]]  # fmt: skip
    assert tokens == [one["token"] for one in choice["logprobs"]["content"]]


def test_a_chat_goes_through_the_template(served: Served, folder: Path) -> None:
    pipe = pipeline("text-generation", folder)
    (expected,) = pipe("user: hello\nassistant:", max_new_tokens=9, return_full_text=False)
    read = len(pipe.tokenizer("user: hello\nassistant:")["input_ids"])
    with client_of(served, "text-generation") as client:
        found = client.chat_completion(HELLO, max_tokens=9)
        pieces = list(client.chat_completion(HELLO, max_tokens=9, stream=True,
                                             stream_options={"include_usage": True}))  # fmt: skip
    assert found.choices[0].message.content == expected["generated_text"]
    assert (found.choices[0].finish_reason, found.model) == ("length", "ada/tiny")
    assert found.system_fingerprint == f"reprise-{COMMIT[:12]}"
    usage = {"completion_tokens": 9, "prompt_tokens": read, "total_tokens": read + 9}
    assert asdict(found.usage) == asdict(pieces[-1].usage) == usage
    said = [choice.delta.content or "" for piece in pieces for choice in piece.choices]
    assert "".join(said) == expected["generated_text"]
    parts = [{"role": "user", "content": [{"type": "text", "text": "hel"},
                                          {"type": "text", "text": "lo"}]}]  # fmt: skip
    same = served.ask(CHAT | {"messages": parts}, kind="chat").json
    assert same["choices"][0]["message"]["content"] == expected["generated_text"]


def test_many_at_once_are_answered_as_if_alone(served: Served) -> None:
    bodies = [
        ({"messages": [{"role": "user", "content": "card " * n}], "max_tokens": 4 + n}
         | (SAMPLED if n % 2 else {}))
        for n in range(1, 7)
    ]  # fmt: skip
    alone = [served.ask(body, kind="chat").json["choices"] for body in bodies]
    told = []
    for number, body in enumerate(bodies):  # each joins while the others are at work
        told.append(served.begin(body, kind="chat", stream=number % 3 == 0))
        served.desk.turn()
    served.finish()
    for number, (one, choices) in enumerate(zip(told, alone, strict=True)):
        text = (
            content(one.events) if number % 3 == 0 else one.json["choices"][0]["message"]["content"]
        )
        assert text == choices[0]["message"]["content"]


def test_a_stop_text_ends_an_answer_and_is_never_shown(served: Served) -> None:
    whole = served.ask(CHAT, kind="chat").json["choices"][0]["message"]["content"]
    stop = whole[6:9]
    body = CHAT | {"stop": ["never there", stop]}
    (choice,) = served.ask(body, kind="chat").json["choices"]
    expected = whole[: whole.index(stop)]
    assert (choice["message"]["content"], choice["finish_reason"]) == (expected, "stop")
    events = served.ask(body, kind="chat", stream=True).events
    assert content(events) == expected
    assert all(stop not in content([event, ""]) for event in events[:-1])
    task = {"inputs": "user: hello\nassistant:", "parameters": {"stop": [stop], "details": True}}
    (found,) = served.ask(task, "text-generation").json
    assert found["generated_text"] == expected + stop  # as TGI, it belongs to the text there
    assert found["details"]["finish_reason"] == "stop_sequence"


def test_several_answers_and_prompts(served: Served) -> None:
    three = served.ask(CHAT | SAMPLED | {"n": 3}, kind="chat").json
    one = served.ask(CHAT | SAMPLED, kind="chat").json
    texts = [choice["message"]["content"] for choice in three["choices"]]
    assert texts[0] == one["choices"][0]["message"]["content"]
    assert (len(set(texts)), three["usage"]["completion_tokens"]) == (3, 27)
    body = {"prompt": ["My card", "lost"], "max_tokens": 4, "echo": True}
    both = served.ask(body, kind="completion").json
    each = [served.ask(body | {"prompt": text}, kind="completion").json for text in body["prompt"]]
    assert [choice["text"] for choice in both["choices"]] == [
        one["choices"][0]["text"] for one in each]  # fmt: skip
    assert both["choices"][0]["text"].startswith("My card")
    events = served.ask(body, kind="completion", stream=True).events
    shown = ["".join(e["choices"][0]["text"] for e in events[:-1] if e["choices"][0]["index"] == n)
             for n in range(2)]  # fmt: skip
    assert shown == [choice["text"] for choice in both["choices"]]


def test_penalties_and_biases_change_what_comes(served: Served) -> None:
    plain = served.ask(CHAT | {"max_tokens": 40}, kind="chat").json
    strict = served.ask(CHAT | {"max_tokens": 40, "presence_penalty": 2, "frequency_penalty": 2,
                                "logprobs": True}, kind="chat").json  # fmt: skip
    tokens = [one["token"] for one in strict["choices"][0]["logprobs"]["content"]]
    assert plain["choices"][0]["message"] != strict["choices"][0]["message"]
    assert len(set(tokens)) > 20
    biased = served.ask(CHAT | {"logit_bias": {"70": 100}}, kind="chat").json
    assert biased["choices"][0]["message"]["content"] == "e" * 9


def test_a_job_that_nobody_waits_for_leaves(served: Served) -> None:
    one = served.begin(CHAT | {"max_tokens": 200}, kind="chat", stream=True)
    two = served.begin(CHAT, kind="chat")
    served.desk.turn()
    served.desk.drop("job-0")
    served.finish()
    assert one.ended
    assert 0 < len(one.pieces) < 5
    assert two.json["choices"][0]["finish_reason"] == "length"


def test_what_a_body_does_not_say_the_models_settings_say(folder: Path, tmp_path: Path) -> None:
    made = save_writer(tmp_path / "model")
    told = '{"do_sample": true, "temperature": 1.3, "top_k": 3, "max_new_tokens": 5, "seed": 9}'
    (made / "generation_config.json").write_text(told)
    served = Served(made)
    found = served.ask({"messages": HELLO, "seed": 4}, kind="chat").json
    same = Served(folder).ask(
        CHAT | {"max_tokens": 5, "temperature": 1.3, "top_k": 3, "seed": 4}, kind="chat"
    ).json  # fmt: skip
    assert found["choices"] == same["choices"]
    greedy = served.ask({"messages": HELLO, "temperature": 0}, kind="chat").json
    plain = Served(folder).ask(CHAT | {"max_tokens": 5}, kind="chat").json
    assert greedy["choices"] == plain["choices"]
