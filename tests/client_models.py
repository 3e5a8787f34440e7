"""Tiny seeded models for every task that clients ask of a hub, published there."""

import json
import wave
from pathlib import Path

import numpy as np
from huggingface_hub import HfApi
from PIL import Image

from reprise import models
from reprise.models import Config
from tests.pipeline_models import T5, WHISPER, save
from tests.worker_models import save_writer

LABELS = {"id2label": {0: "cat", 1: "dog"}, "label2id": {"cat": 0, "dog": 1}}
NLI = {"id2label": {0: "entailment", 1: "neutral"}, "label2id": {"entailment": 0, "neutral": 1}}
VIT = {"model_type": "vit", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
       "intermediate_size": 48, "image_size": 32, "patch_size": 8,
       "initializer_range": 0.3}  # fmt: skip
BERTS = {
    "text-classification": ("BertForSequenceClassification", LABELS),
    "token-classification": ("BertForTokenClassification", LABELS),
    "question-answering": ("BertForQuestionAnswering", {}),
    "fill-mask": ("BertForMaskedLM", {}),
    "feature-extraction": ("BertModel", {}),
    "zero-shot-classification": ("BertForSequenceClassification", NLI),
}


def publish_all(api: HfApi, root: Path) -> None:
    """Publish one model a task, as `ada/TASK`."""
    folders = {}
    for task, (name, config) in BERTS.items():
        folders[task] = save(root / task, name, **config)
    for task in ("summarization", "translation"):
        folders[task] = save(root / task, "T5ForConditionalGeneration", model_type="t5", **T5)
    folders["text-generation"] = save_writer(root / "text-generation")
    folders["image-classification"] = _images(root / "image-classification")
    folders["automatic-speech-recognition"] = _sound(root / "automatic-speech-recognition")
    for task, folder in folders.items():
        (folder / "README.md").write_text(f"---\npipeline_tag: {task}\n---\n")
        api.create_repo(f"ada/{task}", exist_ok=True)
        api.upload_folder(repo_id=f"ada/{task}", folder_path=folder)


def write_inputs(folder: Path) -> None:
    """Write an image and a second of sound: `image.png`, `sound.wav`."""
    drawn = np.random.default_rng(5)
    pixels = drawn.integers(0, 255, (40, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "image.png")
    samples = (drawn.standard_normal(16_000) * 3000).astype("<i2")
    with wave.open(str(folder / "sound.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(samples.tobytes())


def _images(folder: Path) -> Path:
    config = Config({"architectures": ["ViTForImageClassification"], **VIT, **LABELS})
    models.ViTForImageClassification(config, seed=3).save_pretrained(folder)
    settings = {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def _sound(folder: Path) -> Path:
    few = {**WHISPER, "max_new_tokens": 8}
    save(folder, "WhisperForConditionalGeneration", model_type="whisper", **few)
    settings = {"feature_extractor_type": "WhisperFeatureExtractor", "chunk_length": 1}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder
