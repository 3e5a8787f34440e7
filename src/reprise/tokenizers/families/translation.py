"""Translation models: a code for the language stands beside the text, or two vocabularies."""

from reprise.tokenizers.added import AddedToken
from reprise.tokenizers.family import Family, mask_token

_FIRST = ("<s>", "<pad>", "</s>", "<unk>")
_MBART = tuple(
    "ar_AR cs_CZ de_DE en_XX es_XX et_EE fi_FI fr_XX gu_IN hi_IN it_IT ja_XX kk_KZ ko_KR lt_LT "
    "lv_LV my_MM ne_NP nl_XX ro_RO ru_RU si_LK tr_TR vi_VN zh_CN".split()
)
_MBART50 = tuple(
    "af_ZA az_AZ bn_IN fa_IR he_IL hr_HR id_ID ka_GE km_KH mk_MK ml_IN mn_MN mr_IN pl_PL ps_AF "
    "pt_XX sv_SE sw_KE ta_IN te_IN th_TH tl_XX uk_UA ur_PK xh_ZA gl_ES sl_SI".split()
)
_SPECIALS: dict[str, str | AddedToken] = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "cls_token": "<s>",
    "mask_token": mask_token("<mask>"),
}


def _mbart(name: str, model_type: str, languages: tuple[str, ...], place: str) -> Family:
    return Family(
        classes=(name,),
        model_types=(model_type,),
        recipe="spm",
        rules={
            "style": "words",
            "template": "language",
            "code": place,
            "language": "en_XX",
            "head": _FIRST,
            "skip": 3,
            "tail": (*languages, "<mask>"),
            "unk": "<unk>",
        },
        specials=_SPECIALS,
        extra_specials=languages,
        languages=languages,
    )


FAMILIES = (
    _mbart("MBartTokenizer", "mbart", _MBART, "last"),
    _mbart("MBart50Tokenizer", "mbart50", _MBART + _MBART50, "first"),
    Family(
        classes=("MarianTokenizer",),
        model_types=("marian",),
        recipe="marian",
        rules={"template": "last"},
        specials={"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"},
    ),
)
