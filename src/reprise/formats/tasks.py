"""Tasks: kinds of work, as `pipeline_tag` and `task_categories` name them."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """One kind of work."""

    id: str  # as on cards
    label: str  # for people
    modality: str


def _tasks(modality: str, lines: str) -> list[Task]:
    pairs = (line.split(maxsplit=1) for line in lines.strip().splitlines())
    return [Task(task_id, label, modality) for task_id, label in pairs]


_TEXT = """
text-classification Text classification
token-classification Token classification
table-question-answering Table question answering
question-answering Question answering
zero-shot-classification Zero-shot classification
translation Translation
summarization Summarization
feature-extraction Feature extraction
text-generation Text generation
text2text-generation Text-to-text generation
fill-mask Fill-mask
sentence-similarity Sentence similarity
text-ranking Text ranking
text-retrieval Text retrieval
table-to-text Table to text
multiple-choice Multiple choice
conversational Conversational
"""
_AUDIO = """
text-to-speech Text to speech
text-to-audio Text to audio
automatic-speech-recognition Speech recognition
audio-to-audio Audio to audio
audio-classification Audio classification
audio-text-to-text Audio and text to text
voice-activity-detection Voice activity detection
"""
_VISION = """
depth-estimation Depth estimation
image-classification Image classification
object-detection Object detection
image-segmentation Image segmentation
text-to-image Text to image
image-to-text Image to text
image-to-image Image to image
image-to-video Image to video
unconditional-image-generation Unconditional image generation
video-classification Video classification
text-to-video Text to video
video-to-video Video to video
zero-shot-image-classification Zero-shot image classification
mask-generation Mask generation
zero-shot-object-detection Zero-shot object detection
text-to-3d Text to 3D
image-to-3d Image to 3D
image-feature-extraction Image feature extraction
keypoint-detection Keypoint detection
"""
_MULTIMODAL = """
image-text-to-text Image and text to text
image-text-to-image Image and text to image
image-text-to-video Image and text to video
visual-question-answering Visual question answering
document-question-answering Document question answering
video-text-to-text Video and text to text
visual-document-retrieval Visual document retrieval
any-to-any Any to any
"""
_OTHER = """
tabular-classification Tabular classification
tabular-regression Tabular regression
tabular-to-text Tabular to text
time-series-forecasting Time series forecasting
reinforcement-learning Reinforcement learning
robotics Robotics
graph-ml Graph machine learning
other Other
"""

TASKS: dict[str, Task] = {
    task.id: task
    for task in (
        *_tasks("Text", _TEXT),
        *_tasks("Audio", _AUDIO),
        *_tasks("Vision", _VISION),
        *_tasks("Multimodal", _MULTIMODAL),
        *_tasks("Other", _OTHER),
    )
}


def task_label(task_id: str) -> str:
    """Return a task's name for people, or the id itself."""
    task = TASKS.get(task_id)
    return task.label if task else task_id


# Other names of tasks, as transformers' pipelines know them.
ALIASES = {
    "sentiment-analysis": "text-classification",
    "ner": "token-classification",
    "vqa": "visual-question-answering",
    "rerank": "text-ranking",
    "embeddings": "sentence-similarity",
    "conversational": "text-generation",
}
_PAIR = re.compile(r"translation_[A-Za-z_-]{1,40}_to_[A-Za-z_-]{1,40}")


def canonical_task(name: str) -> str:
    """Return the task that a name stands for: `ner`, `translation_en_to_de`, or its own name."""
    return "translation" if _PAIR.fullmatch(name) else ALIASES.get(name, name)
