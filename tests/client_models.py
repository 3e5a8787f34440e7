"""Tiny seeded models for every task that clients ask of a hub, published there."""

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
from huggingface_hub import HfApi
from PIL import Image

from reprise import models
from reprise.models import Config
from tests.pipeline_models import T5, TINY, VOCABULARY, WHISPER, save, word_pieces
from tests.worker_models import save_caller, save_writer

LABELS = {"id2label": {0: "cat", 1: "dog"}, "label2id": {"cat": 0, "dog": 1}}
NLI = {"id2label": {0: "entailment", 1: "neutral"}, "label2id": {"entailment": 0, "neutral": 1}}
VIT = {"model_type": "vit", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
       "intermediate_size": 48, "image_size": 32, "patch_size": 8,
       "initializer_range": 0.3}  # fmt: skip
TOWER = {**{name: VIT[name] for name in VIT if name != "model_type"}, "image_size": 16}
CLIP = {
    "projection_dim": 24, "vision_config": TOWER,
    "text_config": TOWER | {"vocab_size": VOCABULARY, "max_position_embeddings": 64,
                            "eos_token_id": 3},
}  # fmt: skip
CAPTIONS = {
    "encoder": VIT,
    "decoder": {"model_type": "gpt2", "vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 2,
                "n_head": 4, "n_positions": 64, "initializer_range": 0.4},
    "decoder_start_token_id": 2, "pad_token_id": 0, "eos_token_id": 3, "max_new_tokens": 8,
}  # fmt: skip
BART = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "encoder_ffn_dim": 40, "decoder_ffn_dim": 40, "init_std": 0.4,
    "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "decoder_start_token_id": 3,
    "forced_eos_token_id": None, "max_new_tokens": 8,
}  # fmt: skip
ANSWERS = {"id2label": {0: "yes", 1: "no"}, "label2id": {"yes": 0, "no": 1}}
BERTS = {
    "text-classification": ("BertForSequenceClassification", LABELS),
    "token-classification": ("BertForTokenClassification", LABELS),
    "question-answering": ("BertForQuestionAnswering", {}),
    "fill-mask": ("BertForMaskedLM", {}),
    "feature-extraction": ("BertModel", {}),
    "zero-shot-classification": ("BertForSequenceClassification", NLI),
}
# Per task: class, model type, configuration, what prepares images.
SEEING: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "image-classification": (
        "ViTForImageClassification", "vit", VIT | LABELS, "ViTImageProcessor"),
    "image-to-text": (
        "VisionEncoderDecoderModel", "vision-encoder-decoder", CAPTIONS, "ViTImageProcessor"),
    "visual-question-answering": (
        "ViltForQuestionAnswering", "vilt", TINY | TOWER | ANSWERS, "ViltImageProcessor"),
    "zero-shot-image-classification": ("CLIPModel", "clip", CLIP, "CLIPImageProcessor"),
}  # fmt: skip


def publish_all(api: HfApi, root: Path) -> None:
    """Publish one model a task, as `ada/TASK`, and one that calls tools, `ada/tool-calls`."""
    folders = {}
    for task, (name, config) in BERTS.items():
        folders[task] = save(root / task, name, **config)
    for task in ("summarization", "translation"):
        folders[task] = save(root / task, "T5ForConditionalGeneration", model_type="t5", **T5)
    folders["text-generation"] = save_writer(root / "text-generation")
    folders["tool-calls"] = save_caller(root / "tool-calls")
    folders["table-question-answering"] = save(
        root / "table-question-answering", "BartForConditionalGeneration", model_type="bart",
        **BART)  # fmt: skip
    for task, (name, model_type, config, kind) in SEEING.items():
        folders[task] = _images(root / task, name, model_type, config, kind)
    folders["automatic-speech-recognition"] = _sound(root / "automatic-speech-recognition")
    for task, folder in folders.items():
        tag = "text-generation" if task == "tool-calls" else task
        (folder / "README.md").write_text(f"---\npipeline_tag: {tag}\n---\n")
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


def _images(folder: Path, name: str, model_type: str, config: dict[str, Any], kind: str) -> Path:
    made = Config({"architectures": [name], "model_type": model_type, **config})
    getattr(models, name)(made, seed=3).save_pretrained(folder)
    word_pieces().save_pretrained(folder)
    side = (config.get("encoder") or config.get("vision_config") or config)["image_size"]
    size = {"height": side, "width": side}
    settings: dict[str, Any] = {"image_processor_type": kind, "size": size, "crop_size": size}
    if kind.startswith("Vilt"):
        settings |= {"size_divisor": 8, "size": {"shortest_edge": side}}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def _sound(folder: Path) -> Path:
    few = {**WHISPER, "max_new_tokens": 8}
    save(folder, "WhisperForConditionalGeneration", model_type="whisper", **few)
    settings = {"feature_extractor_type": "WhisperFeatureExtractor", "chunk_length": 1}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder
