"""huggingface_hub's InferenceClient, any generation: every task, streams, errors."""

import importlib.util
import json
import sys
from pathlib import Path

import huggingface_hub
from huggingface_hub import InferenceClient
from huggingface_hub.utils import HfHubHTTPError

HUB, INPUTS = sys.argv[1], Path(sys.argv[2])


def client(task: str) -> InferenceClient:
    """A client of the model for a task."""
    return InferenceClient(f"{HUB}/models/ada/{task}", timeout=120)


def text_tasks() -> None:
    found = client("text-classification").text_classification("My card")
    assert {it.label for it in found} == {"cat", "dog"}
    assert abs(sum(it.score for it in found) - 1) < 1e-5
    tokens = client("token-classification").token_classification("My card was lost")
    assert {it["word"] for it in tokens} | {it.word for it in tokens}
    answer = client("question-answering").question_answering(
        question="what was lost ?", context="my card was lost"
    )
    assert answer.answer in "my card was lost"
    assert 0 <= answer.score <= 1
    words = client("fill-mask").fill_mask("my [MASK] was lost")
    assert len(words) == 5
    assert all("[MASK]" not in it.sequence for it in words)
    scores = client("feature-extraction").sentence_similarity(
        "my card", other_sentences=["my card", "the bank"]
    )
    assert abs(scores[0] - 1) < 1e-5
    assert scores[1] < scores[0]
    assert client("summarization").summarization("my card was lost").summary_text is not None
    assert client("translation").translation("my card").translation_text is not None


def labels() -> None:
    model, named = client("zero-shot-classification"), ["money", "travel"]
    one = model.zero_shot_classification("my card was lost", named)
    assert {it.label for it in one} == set(named)
    assert abs(sum(it.score for it in one) - 1) < 1e-5
    assert one[0].score >= one[1].score
    each = model.zero_shot_classification(
        "my card", named, multi_label=True, hypothesis_template="this is about {} ."
    )
    assert {it.label for it in each} == set(named)
    assert all(0 <= it.score <= 1 for it in each)


def tables() -> None:
    told = client("table-question-answering").table_question_answering(
        {"card": ["gold", "blue"], "fee": ["12", "0"]}, query="what is the fee ?"
    )
    assert told.answer, told


def vectors() -> None:
    if importlib.util.find_spec("numpy"):
        found = client("feature-extraction").feature_extraction("My card")
        assert found.shape[-1] == 32, found.shape


def files() -> None:
    seen = client("image-classification").image_classification(str(INPUTS / "image.png"), top_k=1)
    assert seen[0].label in {"cat", "dog"}
    raw = client("image-classification").image_classification((INPUTS / "image.png").read_bytes())
    assert raw[0].label == seen[0].label
    texts = client("image-to-text").image_to_text(str(INPUTS / "image.png"))
    assert texts.generated_text, texts
    asked = client("visual-question-answering")
    said = asked.visual_question_answering(str(INPUTS / "image.png"), "was it lost ?", top_k=2)
    assert {it.answer for it in said} == {"yes", "no"}
    fitting = client("zero-shot-image-classification").zero_shot_image_classification(
        str(INPUTS / "image.png"), ["card", "bank"]
    )
    assert {it.label for it in fitting} == {"card", "bank"}
    assert abs(sum(it.score for it in fitting) - 1) < 1e-5
    heard = client("automatic-speech-recognition").automatic_speech_recognition(
        str(INPUTS / "sound.wav")
    )
    assert isinstance(heard.text, str)


def writing() -> None:
    model = client("text-generation")
    whole = model.text_generation("my card", max_new_tokens=12)
    pieces = list(model.text_generation("my card", max_new_tokens=12, stream=True))
    assert "".join(pieces) == whole
    assert len(pieces) > 1
    details = model.text_generation("my card", max_new_tokens=5, details=True)
    assert details.details.generated_tokens <= 5
    assert whole.startswith(details.generated_text.rstrip("\N{REPLACEMENT CHARACTER}"))


def chatting() -> None:
    said = [{"role": "user", "content": "where is my card ?"}]
    for model, named in (
        (client("text-generation"), {}),
        (InferenceClient(base_url=HUB, timeout=120), {"model": "ada/text-generation"}),
        (InferenceClient(base_url=f"{HUB}/v1", timeout=120), {"model": "ada/text-generation"}),
    ):
        answer = model.chat_completion(said, max_tokens=8, **named)
        assert answer.usage.completion_tokens <= 8
        whole = answer.choices[0].message.content
        parts = model.chat_completion(said, max_tokens=8, stream=True, **named)
        text = "".join(it.choices[0].delta.content or "" for it in parts if it.choices)
        assert text == whole


def tools() -> None:
    model, asked = client("tool-calls"), [{"role": "user", "content": "where is it?"}]
    named = {"type": "object", "properties": {"what": {"type": "string"}}}
    offered = [{"type": "function", "function": {"name": it, "parameters": named}}
               for it in ("find", "lose")]  # fmt: skip
    (choice,) = model.chat_completion(asked, tools=offered, max_tokens=100).choices
    assert choice.finish_reason == "tool_calls"
    assert [it.function.name for it in choice.message.tool_calls] == ["find", "lose"]
    assert choice.message.tool_calls[0].function.arguments == '{"what": "card"}'
    parts = model.chat_completion(asked, tools=offered, max_tokens=100, stream=True)
    calls = [it for part in parts for it in part.choices[0].delta.tool_calls or []]
    assert [it.function.name for it in calls] == ["find", "lose"]


def shaped() -> None:
    schema = {"type": "object", "properties": {"kind": {"enum": ["gold", "blue"]}},
              "required": ["kind"], "additionalProperties": False}  # fmt: skip
    wanted = {"type": "json_schema", "json_schema": {"name": "card", "schema": schema}}
    said = [{"role": "user", "content": "which card ?"}]
    answer = client("text-generation").chat_completion(said, response_format=wanted)
    assert json.loads(answer.choices[0].message.content)["kind"] in {"gold", "blue"}, answer
    grammar = {"type": "json", "value": schema}
    text = client("text-generation").text_generation("card:", grammar=grammar, max_new_tokens=200)
    assert json.loads(text)["kind"] in {"gold", "blue"}, text


def endpoint() -> None:
    model = InferenceClient(f"{HUB}/models/ada/fill-mask", provider="hf-inference", timeout=120)
    assert model.get_endpoint_info()["model_id"] == "ada/fill-mask"
    assert model.health_check()


def status_of(task: str) -> int:
    """The status with which a request without a mask is refused."""
    try:
        client(task).fill_mask("no mask here")
    except (HfHubHTTPError, OSError) as error:  # requests' errors are OSErrors
        return int(error.response.status_code)
    return 200


def errors() -> None:
    assert status_of("absent") == 404
    assert status_of("fill-mask") in {400, 422}


for part in (
    text_tasks,
    labels,
    tables,
    vectors,
    files,
    writing,
    chatting,
    tools,
    shaped,
    endpoint,
    errors,
):
    part()
print("ok", huggingface_hub.__version__)
