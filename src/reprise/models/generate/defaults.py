"""What the reference's configuration classes say of generation where a file says nothing."""

from typing import Any

DEFAULTS: dict[str, dict[str, Any]] = {
    "bart": {"bos_token_id": 0, "forced_eos_token_id": 2},
    "bloom": {"bos_token_id": 1, "eos_token_id": 2},
    "gemma": {"bos_token_id": 2, "eos_token_id": 1},
    "gemma2": {"bos_token_id": 2, "eos_token_id": 1},
    "gpt2": {"bos_token_id": 50256, "eos_token_id": 50256},
    "gpt_neox": {"bos_token_id": 0, "eos_token_id": 2},
    "llama": {"bos_token_id": 1, "eos_token_id": 2},
    "marian": {"forced_eos_token_id": 0},
    "mbart": {"bos_token_id": 0, "forced_eos_token_id": 2},
    "mistral": {"bos_token_id": 1, "eos_token_id": 2},
    "opt": {"bos_token_id": 2, "eos_token_id": 2},
    "pegasus": {"forced_eos_token_id": 1},
    "phi": {"bos_token_id": 1, "eos_token_id": 2},
    "phi3": {"bos_token_id": 1, "eos_token_id": 32000},
    "whisper": {"bos_token_id": 50256, "begin_suppress_tokens": [220, 50256]},
}
