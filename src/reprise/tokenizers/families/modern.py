"""Decoders on SentencePiece with bytes for what is unknown, and on tiktoken's ranks."""

from reprise.tokenizers.family import Family

_LLAMA = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}

FAMILIES = (
    Family(
        classes=("LlamaTokenizer", "CodeLlamaTokenizer"),
        model_types=("llama", "mistral", "mixtral", "phi3", "code_llama"),
        recipe="llama",
        rules={"style": "llama", "template": "bos"},
        specials=_LLAMA,
        padding_side="left",
    ),
    Family(
        classes=("GemmaTokenizer",),
        model_types=("gemma", "gemma2", "gemma3", "gemma3_text", "recurrent_gemma", "paligemma"),
        recipe="spm",
        rules={"style": "gemma", "template": "bos", "tab": True},
        specials={
            "bos_token": "<bos>",
            "eos_token": "<eos>",
            "unk_token": "<unk>",
            "pad_token": "<pad>",
        },
        padding_side="left",
    ),
)
