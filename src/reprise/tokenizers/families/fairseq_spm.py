"""SentencePiece models behind four tokens of fairseq's, which the file does not have."""

from reprise.tokenizers.added import AddedToken
from reprise.tokenizers.family import Family, mask_token

_FIRST = ("<s>", "<pad>", "</s>", "<unk>")
_SPECIALS: dict[str, str | AddedToken] = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "cls_token": "<s>",
    "mask_token": mask_token("<mask>"),
}
_UNUSED = ("<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED")

FAMILIES = (
    Family(
        classes=("XLMRobertaTokenizer", "XLMProphetNetTokenizer"),
        model_types=("xlm-roberta", "xlm-roberta-xl", "xmod", "trocr"),
        recipe="spm",
        rules={
            "style": "words",
            "template": "roberta",
            "head": _FIRST,
            "skip": 3,
            "tail": ("<mask>",),
            "unk": "<unk>",
        },
        specials=_SPECIALS,
    ),
    Family(
        classes=("CamembertTokenizer",),
        model_types=("camembert",),
        recipe="spm",
        rules={
            "style": "words",
            "template": "roberta",
            "head": ("<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>"),
            "unused": ("<unk>NOTUSED",),
            "skip": 1,
            "tail": ("<mask>",),
            "unk": "<unk>",
        },
        specials=_SPECIALS,
        extra_specials=_UNUSED,
    ),
    Family(
        classes=("XGLMTokenizer",),
        model_types=("xglm",),
        recipe="spm",
        rules={
            "style": "words",
            "template": "xglm",
            "head": _FIRST,
            "skip": 3,
            "tail": tuple(f"<madeupword{number}>" for number in range(7)),
            "unk": "<unk>",
        },
        specials={key: _SPECIALS[key] for key in _SPECIALS if key != "mask_token"},
    ),
)
