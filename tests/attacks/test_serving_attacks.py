"""Bodies that no worker can use: a 4xx that names the field, and the next request is answered."""

import base64
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if not find_spec("torch"):
    pytest.skip("needs torch to make a model", allow_module_level=True)

import numpy as np

from reprise import models
from reprise.models import Config
from tests.desks import Served
from tests.pipeline_models import save
from tests.worker_models import save_writer

HELLO = [{"role": "user", "content": "hello"}]
CHAT: dict[str, Any] = {"messages": HELLO, "max_tokens": 4}
WRONG_CHATS: list[tuple[Any, str, str]] = [
    (None, "body", "must be a JSON object, not null"),
    ([CHAT], "body", "must be a JSON object, not a list"),
    ({}, "messages", "it is missing"),
    ({"messages": []}, "messages", "1 to 2048"),
    ({"messages": "hello"}, "messages", "'hello'"),
    ({"messages": [["user", "hello"]]}, "messages.0", "not a list"),
    ({"messages": [{"content": "hello"}]}, "messages.0.role", "missing"),
    ({"messages": [{"role": "user"}]}, "messages.0.content", "missing"),
    ({"messages": [*HELLO, {"role": "user", "content": 7}]}, "messages.1.content", "it is 7"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
     "messages.0.content.0", "image_url"),
    ({"messages": [{"role": "user", "content": "card " * 9000}]}, "messages", "tokens; this model"),
    ({"messages": [{"role": "user", "content": "half \ud83d"}]}, "messages", "surrogate"),
    (CHAT | {"max_tokens": "9"}, "max_tokens", "it is '9'"),
    (CHAT | {"max_tokens": 0}, "max_tokens", "it is 0"),
    (CHAT | {"max_tokens": True}, "max_tokens", "it is True"),
    (CHAT | {"max_tokens": 10**400}, "max_tokens", "100000000"),
    (CHAT | {"max_completion_tokens": 255}, "max_completion_tokens", "256 in all"),
    (CHAT | {"temperature": float("nan")}, "temperature", "nan"),
    (CHAT | {"temperature": float("inf")}, "temperature", "inf"),
    (CHAT | {"temperature": -1}, "temperature", "-1"),
    (CHAT | {"top_p": 0}, "top_p", "above 0"),
    (CHAT | {"seed": 1.5}, "seed", "1.5"),
    (CHAT | {"n": 33, "temperature": 1}, "n", "33"),
    (CHAT | {"n": 2}, "n", "all answers are the same"),
    (CHAT | {"stop": ["x"] * 17}, "stop", "17"),
    (CHAT | {"stop": ["x", 3]}, "stop.1", "a number"),
    (CHAT | {"stop": "x" * 1001}, "stop", "1 to 1000"),
    (CHAT | {"logit_bias": {"-1": 1}}, "logit_bias", "'-1'"),
    (CHAT | {"logit_bias": {"99999999999": 1}}, "logit_bias", "99999999999"),
    (CHAT | {"logit_bias": {"7": "much"}}, "logit_bias.7", "'much'"),
    (CHAT | {"logprobs": "yes"}, "logprobs", "'yes'"),
    (CHAT | {"top_logprobs": 3}, "top_logprobs", "absent unless"),
    (CHAT | {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
     "response_format.json_schema.schema", "a JSON schema"),
    (CHAT | {"response_format": {"type": "json_schema", "json_schema": {"schema": {
        "properties": {"day": {"format": "date"}}}}}},
     "response_format.json_schema.schema.properties.day.format", "cannot be held to"),
    (CHAT | {"response_format": {"type": "json_object", "value": {"type": "string"}}},
     "response_format.value", "schema of an object"),
    (CHAT | {"response_format": {"type": "grammar"}}, "response_format.type", "'grammar'"),
    (CHAT | {"response_format": "json"}, "response_format", "not a text"),
    (CHAT | {"temprature": 1}, "temprature", "Did you mean temperature?"),
    (CHAT | {"half \ud83d": 1}, "half ?", "no field"),
    (CHAT | {"response_format": {"type": "json_object", "value": {"properties": {
        "\ud83d": {"pattern": "x"}}}}}, "response_format.value.properties.?.pattern", "held to"),
    (CHAT | {"reasoning_effort": "low"}, "reasoning_effort", "how long it thinks"),
    (CHAT | {"verbosity": "low"}, "verbosity", "'low'"),
    (CHAT | {"modalities": ["audio"]}, "modalities", "answers are texts"),
    (CHAT | {"audio": {}}, "audio", "texts"),
    (CHAT | {"functions": [{"name": "find"}]}, "functions", "use tools"),
    (CHAT | {"function_call": "auto"}, "function_call", "use tool_choice"),
    (CHAT | {"web_search_options": {}}, "web_search_options", "searches nothing"),
    (CHAT | {"moderation": {}}, "moderation", "moderated"),
    (CHAT | {"tool_prompt": "x"}, "tool_prompt", "chat template"),
    (CHAT | {"prompt": "x"}, "prompt", "no field"),
    (CHAT | {"stream_options": 5}, "stream_options", "a number"),
    (CHAT | {"presence_penalty": 3}, "presence_penalty", "from -2 to 2"),
]  # fmt: skip
TOOL = {"type": "function", "function": {"name": "find"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
SAID = {"role": "assistant", "tool_calls": [CALL]}
# What is asked of a model whose template knows no tools, and what is wrong before it is asked.
WRONG_TOOLS: list[tuple[Any, str, str]] = [
    ({"tools": [TOOL]}, "tools", "knows no tools"),
    ({"tools": [TOOL], "tool_choice": "required"}, "tools", "knows no tools"),
    ({"messages": [*HELLO, SAID, {"role": "tool", "content": "x", "tool_call_id": "c1"}]},
     "messages", "leaves out the tool_calls"),
    ({"tools": TOOL}, "tools", "a list of up to 128"),
    ({"tools": [TOOL] * 129}, "tools", "a list of up to 128"),
    ({"tools": [TOOL, TOOL]}, "tools", "one name"),
    ({"tools": ["find"]}, "tools.0", "a JSON object"),
    ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools.0.type", "'custom'"),
    ({"tools": [{"type": "function"}]}, "tools.0.function.name", "missing"),
    ({"tools": [{"type": "function", "function": {"name": "find it"}}]},
     "tools.0.function.name", "'find it'"),
    ({"tools": [{"type": "function", "function": {"name": "x", "parameters": "y"}}]},
     "tools.0.function.parameters", "a JSON object"),
    ({"tools": [{"type": "function", "function": {"name": "x", "strict": True}}]},
     "tools.0.function.parameters", "a JSON schema"),
    ({"tools": [{"type": "function", "function": {"name": "x", "strict": True, "parameters": {
        "properties": {"a": {"minimum": 1}}}}}]},
     "tools.0.function.parameters.properties.a.minimum", "cannot be held to"),
    ({"tools": [TOOL, {"type": "function", "function": {
        "name": "x", "strict": True, "parameters": {"type": "object"}}}],
      "tool_choice": "required"}, "tool_choice", "the name of one"),
    ({"tools": [TOOL], "tool_choice": "always"}, "tool_choice", "'always'"),
    ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "lose"}}},
     "tool_choice.function.name", "one of tools: find"),
    ({"tools": [TOOL], "tool_choice": {"type": "allowed_tools"}}, "tool_choice.type", "allowed"),
    ({"tool_choice": "required"}, "tool_choice", "no tools"),
    ({"tools": [TOOL], "parallel_tool_calls": 1}, "parallel_tool_calls", "it is 1"),
    ({"tools": [TOOL], "response_format": {"type": "json_object"}}, "response_format", "tools"),
    ({"messages": [*HELLO, SAID]}, "messages", "has to follow"),
    ({"messages": [*HELLO, {"role": "tool", "content": "x"}]},
     "messages.1.tool_call_id", "earlier message"),
    ({"messages": [SAID, {"role": "tool", "content": "x", "tool_call_id": "c2"}]},
     "messages.1.tool_call_id", "'c2'"),
    ({"messages": [SAID | {"role": "user"}]}, "messages.0.tool_calls", "unless the role"),
    ({"messages": [SAID | {"tool_calls": [{"function": {"name": "x", "arguments": "{"}}]}]},
     "messages.0.tool_calls.0.function.arguments", "a JSON object as text"),
    ({"messages": [SAID | {"tool_calls": [{"function": {"name": "x", "arguments": "[]"}}]}]},
     "messages.0.tool_calls.0.function.arguments", "a list"),
    ({"messages": [SAID | {"tool_calls": [{"function": {"arguments": "{}"}}]}]},
     "messages.0.tool_calls.0.function.name", "missing"),
    ({"messages": [SAID | {"tool_calls": {}}]}, "messages.0.content", "missing"),
    ({"messages": [{"role": "assistant", "function_call": {"name": "x"}}]},
     "messages.0.function_call", "absent"),
]  # fmt: skip
WRONG_TEXTS: list[tuple[Any, str]] = [
    ({"inputs": ""}, "inputs"),
    ({"inputs": ["several", "texts"]}, "inputs"),
    ({"inputs": {"text": "x"}}, "inputs"),
    ({"inputs_base64": "AAAA", "content_type": "audio/wav"}, "inputs"),
    ({"inputs": "x", "parameters": [1]}, "parameters"),
    ({"inputs": "x", "parameters": {"max_new_tokens": 1e9}}, "parameters.max_new_tokens"),
    ({"inputs": "x", "parameters": {"truncate": -4}}, "parameters.truncate"),
    ({"inputs": "x", "parameters": {"best_of": 2}}, "parameters.best_of"),
    ({"inputs": "x", "parameters": {"grammar": {"type": "json"}}}, "parameters.grammar.value"),
    (
        {"inputs": "x", "parameters": {"grammar": {"type": "regex", "value": "a+"}}},
        "parameters.grammar.type",
    ),
    (
        {"inputs": "x", "parameters": {"grammar": {"type": "json", "value": "{}"}}},
        "parameters.grammar.value",
    ),
    ({"inputs": "x", "parameters": {"repetition_penalty": 0}}, "parameters.repetition_penalty"),
    ({"inputs": "x", "parameters": {"top_n_tokens": 99}}, "parameters.top_n_tokens"),
]
WRONG_PROMPTS: list[tuple[Any, str]] = [
    ({"prompt": None}, "prompt"),
    ({"prompt": []}, "prompt"),
    ({"prompt": [[]]}, "prompt.0"),
    ({"prompt": ["x", ""]}, "prompt.1"),
    ({"prompt": ["x"] * 33}, "prompt"),
    ({"prompt": [5, 10**12]}, "prompt"),
    ({"prompt": [[5], [-1]]}, "prompt.1"),
    ({"prompt": "x", "suffix": "y"}, "suffix"),
    ({"prompt": "x", "best_of": 3}, "best_of"),
    ({"prompt": "x", "logprobs": 6}, "logprobs"),
    ({"prompt": "x", "logprobs": 1, "echo": True}, "echo"),
    ({"prompt": "x", "messages": HELLO}, "messages"),
    ({"prompt": "x", "top_logprobs": 1}, "top_logprobs"),
]
WRONG_EMBEDDINGS: list[tuple[Any, str]] = [
    ({}, "input"),
    ({"input": ""}, "input"),
    ({"input": ["x", ""]}, "input.1"),
    ({"input": [5, 6]}, "input"),
    ({"input": [[5, 6]]}, "input"),
    ({"input": "x", "encoding_format": "int8"}, "encoding_format"),
    ({"input": "x", "dimensions": 33}, "dimensions"),
    ({"input": "x", "truncate": True}, "truncate"),
]


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Served:
    return Served(save_writer(tmp_path_factory.mktemp("writer")))


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Served:
    return Served(save(tmp_path_factory.mktemp("c"), "BertForSequenceClassification"))


