"""OpenAI's own client, unmodified: chat, completions, embeddings, models, streams, errors."""

import sys

import openai

HUB, MODEL, VECTORS = sys.argv[1], "ada/text-generation", "ada/feature-extraction"
client = openai.OpenAI(base_url=f"{HUB}/v1", api_key="not-needed", timeout=120, max_retries=0)
SAID = [{"role": "user", "content": "where is my card ?"}]


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
    assert refusal(MODEL, "no list")[0] in {400, 422}


for part in (chat, completions, embeddings, models, errors):
    part()
print("ok", openai.__version__)
