"""Every task as huggingface_hub's own client asks for it: the pipeline's results, in its types."""

import base64
import io
import json
import wave
from collections.abc import Callable
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if not (find_spec("torch") and find_spec("PIL")):
    pytest.skip("needs torch and pillow to make models and images", allow_module_level=True)

from PIL import Image

from reprise import models
from reprise.models import Config
from reprise.tasks import pipeline
from reprise.worker.inside.clients import reads_columns
from tests.desks import Served, client_of
from tests.pipeline_models import T5, VOCABULARY, WHISPER, save, word_pieces
from tests.whisper_models import short_whisper

ENTAILING = {"id2label": {0: "entailment", 1: "neutral", 2: "contradiction"}}
TOWER = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
         "intermediate_size": 48, "image_size": 16, "patch_size": 8}  # fmt: skip
CLIP = {
    "model_type": "clip", "projection_dim": 24, "vision_config": TOWER,
    "text_config": TOWER | {"vocab_size": VOCABULARY, "max_position_embeddings": 64,
                            "eos_token_id": 3},
}  # fmt: skip
SIZE = {"height": 16, "width": 16}
Make = Callable[..., Served]
CLOSE = {"abs": 2e-6}


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a tiny model and serves it."""

    def made(name: str, **config: Any) -> Served:
        if name == "CLIPModel":
            models.CLIPModel(Config({"architectures": [name], **CLIP}), seed=3).save_pretrained(
                tmp_path
            )
            word_pieces().save_pretrained(tmp_path)
        else:
            save(tmp_path, name, **config)
        settings = {"feature_extractor_type": "WhisperFeatureExtractor", "chunk_length": 1}
        if name.startswith(("CLIP", "ViT")):
            kind = "CLIPImageProcessor" if name == "CLIPModel" else "ViTImageProcessor"
            settings = {"image_processor_type": kind, "size": SIZE, "crop_size": SIZE}
        if name.startswith("Vilt"):
            settings = {"image_processor_type": "ViltImageProcessor", "size_divisor": 8,
                        "size": {"shortest_edge": 16}}  # fmt: skip
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
        return Served(tmp_path)

    return made


def picture() -> Any:
    return Image.fromarray(np.random.default_rng(3).integers(0, 255, (20, 30, 3), np.uint8))


def png() -> bytes:
    held = io.BytesIO()
    picture().save(held, "PNG")
    return held.getvalue()


def wav(samples: int = 16_000, rate: int = 16_000) -> tuple[bytes, np.ndarray]:
    drawn = np.random.default_rng(4).standard_normal(samples) * 0.1
    whole, held = (drawn * 32767).astype("<i2"), io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(whole.tobytes())
    return held.getvalue(), (whole / np.float32(32768)).astype(np.float32)


def test_text_classification(make: Make, tmp_path: Path) -> None:
    served = make("BertForSequenceClassification")
    pipe = pipeline("text-classification", tmp_path)
    with client_of(served, "text-classification") as client:
        found = client.text_classification("My card")
        assert [one.label for one in found] == [one["label"] for one in pipe("My card", top_k=None)]
        best = client.text_classification("My card", top_k=1, function_to_apply="sigmoid")
    assert [asdict(one) for one in best] == pipe("My card", top_k=1, function_to_apply="sigmoid")
    both = served.ask(
        {"inputs": ["My card", "lost"], "parameters": {"top_k": 1}}, "sentiment-analysis"
    )
    assert [one["label"] for (one,) in both.json] == [
        one["label"] for one in pipe(["My card", "lost"])]  # fmt: skip


def test_token_classification(make: Make, tmp_path: Path) -> None:
    served = make("BertForTokenClassification")
    pipe = pipeline("token-classification", tmp_path)
    text = "My card is lost"
    with client_of(served, "token-classification") as client:
        joined = client.token_classification(text)
        tokens = client.token_classification(
            text, aggregation_strategy="none", ignore_labels=["LABEL_0"]
        )
    simple = pipe(text, aggregation_strategy="simple")
    assert [(one.entity_group, one.start, one.end) for one in joined] == [
        (one["entity_group"], one["start"], one["end"]) for one in simple]  # fmt: skip
    expected = pipe(text, ignore_labels=["LABEL_0"])
    assert [one.word for one in tokens] == [one["word"] for one in expected]


def test_question_answering(make: Make, tmp_path: Path) -> None:
    served = make("BertForQuestionAnswering")
    given = {"question": "Why?", "context": "My card was lost in the post"}
    pipe = pipeline("question-answering", tmp_path)
    with client_of(served, "question-answering") as client:
        one = client.question_answering(**given)
        many = client.question_answering(**given, top_k=3, max_answer_len=4)
    assert (one.answer, one.start) == (pipe(**given)["answer"], pipe(**given)["start"])
    expected = pipe(**given, top_k=3, max_answer_len=4)
    assert [each.answer for each in many] == [each["answer"] for each in expected]


def test_fill_mask(make: Make, tmp_path: Path) -> None:
    served, pipe = make("BertForMaskedLM"), pipeline("fill-mask", tmp_path)
    with client_of(served, "fill-mask") as client:
        found = client.fill_mask("My [MASK] is lost", top_k=3)
        chosen = client.fill_mask("My [MASK] is lost", targets=["card"])
    assert [one.sequence for one in found] == [
        one["sequence"] for one in pipe("My [MASK] is lost", top_k=3)]  # fmt: skip
    assert [one.token_str for one in chosen] == ["card"]


def test_features_and_similarities(make: Make, tmp_path: Path) -> None:
    served = make("BertModel")
    pipe = pipeline("sentence-similarity", tmp_path)
    states = pipeline("feature-extraction", tmp_path)("My card", return_tensors="np")
    with client_of(served, "feature-extraction") as client:
        np.testing.assert_allclose(client.feature_extraction("My card"), states, atol=2e-6)
    with client_of(served, "sentence-similarity") as client:
        found = client.sentence_similarity("a card", other_sentences=["a lost card", "a card"])
    assert found == pytest.approx(pipe("a card", ["a lost card", "a card"]), **CLOSE)


def test_vectors_of_a_model_that_pools(make: Make, tmp_path: Path) -> None:
    make("BertModel")
    modules = [{"type": "sentence_transformers.models.Transformer", "path": ""},
               {"type": "sentence_transformers.models.Pooling", "path": "1"}]  # fmt: skip
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    served = Served(tmp_path)
    vectors = pipeline("sentence-similarity", tmp_path).encode(["My card", "lost"])
    with client_of(served, "feature-extraction") as client:
        np.testing.assert_allclose(client.feature_extraction("My card"), vectors[0], atol=2e-6)
        short = client.feature_extraction(["My card", "lost"], dimensions=5, normalize=True)
    cut = vectors[:, :5] / np.linalg.norm(vectors[:, :5], axis=1, keepdims=True)
    np.testing.assert_allclose(short, cut, atol=2e-6)


def test_zero_shot_and_ranking(make: Make, tmp_path: Path) -> None:
    labels = {label: number for number, label in ENTAILING["id2label"].items()}
    served = make("BertForSequenceClassification", **ENTAILING, label2id=labels)
    expected = pipeline("zero-shot-classification", tmp_path)("My card", ["good", "bad"])
    with client_of(served, "zero-shot-classification") as client:
        found = client.zero_shot_classification("My card", ["good", "bad"])
    assert [one.label for one in found] == expected["labels"]
    assert [one.score for one in found] == pytest.approx(expected["scores"], **CLOSE)
    body = {"inputs": "My card", "parameters": {"candidate_labels": ["good", "bad"]}}
    old = served.ask(body, "zero-shot-classification", client="unknown/None; hf_hub/0.36.0; x/1")
    assert old.json == {"sequence": "My card", "labels": expected["labels"],
                        "scores": pytest.approx(expected["scores"], **CLOSE)}  # fmt: skip


@pytest.mark.parametrize(
    ("client", "columns"),
    [("unknown/None; hf_hub/0.36.0; python/3.11.7", True), ("transformers/4; hf_hub/0.9.1", True),
     ("unknown/None; hf_hub/1.10.0; torch/0.1", False), ("hf_hub/2.4.0", False), ("", False),
     ("curl/8.0", False), ("not_hf_hub/0.1", False), ("hf_hub/", False),
     ("hf_hub/" + "0" * 400, False)],
)  # fmt: skip
def test_only_old_clients_read_columns(client: str, columns: bool) -> None:
    assert reads_columns(client) is columns


@pytest.mark.parametrize("task", ["summarization", "translation", "text2text-generation"])
def test_text_to_text(make: Make, tmp_path: Path, task: str) -> None:
    served = make("T5ForConditionalGeneration", model_type="t5", **T5)
    (expected,) = pipeline(task, tmp_path)("My card is lost", max_new_tokens=6)
    told = {"generate_parameters": {"max_new_tokens": 6}}
    with client_of(served, task) as client:
        if task == "summarization":
            found: Any = client.summarization("My card is lost", **told)
        elif task == "translation":
            found = client.translation("My card is lost", **told)
        else:
            body = {"inputs": "My card is lost", "parameters": {"max_new_tokens": 6}}
            assert served.ask(body, task).json == [expected]
            return
    assert {name: value for name, value in asdict(found).items() if value} == expected


def test_speech(make: Make, tmp_path: Path) -> None:
    served = make("WhisperForConditionalGeneration", model_type="whisper", **WHISPER)
    file, samples = wav()
    expected = pipeline("automatic-speech-recognition", tmp_path)(samples)
    with client_of(served, "automatic-speech-recognition") as client:
        assert client.automatic_speech_recognition(file).text == expected["text"]
        told = {"generation_parameters": {"max_new_tokens": 2}}
        short = client.automatic_speech_recognition(file, extra_body=told)
        flac = io.BytesIO()
        pytest.importorskip("soundfile").write(flac, samples, 16_000, format="FLAC")
        assert client.automatic_speech_recognition(flac.getvalue()).text == expected["text"]
    assert expected["text"].startswith(short.text)


def test_times_of_words(tmp_path: Path) -> None:
    served = Served(short_whisper(tmp_path))
    file, samples = wav()
    task = "automatic-speech-recognition"
    expected = pipeline(task, tmp_path)(samples, return_timestamps="word")
    with client_of(served, task) as client:
        found = client.automatic_speech_recognition(file, extra_body={"return_timestamps": "word"})
    shown = [{"text": one.text, "timestamp": tuple(one.timestamp)} for one in found.chunks]
    assert {"text": found.text, "chunks": shown} == expected
    sound = base64.b64encode(file).decode()
    refused = {"line": "must be true, false, word or char", "char": "or of words, 'word'"}
    for times, message in refused.items():
        told = served.ask({"inputs": sound, "parameters": {"return_timestamps": times}}, task)
        assert (told.status, message in told.json["error"]) == (422, True)


def test_images(make: Make, tmp_path: Path) -> None:
    served = make("ViTForImageClassification", model_type="vit", **TOWER)
    expected = pipeline("image-classification", tmp_path)(picture())
    with client_of(served, "image-classification") as client:
        found = client.image_classification(png())
        best = client.image_classification(png(), top_k=1)
    assert [one.label for one in found] == [one["label"] for one in expected]
    assert [one.score for one in found] == pytest.approx(
        [one["score"] for one in expected], **CLOSE
    )
    assert [asdict(one) for one in best] == [asdict(found[0])]
    states = served.ask(
        {"inputs": base64.b64encode(png()).decode()}, "image-feature-extraction"
    ).json
    assert np.array(states).shape == (1, 5, 32)


def test_images_with_labels_of_the_caller(make: Make, tmp_path: Path) -> None:
    served = make("CLIPModel")
    expected = pipeline("zero-shot-image-classification", tmp_path)(picture(), ["cat", "card"])
    with client_of(served, "zero-shot-image-classification") as client:
        found = client.zero_shot_image_classification(png(), ["cat", "card"])
    assert [one.label for one in found] == [one["label"] for one in expected]


def test_questions_about_images(make: Make, tmp_path: Path) -> None:
    labels = {"id2label": {0: "yes", 1: "no", 2: "blue"}, "image_size": 16, "patch_size": 8}
    served = make("ViltForQuestionAnswering", model_type="vilt", **labels)
    expected = pipeline("visual-question-answering", tmp_path)(picture(), "lost ?", top_k=2)
    with client_of(served, "visual-question-answering") as client:
        found = client.visual_question_answering(png(), "lost ?", top_k=2)
    assert [(one.answer, one.score) for one in found] == [
        (one["answer"], pytest.approx(one["score"], **CLOSE)) for one in expected
    ]
    odd = {"image": base64.b64encode(b"no image").decode(), "question": "lost ?"}
    assert served.ask({"inputs": odd}, "visual-question-answering").status == 422


def test_jobs_that_came_together_are_one_batch(make: Make) -> None:
    served = make("BertForSequenceClassification")
    runs: list[int] = []
    words = ["My card", "lost", "Where is it?", "half \ud83d"]
    alone = [served.ask({"inputs": text}, "text-classification") for text in words]
    pipe = served.desk._model.pipeline("text-classification", "")
    run = pipe.runner.run
    pipe.runner.run = lambda rows, *a, **k: runs.append(len(rows)) or run(rows, *a, **k)
    told = [served.begin({"inputs": text}, "text-classification") for text in words]
    odd = served.begin({"inputs": "lost", "parameters": {"top_k": 1}}, "text-classification")
    served.finish()
    # The third is no text, so the batch is not one; each is asked alone, and it alone fails.
    assert [one.status for one in told] == [200, 200, 200, 422]
    assert "Input" not in told[3].json["error"]
    assert odd.json == [[alone[1].json[0][0]]]
    told = [served.begin({"inputs": text}, "text-classification") for text in words[:3]]
    runs.clear()
    served.finish()
    assert runs == [3]
    for one, other in zip(told, alone, strict=False):
        (first,), (second,) = one.json, other.json
        assert [each["score"] for each in first] == pytest.approx(
            [each["score"] for each in second], **CLOSE)  # fmt: skip
