"""vocab.txt: WordPiece after BERT's cleaning."""

from reprise.tokenizers.family import WITH_TYPES, Family, mask_token

_SPECIALS = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}

FAMILIES = (
    Family(
        classes=(
            "BertTokenizer",
            "ElectraTokenizer",
            "MobileBertTokenizer",
            "SqueezeBertTokenizer",
            "ConvBertTokenizer",
            "LxmertTokenizer",
            "RetriBertTokenizer",
        ),
        model_types=(
            "bert",
            "electra",
            "mobilebert",
            "squeezebert",
            "convbert",
            "lxmert",
            "retribert",
            "visual_bert",
            "vilt",
            "nomic_bert",
        ),
        recipe="wordpiece",
        rules={"template": "bert"},
        specials=_SPECIALS,
        input_names=WITH_TYPES,
    ),
    Family(
        classes=("DistilBertTokenizer",),
        model_types=("distilbert",),
        recipe="wordpiece",
        rules={"template": "bert"},
        specials=_SPECIALS,
    ),
    Family(
        classes=("FunnelTokenizer",),
        model_types=("funnel",),
        recipe="wordpiece",
        rules={"template": "bert", "cls_type_id": 2},
        specials={
            "bos_token": "<s>",
            "eos_token": "</s>",
            "unk_token": "<unk>",
            "sep_token": "<sep>",
            "pad_token": "<pad>",
            "cls_token": "<cls>",
            "mask_token": "<mask>",
        },
        input_names=WITH_TYPES,
    ),
    Family(
        classes=("MPNetTokenizer",),
        model_types=("mpnet",),
        recipe="wordpiece",
        rules={"template": "roberta", "trim_offsets": True},
        specials={
            "bos_token": "<s>",
            "eos_token": "</s>",
            "unk_token": "[UNK]",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "cls_token": "<s>",
            "mask_token": mask_token("<mask>"),
        },
    ),
)
