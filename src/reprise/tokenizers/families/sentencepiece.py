"""SentencePiece models whose ids are those of the file."""

from reprise.tokenizers.added import AddedToken
from reprise.tokenizers.family import WITH_TYPES, Family, mask_token

_ALBERT: dict[str, str | AddedToken] = {
    "bos_token": "[CLS]",
    "eos_token": "[SEP]",
    "unk_token": "<unk>",
    "sep_token": "[SEP]",
    "pad_token": "<pad>",
    "cls_token": "[CLS]",
    "mask_token": mask_token("[MASK]"),
}

FAMILIES = (
    Family(
        classes=("T5Tokenizer", "MT5Tokenizer"),
        model_types=("t5", "mt5", "umt5", "longt5", "switch_transformers"),
        recipe="spm",
        rules={"style": "words", "template": "eos", "extra_ids": 100},
        specials={"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"},
    ),
    Family(
        classes=("AlbertTokenizer",),
        model_types=("albert",),
        recipe="spm",
        rules={
            "style": "albert",
            "template": "bert",
            "comma": True,
            "flags": {"do_lower_case": True},
        },
        specials=_ALBERT,
        input_names=WITH_TYPES,
    ),
    Family(
        classes=("RemBertTokenizer",),
        model_types=("rembert",),
        recipe="spm",
        rules={"style": "albert", "template": "bert"},
        specials=_ALBERT,
        input_names=WITH_TYPES,
    ),
    Family(
        classes=("BigBirdTokenizer",),
        model_types=("big_bird",),
        recipe="spm",
        rules={"style": "words", "template": "bert"},
        specials={
            "bos_token": "<s>",
            "eos_token": "</s>",
            "unk_token": "<unk>",
            "sep_token": "[SEP]",
            "pad_token": "<pad>",
            "cls_token": "[CLS]",
            "mask_token": mask_token("[MASK]"),
        },
    ),
    Family(
        classes=("XLNetTokenizer",),
        model_types=("xlnet",),
        recipe="spm",
        rules={"style": "albert", "template": "xlnet", "comma": True},
        specials={
            "bos_token": "<s>",
            "eos_token": "</s>",
            "unk_token": "<unk>",
            "sep_token": "<sep>",
            "pad_token": "<pad>",
            "cls_token": "<cls>",
            "mask_token": mask_token("<mask>"),
        },
        extra_specials=("<eop>", "<eod>"),
        input_names=WITH_TYPES,
        pad_type_id=3,
        padding_side="left",
    ),
    Family(
        classes=("DebertaV2Tokenizer",),
        model_types=("deberta-v2",),
        recipe="spm",
        rules={"style": "deberta", "template": "bert"},
        specials={
            "bos_token": "[CLS]",
            "eos_token": "[SEP]",
            "unk_token": "[UNK]",
            "sep_token": "[SEP]",
            "pad_token": "[PAD]",
            "cls_token": "[CLS]",
            "mask_token": "[MASK]",
        },
        input_names=WITH_TYPES,
    ),
    Family(
        classes=("PegasusTokenizer", "BigBirdPegasusTokenizer"),
        model_types=("pegasus", "pegasus_x", "bigbird_pegasus"),
        recipe="spm",
        rules={
            "style": "pegasus",
            "template": "last",
            "head": ("<pad>", "</s>", "<mask_1>", "<mask_2>"),
            "unused": tuple(f"<unk_{number}>" for number in range(2, 103)),
            "skip": 2,
            "unk": "<unk>",
        },
        specials={
            "eos_token": "</s>",
            "unk_token": "<unk>",
            "pad_token": "<pad>",
            "mask_token": "<mask_2>",
        },
        extra_specials=("<mask_1>", *(f"<unk_{number}>" for number in range(2, 103))),
    ),
)
