"""vocab.json and merges.txt over bytes: GPT-2 and its many heirs."""

from reprise.tokenizers.added import AddedToken
from reprise.tokenizers.family import WITH_TYPES, Family, mask_token

_END = "<|endoftext|>"
_ROBERTA: dict[str, str | AddedToken] = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "cls_token": "<s>",
    "mask_token": mask_token("<mask>"),
}
# Pieces of text that tokens never cross, beside the library's built-in GPT-2 pattern.
QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CLIP = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)

FAMILIES = (
    Family(
        classes=("GPT2Tokenizer",),
        model_types=("gpt2", "gpt_neo", "gptj", "imagegpt", "biogpt_bytes"),
        recipe="byte_bpe",
        specials={"bos_token": _END, "eos_token": _END, "unk_token": _END},
    ),
    Family(
        classes=("CodeGenTokenizer",),
        model_types=("codegen", "phi", "starcoder2"),
        recipe="byte_bpe",
        specials={"bos_token": _END, "eos_token": _END, "unk_token": _END},
    ),
    Family(
        classes=("GPTNeoXTokenizer",),
        model_types=("gpt_neox", "mpt", "olmo", "olmoe", "rwkv", "stablelm"),
        recipe="byte_bpe",
        specials={"bos_token": _END, "eos_token": _END, "unk_token": _END},
    ),
    Family(
        classes=(),
        model_types=("opt",),
        recipe="byte_bpe",
        rules={"template": "bos"},
        specials={
            "bos_token": "</s>",
            "eos_token": "</s>",
            "unk_token": "</s>",
            "pad_token": "<pad>",
        },
    ),
    Family(
        classes=(
            "RobertaTokenizer",
            "BartTokenizer",
            "LongformerTokenizer",
            "LEDTokenizer",
            "MvpTokenizer",
            "BlenderbotTokenizer",
        ),
        model_types=(
            "roberta",
            "roberta-prelayernorm",
            "bart",
            "longformer",
            "led",
            "mvp",
            "data2vec-text",
        ),
        recipe="byte_bpe",
        rules={"template": "roberta", "trim_offsets": True},
        specials=_ROBERTA,
    ),
    Family(
        classes=("DebertaTokenizer",),
        model_types=("deberta",),
        recipe="byte_bpe",
        rules={"template": "bert"},
        specials={
            "bos_token": "[CLS]",
            "eos_token": "[SEP]",
            "unk_token": "[UNK]",
            "sep_token": "[SEP]",
            "pad_token": "[PAD]",
            "cls_token": "[CLS]",
            "mask_token": mask_token("[MASK]"),
        },
        input_names=WITH_TYPES,
    ),
    Family(
        classes=("WhisperTokenizer",),
        model_types=("whisper",),
        recipe="byte_bpe",
        rules={"template": "whisper"},
        specials={"bos_token": _END, "eos_token": _END, "unk_token": _END},
    ),
    Family(
        classes=("Qwen2Tokenizer",),
        model_types=("qwen2", "qwen2_moe", "qwen2_vl", "qwen2_5_vl", "qwen3", "qwen3_moe"),
        recipe="byte_bpe",
        rules={"pattern": QWEN2, "normalizer": "NFC"},
        specials={"eos_token": _END, "unk_token": _END, "pad_token": _END},
    ),
    Family(
        classes=("CLIPTokenizer",),
        model_types=("clip", "clip_text_model", "owlvit", "owlv2", "xclip", "groupvit"),
        recipe="clip",
        rules={"pattern": CLIP},
        specials={
            "bos_token": "<|startoftext|>",
            "eos_token": _END,
            "unk_token": _END,
            "pad_token": _END,
        },
    ),
)
