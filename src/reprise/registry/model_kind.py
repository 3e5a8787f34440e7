"""What a repo's files tell about a model that its card leaves out: library, task, frameworks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reprise.formats.tasks import TASKS

# Last part of a file's name -> framework tag, as the public hub writes it.
_FRAMEWORKS = {
    ".safetensors": "safetensors",
    "pytorch_model.bin": "pytorch",
    "pytorch_model.bin.index.json": "pytorch",
    ".pt": "pytorch",
    ".pth": "pytorch",
    "tf_model.h5": "tf",
    "flax_model.msgpack": "jax",
    "rust_model.ot": "rust",
    ".onnx": "onnx",
    ".gguf": "gguf",
    ".tflite": "tflite",
    ".keras": "keras",
    ".mlmodel": "coreml",
    "openvino_model.xml": "openvino",
    "hubconf.py": "torch-hub",
}
# A file at the root that gives a library away; the first that is there counts.
_LIBRARY_FILES = (
    ("modules.json", "sentence-transformers"),
    ("config_sentence_transformers.json", "sentence-transformers"),
    ("adapter_config.json", "peft"),
    ("model_index.json", "diffusers"),
)
LIBRARIES = frozenset(
    """
    transformers sentence-transformers peft diffusers timm keras tf-keras flair spacy fastai stanza
    sklearn allennlp asteroid espnet nemo pyannote-audio speechbrain adapter-transformers open_clip
    setfit span-marker stable-baselines3 ml-agents bertopic fasttext paddlenlp mlx gguf onnx
    transformers.js ultralytics torch-hub
    """.split()
)
FRAMEWORK_TAGS = frozenset(_FRAMEWORKS.values())
_LIBRARY_TASKS = {
    "sentence-transformers": "sentence-similarity",
    "diffusers": "text-to-image",
    "timm": "image-classification",
    "setfit": "text-classification",
}
# End of an architecture's class name -> task; longer ends first.
_ARCHITECTURE_TASKS = (
    ("ForSequenceClassification", "text-classification"),
    ("ForTokenClassification", "token-classification"),
    ("ForQuestionAnswering", "question-answering"),
    ("ForTableQuestionAnswering", "table-question-answering"),
    ("ForVisualQuestionAnswering", "visual-question-answering"),
    ("ForDocumentQuestionAnswering", "document-question-answering"),
    ("ForMaskedLM", "fill-mask"),
    ("ForPreTraining", "fill-mask"),
    ("ForCausalLM", "text-generation"),
    ("ForMultipleChoice", "multiple-choice"),
    ("ForMaskGeneration", "mask-generation"),
    ("ForSpeechSeq2Seq", "automatic-speech-recognition"),
    ("ForCTC", "automatic-speech-recognition"),
    ("ForAudioClassification", "audio-classification"),
    ("ForImageClassification", "image-classification"),
    ("ForObjectDetection", "object-detection"),
    ("ForSemanticSegmentation", "image-segmentation"),
    ("ForImageSegmentation", "image-segmentation"),
    ("ForInstanceSegmentation", "image-segmentation"),
    ("ForUniversalSegmentation", "image-segmentation"),
    ("ForDepthEstimation", "depth-estimation"),
    ("ForVideoClassification", "video-classification"),
    ("ForImageTextToText", "image-text-to-text"),
    ("ForTextToSpeech", "text-to-speech"),
    ("VisionEncoderDecoderModel", "image-to-text"),
    ("LMHeadModel", "text-generation"),
    ("MTModel", "translation"),
)
# Families whose generation head says nothing by its name.
_GENERATION_TASKS = {
    "whisper": "automatic-speech-recognition",
    "speech_to_text": "automatic-speech-recognition",
    "blip": "image-to-text",
    "blip-2": "image-to-text",
    "llava": "image-text-to-text",
    "idefics": "image-text-to-text",
    "pix2struct": "image-to-text",
}
_MODEL_TASKS = {
    "clip": "zero-shot-image-classification",
    "siglip": "zero-shot-image-classification",
}
_AUTO_CLASSES = {
    "text-classification": "AutoModelForSequenceClassification",
    "token-classification": "AutoModelForTokenClassification",
    "question-answering": "AutoModelForQuestionAnswering",
    "fill-mask": "AutoModelForMaskedLM",
    "text-generation": "AutoModelForCausalLM",
    "text2text-generation": "AutoModelForSeq2SeqLM",
    "translation": "AutoModelForSeq2SeqLM",
    "summarization": "AutoModelForSeq2SeqLM",
    "automatic-speech-recognition": "AutoModelForSpeechSeq2Seq",
    "image-classification": "AutoModelForImageClassification",
    "object-detection": "AutoModelForObjectDetection",
    "multiple-choice": "AutoModelForMultipleChoice",
}


@dataclass(frozen=True)
class Clues:
    """What there is to go by."""

    card: Mapping[str, Any]
    config: Mapping[str, Any]  # config.json, or empty
    names: Sequence[str]  # paths of the files


def frameworks(names: Iterable[str]) -> list[str]:
    """List the framework tags that file names stand for, in a fixed order."""
    ends = tuple(_FRAMEWORKS)
    telling = [name for name in names if name.endswith(ends)]  # few, of perhaps many thousands
    found: set[str] = set()
    for name in telling:
        last = name.rpartition("/")[2]
        found.update(tag for end, tag in _FRAMEWORKS.items() if last.endswith(end))
    return [tag for tag in dict.fromkeys(_FRAMEWORKS.values()) if tag in found]


def library_of(clues: Clues) -> str | None:
    """Tell a model's library: what the card says, its tags, or what the files give away."""
    said = clues.card.get("library_name")
    if isinstance(said, str) and said:
        return said
    tagged = next((tag for tag in _card_tags(clues) if tag in LIBRARIES), None)
    names = set(clues.names)
    by_file = next((library for file, library in _LIBRARY_FILES if file in names), None)
    if tagged or by_file:
        return tagged or by_file
    if "pretrained_cfg" in clues.config:
        return "timm"
    if model_type_of(clues.config) or architectures_of(clues.config):
        return "transformers"
    return "torch-hub" if "hubconf.py" in names else None


def task_of(clues: Clues, library: str | None) -> str | None:
    """Tell a model's task: what the card says, its tags, its architecture, or its library."""
    said = clues.card.get("pipeline_tag")
    if isinstance(said, str) and said:
        return said
    tagged = next((tag for tag in _card_tags(clues) if tag in TASKS), None)
    by_library = _LIBRARY_TASKS.get(library or "")
    return tagged or by_library or _task_by_architecture(clues.config)


def auto_class(task: str | None) -> str:
    """Name the class of transformers that loads a model for a task."""
    return _AUTO_CLASSES.get(task or "", "AutoModel")


def architectures_of(config: Mapping[str, Any]) -> list[str]:
    """List the architectures a config.json names."""
    value = config.get("architectures")
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def model_type_of(config: Mapping[str, Any]) -> str | None:
    """Return the model type a config.json names."""
    value = config.get("model_type")
    return value if isinstance(value, str) and value else None


def _task_by_architecture(config: Mapping[str, Any]) -> str | None:
    family = model_type_of(config) or ""
    for name in architectures_of(config):
        for end, task in _ARCHITECTURE_TASKS:
            if name.endswith(end):
                return task
        if name.endswith("ForConditionalGeneration"):
            return _GENERATION_TASKS.get(family, "text2text-generation")
        if name.endswith("Model"):
            return _MODEL_TASKS.get(family, "feature-extraction")
    return None


def _card_tags(clues: Clues) -> list[str]:
    value = clues.card.get("tags")
    return [tag for tag in value if isinstance(tag, str)] if isinstance(value, list) else []
