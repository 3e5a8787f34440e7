"""Which head an Auto class stands for, family by family: the first name that a family has."""

from reprise.base.errors import InvalidInput
from reprise.models.family import Family

_LM = ("WithLMHeadModel", "ForMaskedLM", "LMHeadModel", "ForConditionalGeneration", "ForCausalLM")
AUTO_HEADS: dict[str, tuple[str, ...]] = {
    "AutoModel": ("Model",),
    "AutoModelForPreTraining": ("ForPreTraining", *_LM, "Model"),
    "AutoModelWithLMHead": _LM,
    "AutoModelForCausalLM": ("ForCausalLM", "LMHeadModel", "WithLMHeadModel"),
    "AutoModelForMaskedLM": ("ForMaskedLM", "WithLMHeadModel"),
    "AutoModelForSeq2SeqLM": ("ForConditionalGeneration", "MTModel"),
    "AutoModelForSequenceClassification": ("ForSequenceClassification",),
    "AutoModelForTokenClassification": ("ForTokenClassification",),
    "AutoModelForQuestionAnswering": ("ForQuestionAnsweringSimple", "ForQuestionAnswering"),
    "AutoModelForMultipleChoice": ("ForMultipleChoice",),
    "AutoModelForNextSentencePrediction": ("ForNextSentencePrediction",),
    "AutoModelForImageClassification": ("ForImageClassification",),
    "AutoModelForZeroShotImageClassification": ("Model",),
    "AutoModelForMaskedImageModeling": ("ForMaskedImageModeling",),
    "AutoModelForSpeechSeq2Seq": ("ForConditionalGeneration",),
    "AutoModelForVisualQuestionAnswering": ("ForQuestionAnswering",),
    "AutoModelForVision2Seq": ("Model",),
    "AutoModelForImageTextToText": ("Model",),
    "AutoModelForCTC": ("ForCTC",),
    "AutoModelForAudioClassification": ("ForAudioClassification",),
}


def head_for(auto: str, family: Family) -> str:
    """Choose the head of a family for an Auto class.

    Raises:
        InvalidInput: The family has none.
    """
    known = ("Model", *family.heads)
    for name in AUTO_HEADS[auto]:
        if name in known:
            return name
    fitting = [name for name, heads in AUTO_HEADS.items() if set(heads) & set(known)]
    raise InvalidInput(
        f"{family.model_type} has no head for {auto}.",
        hint=f"It can be loaded with {', '.join(fitting)}.",
    )