def test_wrong_chats_are_refused_by_field(writer: Served) -> None:
    for stream in (False, True):
        for body, field, told in WRONG_CHATS + [(CHAT | it, *rest) for it, *rest in WRONG_TOOLS]:
            answer = writer.ask(body, kind="chat", stream=stream)
            error = answer.json["error"]
            assert (answer.status, error["param"]) == (400, field), (body, error)
            assert (answer.content_type, told in error["message"]) == ("application/json", True)
    assert writer.ask(CHAT, kind="chat").status == 200


def test_wrong_texts_are_refused_by_field(writer: Served) -> None:
    for body, field in WRONG_TEXTS:
        answer = writer.ask(body, "text-generation", stream=True)
        assert (answer.status, answer.json["field"]) == (422, field), answer.json
        assert answer.json["error_type"] == "validation"
    for body, field in WRONG_PROMPTS:
        answer = writer.ask(body, kind="completion")
        assert (answer.status, answer.json["error"]["param"]) == (400, field), answer.json
    assert writer.ask({"inputs": "x"}, "text-generation").status == 200


def test_what_changes_no_answer_is_accepted(writer: Served) -> None:
    extra = {
        "user": "me", "metadata": {"a": "b"}, "store": True, "service_tier": "auto", "tools": [],
        "tool_choice": "auto", "parallel_tool_calls": True, "modalities": ["text"], "audio": None,
        "verbosity": "medium", "prediction": {"type": "content", "content": "x"},
        "safety_identifier": "x", "prompt_cache_key": "y", "reasoning_effort": None,
        "response_format": {"type": "text"}, "nonsense": None,
    }  # fmt: skip
    plain = writer.ask(CHAT, kind="chat").json
    assert writer.ask(CHAT | extra, kind="chat").json["choices"] == plain["choices"]
    older = [{"role": "developer", "content": "be kind"}, *HELLO]
    same = [{"role": "system", "content": "be kind"}, *HELLO]
    assert (writer.ask(CHAT | {"messages": older}, kind="chat").json["choices"]
            == writer.ask(CHAT | {"messages": same}, kind="chat").json["choices"])  # fmt: skip


