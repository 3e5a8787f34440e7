"""A tiny model that writes and chats, for workers to serve."""

from pathlib import Path

from reprise.tokenizers import Tokenizer
from tests.pipeline_models import save, texts

TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


def save_writer(folder: Path, length: int = 256) -> Path:
    """Write a model of Llama's kind, with a chat template, for texts of so many tokens."""
    tokenizer = Tokenizer.train_new(
        "BPE", texts(300), vocab_size=400,
        specials={"eos_token": "<|end|>", "pad_token": "<|pad|>"},
    )  # fmt: skip
    tokenizer.chat_template = TEMPLATE
    return save(
        folder, "LlamaForCausalLM", model_type="llama", tokenizer=tokenizer,
        num_key_value_heads=2, max_position_embeddings=length, bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
