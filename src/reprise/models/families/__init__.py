"""The families: which file declares a model type. A file is read when its type is first used."""

from importlib import import_module

from reprise.base.errors import NotSupported
from reprise.models.family import Family

# model type -> file of this folder, and what class names of it begin with
TYPES = {
    "albert": ("albert", "Albert"),
    "bart": ("fairseq", "Bart"),
    "bert": ("bert", "Bert"),
    "bloom": ("neox", "Bloom"),
    "camembert": ("roberta", "Camembert"),
    "ctrl": ("gpt", "CTRL"),
    "deberta": ("deberta", "Deberta"),
    "deberta-v2": ("deberta", "DebertaV2"),
    "distilbert": ("distilbert", "DistilBert"),
    "electra": ("albert", "Electra"),
    "gemma": ("llama", "Gemma"),
    "gemma2": ("llama", "Gemma2"),
    "gpt2": ("gpt", "GPT2"),
    "gpt_neox": ("neox", "GPTNeoX"),
    "llama": ("llama", "Llama"),
    "marian": ("fairseq", "Marian"),
    "mbart": ("fairseq", "MBart"),
    "mistral": ("llama", "Mistral"),
    "modernbert": ("modern", "ModernBert"),
    "mpnet": ("roberta", "MPNet"),
    "mt5": ("t5", "MT5"),
    "openai-gpt": ("gpt", "OpenAIGPT"),
    "opt": ("opt", "OPT"),
    "pegasus": ("fairseq", "Pegasus"),
    "phi": ("phi", "Phi"),
    "phi3": ("phi", "Phi3"),
    "qwen2": ("llama", "Qwen2"),
    "qwen3": ("llama", "Qwen3"),
    "roberta": ("roberta", "Roberta"),
    "clip": ("clip", "CLIP"),
    "clip_text_model": ("clip", "CLIPText"),
    "clip_vision_model": ("clip", "CLIPVision"),
    "deit": ("vision", "DeiT"),
    "dinov2": ("vision", "Dinov2"),
    "t5": ("t5", "T5"),
    "trocr": ("composed", "TrOCR"),
    "vision-encoder-decoder": ("composed", "VisionEncoderDecoder"),
    "transfo-xl": ("xl", "TransfoXL"),
    "vilt": ("vilt", "Vilt"),
    "vit": ("vision", "ViT"),
    "wav2vec2": ("waves", "Wav2Vec2"),
    "hubert": ("waves", "Hubert"),
    "whisper": ("speech", "Whisper"),
    "xlm": ("xl", "XLM"),
    "xlm-roberta": ("roberta", "XLMRoberta"),
    "xlnet": ("xl", "XLNet"),
}
_registered: dict[str, Family] = {}


def family_of(model_type: str) -> Family:
    """Find the family of a model type.

    Raises:
        NotSupported: No family declares it.
    """
    if model_type in _registered:
        return _registered[model_type]
    if model_type not in TYPES:
        raise NotSupported(
            f"No family here declares the model type {model_type!r}. Known: "
            f"{', '.join(sorted(TYPES))}.",
            hint="A family of your own can be added with reprise.models.register(family).",
        )
    module = import_module(f"{__name__}.{TYPES[model_type][0]}")
    found: Family = module.FAMILIES[model_type]
    return found


def by_class_name(name: str) -> tuple[Family, str] | None:
    """Split a class name into a family and its head: `BertForMaskedLM`; None when none fits."""
    prefixes = [(family.prefix, model_type) for model_type, family in _registered.items()]
    prefixes += [(prefix, model_type) for model_type, (_, prefix) in TYPES.items()]
    for prefix, model_type in sorted(prefixes, key=lambda pair: -len(pair[0])):
        head = name.removeprefix(prefix)
        if head == name:
            continue
        family = family_of(model_type)
        if head == "Model" or head in family.heads:
            return family, head
    return None


def register(family: Family) -> None:
    """Add a family of your own, or put one in the place of ours, for this process."""
    _registered[family.model_type] = family


def model_types() -> list[str]:
    """List every model type, sorted."""
    return sorted({*TYPES, *_registered})