def test_wrong_embeddings_are_refused_by_field(tmp_path: Path) -> None:
    served = Served(save(tmp_path, "BertModel"))
    for body, field in WRONG_EMBEDDINGS:
        answer = served.ask(body, kind="embedding")
        assert (answer.status, answer.json["error"]["param"]) == (400, field), answer.json
    fine = {"input": ["x"], "dimensions": 5, "user": "me", "encoding_format": "base64"}
    (found,) = served.ask(fine, kind="embedding").json["data"]
    vector = np.frombuffer(base64.b64decode(found["embedding"]), "<f4")
    assert (vector.shape, round(float(np.linalg.norm(vector)), 5)) == ((5,), 1.0)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "inputs"),
        ({"inputs": 7}, "inputs"),
        ({"inputs": []}, "inputs"),
        ({"inputs": ["fine", None]}, "inputs.1"),
        ({"inputs": ["x"] * 1025}, "inputs"),
        ({"inputs": {"text_pair": "x"}}, "inputs.text"),
        ({"inputs": [{"text": "x"}, "y"]}, "inputs.1"),
        ({"inputs_base64": "AAAA"}, "inputs"),
        ({"inputs": "x", "parameters": {"top_k": 0}}, "parameters.top_k"),
        ({"inputs": "x", "parameters": {"top_k": "all"}}, "parameters.top_k"),
        ({"inputs": "x", "parameters": {"function_to_apply": "exec"}},
         "parameters.function_to_apply"),
        ({"inputs": "x", "parameters": {"truncation": "yes"}}, "parameters.truncation"),
        ({"inputs": "card " * 100}, None),
        ({"inputs": "x" * (1 << 24) + "x"}, None),
    ],
)  # fmt: skip
def test_wrong_inputs_of_tasks_are_refused(classes: Served, body: Any, field: str | None) -> None:
    answer = classes.ask(body, "text-classification")
    assert answer.status == (413 if len(str(body)) > 1 << 24 else 422)
    assert answer.json.get("field") == field
    assert classes.ask({"inputs": "My card"}, "text-classification").status == 200


