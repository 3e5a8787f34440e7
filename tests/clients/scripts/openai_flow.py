"""OpenAI's own client, unmodified: chats, tools, JSON, completions, embeddings, streams, errors."""

import json
import sys
from typing import Literal

import openai
import pydantic

HUB, MODEL, VECTORS = sys.argv[1], "ada/text-generation", "ada/feature-extraction"
CALLER = "ada/tool-calls"  # learned by heart what it says below
client = openai.OpenAI(base_url=f"{HUB}/v1", api_key="not-needed", timeout=120, max_retries=0)
SAID = [{"role": "user", "content": "where is my card ?"}]
ASKED = [{"role": "user", "content": "where is it?"}]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {"type": "object", "properties": {"what": {"type": "string"}}},
        },
    }
    for name in ("find", "lose")
]


def chat() -> None:
    answer = client.chat.completions.create(model=MODEL, messages=SAID, max_tokens=8)
    assert answer.choices[0].finish_reason in {"stop", "length"}
    assert answer.usage is not None
    assert answer.usage.completion_tokens <= 8
    with client.chat.completions.create(
        model=MODEL,
        messages=SAID,
        max_tokens=8,
        stream=True,
        stream_options={"include_usage": True},
    ) as events:
        parts = list(events)
    text = "".join(it.choices[0].delta.content or "" for it in parts if it.choices)
    assert text == answer.choices[0].message.content
    assert parts[-1].usage == answer.usage


def completions() -> None:
    answer = client.completions.create(model=MODEL, prompt="my card", max_tokens=8)
    events = client.completions.create(model=MODEL, prompt="my card", max_tokens=8, stream=True)
    assert "".join(it.choices[0].text for it in events if it.choices) == answer.choices[0].text
    at_main = client.completions.create(model=f"{MODEL}@main", prompt="my card", max_tokens=8)
    assert at_main.choices[0].text == answer.choices[0].text


def embeddings() -> None:
    several = client.embeddings.create(model=VECTORS, input=["my card", "the bank"])
    assert [len(it.embedding) for it in several.data] == [32, 32]
    plain = client.embeddings.create(model=VECTORS, input="my card", encoding_format="float")
    pairs = zip(plain.data[0].embedding, several.data[0].embedding, strict=True)
    assert max(abs(a - b) for a, b in pairs) < 1e-5


def tools() -> None:
    answer = client.chat.completions.create(model=CALLER, messages=ASKED, tools=TOOLS)
    (choice,) = answer.choices
    assert choice.finish_reason == "tool_calls", choice
    assert choice.message.content == "Let me see."
    calls = [(it.function.name, it.function.arguments) for it in choice.message.tool_calls]
    assert calls == [("find", '{"what": "card"}'), ("lose", '{"what": "card"}')], calls
    with client.chat.completions.stream(model=CALLER, messages=ASKED, tools=TOOLS) as events:
        kinds = {event.type for event in events}
        whole = events.get_final_completion().choices[0]
    assert "tool_calls.function.arguments.done" in kinds, kinds
    assert [(it.function.name, it.function.arguments) for it in whole.message.tool_calls] == calls
    assert (whole.message.content, whole.finish_reason) == ("Let me see.", "tool_calls")
    one = client.chat.completions.create(
        model=CALLER, messages=ASKED, tools=TOOLS, parallel_tool_calls=False
    )
    first = one.choices[0].message  # given back as the client has it
    assert len(first.tool_calls) == 1
    known = {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "lost"}
    told = client.chat.completions.create(
        model=CALLER, messages=[*ASKED, first, known], tools=TOOLS
    )
    assert (told.choices[0].message.content, told.choices[0].finish_reason) == (
        "It is lost.", "stop",
    )  # fmt: skip


def choices() -> None:
    urged = [{"role": "user", "content": "find it!"}]
    for choice, names in (
        ("required", {"find"}),
        ({"type": "function", "function": {"name": "lose"}}, {"lose"}),
        ("none", set()),
    ):
        answer = client.chat.completions.create(
            model=CALLER, messages=urged, tools=TOOLS, tool_choice=choice
        )
        calls = answer.choices[0].message.tool_calls or []
        assert {it.function.name for it in calls} == names, (choice, answer)
        assert all(isinstance(json.loads(it.function.arguments), dict) for it in calls)
    none = client.chat.completions.create(
        model=CALLER, messages=ASKED, tools=TOOLS, tool_choice="none"
    )
    assert none.choices[0].message.content == "I do not know."


def json_objects() -> None:
    texts = []
    for seed in range(8):  # the weights are random: some answers are cut before they close
        answer = client.chat.completions.create(
            model=MODEL, messages=SAID, response_format={"type": "json_object"},
            max_tokens=200, temperature=1.5, seed=seed,
        )  # fmt: skip
        if answer.choices[0].finish_reason == "stop":
            texts.append(answer.choices[0].message.content)
    assert texts
    assert all(isinstance(json.loads(text), dict) for text in texts), texts


