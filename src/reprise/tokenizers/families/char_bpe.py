"""Vocabularies over words and characters: GPT, XLM, CTRL, Transformer-XL."""

from reprise.tokenizers.family import Family

FAMILIES = (
    Family(
        classes=("OpenAIGPTTokenizer",),
        model_types=("openai-gpt",),
        recipe="openai",
        specials={"unk_token": "<unk>"},
    ),
    Family(
        classes=("XLMTokenizer",),
        model_types=("xlm",),
        recipe="xlm",
        specials={
            "bos_token": "<s>",
            "unk_token": "<unk>",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "cls_token": "</s>",
            "mask_token": "<special1>",
        },
        extra_specials=tuple(f"<special{number}>" for number in range(10)),
    ),
    Family(
        classes=("CTRLTokenizer",),
        model_types=("ctrl",),
        recipe="ctrl",
        specials={"unk_token": "<unk>"},
    ),
    Family(
        classes=("TransfoXLTokenizer",),
        model_types=("transfo-xl",),
        recipe="transfo_xl",
        specials={"unk_token": "<unk>", "eos_token": "<eos>"},
        input_names=("input_ids",),
    ),
)