def test_only_texts_are_streamed(classes: Served) -> None:
    answer = classes.ask({"inputs": "x", "stream": True}, "text-classification", stream=True)
    assert (answer.status, answer.json["field"]) == (422, "stream")


def test_a_model_is_not_what_was_asked(classes: Served) -> None:
    for task, kind in (("text-generation", "task"), ("", "chat"), ("object-detection", "task"),
                       ("no-such-task", "task"), ("image-classification", "task")):  # fmt: skip
        answer = classes.ask({"inputs": "x", "messages": HELLO}, task, kind)
        assert answer.status == (400 if kind == "chat" else 422), (task, answer.json)
        assert "ada/tiny cannot be used for" in json.dumps(answer.json)


def test_settings_of_another_machine_are_not_the_callers(tmp_path: Path) -> None:
    save(tmp_path, "BartForConditionalGeneration", model_type="bart", d_model=32,
         encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
         encoder_ffn_dim=32, decoder_ffn_dim=32, decoder_start_token_id=2, eos_token_id=3,
         pad_token_id=0, bos_token_id=2, forced_eos_token_id=None)  # fmt: skip
    served = Served(tmp_path)
    for wrong in ({"num_beams": 10**6}, {"num_return_sequences": 33}, {"max_new_tokens": "x"},
                  {"temperature": -1, "do_sample": True}, {"bad_words_ids": "x"},
                  {"max_new_tokens": 10**6}):  # fmt: skip
        answer = served.ask({"inputs": "x", "parameters": wrong}, "summarization")
        assert answer.status == 422, (wrong, answer.json)
        assert next(iter(wrong)) in answer.json["error"]
    ignored = {"max_time": 1e-9, "output_scores": True, "return_dict_in_generate": True,
               "stop_strings": ["x"], "max_new_tokens": 3}  # fmt: skip
    assert served.ask({"inputs": "x", "parameters": ignored}, "summarization").status == 200


