"""The tasks: what each is called, which heads it runs on, where it is implemented."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from reprise.base.errors import InvalidInput, NotSupported
from reprise.formats.tasks import TASKS, canonical_task
from reprise.tasks.base import Pipeline


@dataclass(frozen=True)
class Kind:
    """One task.

    Attributes:
        target: `module:class` below `reprise.tasks`.
        autos: Auto classes that load its models, the first that fits.
        heads: Ends of architectures that are made for it.
        reads: What its inputs are, see `inferring.read_by`.
        by_head: Targets for models whose head is of another kind.
    """

    target: str
    autos: tuple[str, ...]
    heads: tuple[str, ...] = ()
    reads: str = "text"
    by_head: Mapping[str, str] = field(default_factory=dict)


_TEXT_TO_TEXT = ("AutoModelForSeq2SeqLM",)
_SEQUENCE = ("AutoModelForSequenceClassification",)
KINDS: dict[str, Kind] = {
    "feature-extraction": Kind(
        "feature_extraction:FeatureExtraction", ("AutoModel",), ("Model", "EncoderModel")
    ),
    "sentence-similarity": Kind("sentence_similarity:SentenceSimilarity", ("AutoModel",)),
    "text-classification": Kind(
        "text_classification:TextClassification", _SEQUENCE, ("ForSequenceClassification",)
    ),
    "token-classification": Kind(
        "token_classification:TokenClassification",
        ("AutoModelForTokenClassification",),
        ("ForTokenClassification",),
    ),
    "question-answering": Kind(
        "question_answering:QuestionAnswering",
        ("AutoModelForQuestionAnswering",),
        ("ForQuestionAnswering", "ForQuestionAnsweringSimple"),
    ),
    "fill-mask": Kind(
        "fill_mask:FillMask",
        ("AutoModelForMaskedLM",),
        ("ForMaskedLM", "ForPreTraining"),
    ),
    "text-ranking": Kind("text_ranking:TextRanking", _SEQUENCE, ("ForSequenceClassification",)),
    "zero-shot-classification": Kind(
        "zero_shot_classification:ZeroShotClassification",
        _SEQUENCE,
        ("ForSequenceClassification",),
    ),
    "text-generation": Kind(
        "text_generation:TextGeneration",
        ("AutoModelForCausalLM",),
        ("ForCausalLM", "LMHeadModel"),
    ),
    "text2text-generation": Kind(
        "text_to_text:TextToText", _TEXT_TO_TEXT, ("ForConditionalGeneration",)
    ),
    "summarization": Kind(
        "text_to_text:Summarization", _TEXT_TO_TEXT, ("ForConditionalGeneration",)
    ),
    "translation": Kind(
        "text_to_text:Translation", _TEXT_TO_TEXT, ("MTModel", "ForConditionalGeneration")
    ),
    "table-question-answering": Kind(
        "table_question_answering:TableQuestionAnswering",
        _TEXT_TO_TEXT,
        ("ForConditionalGeneration",),
    ),
    "automatic-speech-recognition": Kind(
        "automatic_speech_recognition:SpeechRecognition",
        ("AutoModelForSpeechSeq2Seq", "AutoModelForCTC"),
        ("ForConditionalGeneration", "ForCTC"),
        reads="sound",
        by_head={"ctc": "spelled_speech:SpelledSpeech"},
    ),
    "image-classification": Kind(
        "image_classification:ImageClassification",
        ("AutoModelForImageClassification",),
        ("ForImageClassification", "ForImageClassificationWithTeacher"),
        reads="images",
    ),
    "image-feature-extraction": Kind(
        "image_feature_extraction:ImageFeatureExtraction",
        ("AutoModel",),
        ("Model",),
        reads="images",
    ),
    "image-to-text": Kind(
        "image_to_text:ImageToText", ("AutoModelForVision2Seq",), ("Model",), reads="captions"
    ),
    "visual-question-answering": Kind(
        "visual_question_answering:VisualQuestionAnswering",
        ("AutoModelForVisualQuestionAnswering",),
        ("ForQuestionAnswering",),
        reads="mixed",
    ),
    "zero-shot-image-classification": Kind(
        "zero_shot_image_classification:ZeroShotImageClassification",
        ("AutoModelForZeroShotImageClassification",),
        ("Model",),
        reads="both",
    ),
}


def kind_of(task: str) -> tuple[str, Kind]:
    """Find a task by its name or by another name of it.

    Raises:
        NotSupported: It is a task, but none that can be run yet.
        InvalidInput: There is no task of that name.
    """
    if not isinstance(task, str):
        raise InvalidInput(f"A task is a name, not {type(task).__name__}.")
    name = canonical_task(task)
    if name in KINDS:
        return name, KINDS[name]
    known = f"These can be run: {', '.join(sorted(KINDS))}."
    if name in TASKS:
        raise NotSupported(f"The task {task!r} cannot be run yet.", hint=known)
    raise InvalidInput(f"There is no task {task!r}.", hint=known)


def is_task(name: str) -> bool:
    """Tell whether a word names a task that can be run."""
    return canonical_task(name) in KINDS


def class_of(kind: Kind, model: Any = None) -> type[Pipeline]:
    """Import what implements a task, for a model."""
    head = None if model is None else model.plan.head
    target = kind.by_head.get(head.kind, kind.target) if head else kind.target
    module, _, name = target.partition(":")
    found: type[Pipeline] = getattr(import_module(f"reprise.tasks.{module}"), name)
    return found