class Card(pydantic.BaseModel):
    """What an answer has to be."""

    kind: Literal["gold", "blue"]
    lost: bool
    owner: Literal["ada", "bob"] | None


def schemas() -> None:
    """By the client's own helpers, which read what comes into the class."""
    for seed in range(3):
        answer = client.chat.completions.parse(
            model=MODEL, messages=SAID, response_format=Card, temperature=2, seed=seed
        )
        assert isinstance(answer.choices[0].message.parsed, Card), answer
    answer = client.chat.completions.parse(
        model=CALLER, messages=ASKED, tools=[openai.pydantic_function_tool(Card)],
        tool_choice={"type": "function", "function": {"name": "Card"}},
    )  # fmt: skip
    (call,) = answer.choices[0].message.tool_calls
    assert isinstance(call.function.parsed_arguments, Card), answer


def fields() -> None:
    plain = client.chat.completions.create(model=MODEL, messages=SAID, max_tokens=8)
    same = client.chat.completions.create(
        model=MODEL, messages=SAID, max_completion_tokens=8, user="me", store=True,
        metadata={"a": "b"}, service_tier="auto", response_format={"type": "text"},
        temperature=0, top_p=1, presence_penalty=0, frequency_penalty=0, logit_bias={},
        logprobs=True, top_logprobs=2, seed=1, stop=["never there"], n=1,
    )  # fmt: skip
    assert same.choices[0].message.content == plain.choices[0].message.content
    assert [len(it.top_logprobs) for it in same.choices[0].logprobs.content] == [2] * 8
    several = client.chat.completions.create(
        model=MODEL, messages=SAID, max_tokens=8, n=3, temperature=1.5, seed=2
    )
    assert len({it.message.content for it in several.choices}) == 3
    bias = client.chat.completions.create(
        model=MODEL, messages=SAID, max_tokens=4, logit_bias={"70": 100}
    )
    assert len(set(bias.choices[0].message.content)) == 1
    ids = client.completions.create(model=MODEL, prompt=[70, 71], max_tokens=4, echo=True)
    both = client.completions.create(model=MODEL, prompt=[[70, 71], [72]], max_tokens=4, echo=True)
    assert both.choices[0].text == ids.choices[0].text
    known = client.completions.create(model=MODEL, prompt="my card", max_tokens=4, logprobs=2)
    assert [len(it) for it in known.choices[0].logprobs.top_logprobs] == [2] * 4
    short = client.embeddings.create(model=VECTORS, input="my card", dimensions=4)
    assert abs(sum(it * it for it in short.data[0].embedding) - 1) < 1e-5


def refused() -> None:
    """What would change an answer and is not done is a 400 that names the field."""
    chat, text = client.chat.completions.create, client.completions.create
    for ask, given, field in (
        (chat, {"response_format": {"type": "grammar"}}, "response_format.type"),
        (chat, {"tools": TOOLS}, "tools"),  # this model's template knows none
        (chat, {"reasoning_effort": "low"}, "reasoning_effort"),
        (chat, {"extra_body": {"temprature": 1}}, "temprature"),
        (text, {"prompt": "x", "suffix": "y"}, "suffix"),
        (text, {"prompt": "x", "best_of": 2}, "best_of"),
        (text, {"prompt": "x", "echo": True, "logprobs": 1}, "echo"),
        (client.embeddings.create, {"model": VECTORS, "input": [5, 6]}, "input"),
    ):  # fmt: skip
        more = {"messages": SAID} if ask is chat else {}
        try:
            ask(**{"model": MODEL, **more, **given})
        except openai.BadRequestError as error:
            assert error.param == field, error  # noqa: PT017
        else:
            raise AssertionError(f"{field} was not refused")


def models() -> None:
    assert MODEL in {it.id for it in client.models.list()}
    assert client.models.retrieve(MODEL).owned_by == "ada"


def refusal(model: str, messages: object) -> tuple[int, object]:
    """How a request is refused: the status, and the error's body."""
    try:
        client.chat.completions.create(model=model, messages=messages)
    except openai.APIStatusError as error:
        return error.status_code, error.body
    return 200, None


def errors() -> None:
    assert refusal("ada/absent", SAID) == (
        404,
        {
            "message": "Repository not found: ada/absent",
            "type": "not_found_error",
            "param": None,
            "code": "RepoNotFound",
        },
    )
    assert refusal(MODEL, "no list")[0] == 400


PARTS = (
    chat, completions, embeddings, tools, choices, json_objects, schemas, fields, refused, models,
    errors,
)  # fmt: skip
for part in PARTS:
    part()
print("ok", openai.__version__)