@pytest.mark.skipif(not find_spec("PIL"), reason="needs pillow")
def test_files_that_are_no_images(tmp_path: Path) -> None:
    import io

    from PIL import Image

    tower = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
             "intermediate_size": 48, "image_size": 16, "patch_size": 8}  # fmt: skip
    config = Config({"model_type": "vit", "architectures": ["ViTForImageClassification"], **tower})
    models.ViTForImageClassification(config, seed=3).save_pretrained(tmp_path)
    settings = {"image_processor_type": "ViTImageProcessor", "size": {"height": 16, "width": 16}}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    served = Served(tmp_path)

    def file(image: Any, kind: str) -> bytes:
        held = io.BytesIO()
        image.save(held, kind)
        return held.getvalue()

    grey = file(Image.new("L", (20, 20), 9), "PNG")
    nothing = file(Image.fromarray(np.full((8, 8), np.nan, np.float32)), "TIFF")
    bomb = file(Image.new("1", (9000, 9000)), "PNG")
    secret = tmp_path / "secret.png"
    secret.write_bytes(grey)
    for data, status in ((b"", 422), (b"\x00\xff" * 50, 422), (grey[:45], 422), (nothing, 422),
                         (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 422),
                         (bomb, 413), (grey, 200)):  # fmt: skip
        answer = served.ask(
            {"inputs_base64": base64.b64encode(data).decode()}, "image-classification"
        )
        assert answer.status == status, (data[:20], answer.json)
    for text in (str(secret), "file:///etc/passwd", "http://127.0.0.1:1/x.png", "!!!!", 5, None):
        answer = served.ask({"inputs": text}, "image-classification")
        assert (answer.status, answer.json["field"]) == (422, "inputs")


def test_a_model_with_broken_weights_costs_its_own_requests(tmp_path: Path) -> None:
    folder = save_writer(tmp_path)
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    begin, end = header["model.norm.weight"]["data_offsets"]
    data[8 + size + begin : 8 + size + end] = np.full((end - begin) // 4, np.nan, "<f4").tobytes()
    path.write_bytes(data)
    served = Served(folder)
    for stream in (False, True):
        answer = served.ask(CHAT, kind="chat", stream=stream)
        assert (answer.status, "not finite" in answer.json["error"]["message"]) == (400, True)


def test_a_template_that_fails_is_named(tmp_path: Path) -> None:
    folder = save_writer(tmp_path)
    (folder / "chat_template.jinja").write_text("{{ raise_exception('Only users may speak.') }}")
    served = Served(folder)
    answer = served.ask(CHAT, kind="chat")
    assert (answer.status, answer.json["error"]["param"]) == (400, "messages")
    assert "Only users may speak." in answer.json["error"]["message"]
    assert served.ask({"prompt": "x"}, kind="completion").status == 200
    (folder / "chat_template.jinja").unlink()
    told = Served(folder).ask(CHAT, kind="chat").json["error"]["message"]
    assert "no chat template" in told
