"""A tiny model that writes and chats, for workers to serve."""

from pathlib import Path
from typing import Any

from reprise import models
from reprise.tokenizers import Tokenizer
from tests.pipeline_models import save, texts

TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)

# As Qwen2.5 and Hermes are asked, in fewer words.
TOOL_TEMPLATE = """
{%- if tools %}tools:{% for tool in tools %} {{ tool | tojson }}{% endfor %}
{% endif %}
{%- for message in messages %}{{ message.role }}: {{ message.content }}
{%- for call in message.tool_calls or [] %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}
{% endfor %}
{%- if add_generation_prompt %}assistant: {% endif %}"""
TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": name, "parameters": {
        "type": "object", "properties": {"what": {"type": "string"}}}}}
    for name in ("find", "lose")
]  # fmt: skip
ASKED = [{"role": "user", "content": "where is it?"}]
URGED = [{"role": "user", "content": "find it!"}]
CALL = '<tool_call>\n{"name": "find", "arguments": {"what": "card"}}\n</tool_call>'
KNOWN = {"role": "tool", "content": "lost"}
_STEPS = 100  # of learning


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


def save_caller(folder: Path) -> Path:
    """Write a model that learned by heart to call two tools, and to say what one answered."""
    tokenizer = Tokenizer.train_new(
        "BPE", [CALL, str(TOOLS)] * 4, vocab_size=400,
        specials={"eos_token": "<|end|>", "pad_token": "<|pad|>"},
    )  # fmt: skip
    tokenizer.chat_template = TOOL_TEMPLATE
    save(
        folder, "LlamaForCausalLM", model_type="llama", tokenizer=tokenizer,
        num_key_value_heads=2, max_position_embeddings=512, bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.05,
    )  # fmt: skip
    call = {"function": {"name": "find", "arguments": {"what": "card"}}}
    told = [*ASKED, {"role": "assistant", "content": "Let me see.", "tool_calls": [call]}, KNOWN]
    _learn(folder, tokenizer, [
        (ASKED, TOOLS, f"Let me see.\n{CALL}\n{CALL.replace('find', 'lose')}"),
        (URGED, TOOLS, CALL),
        (told, TOOLS, "It is lost."),
        (ASKED, None, "I do not know."),
    ])  # fmt: skip
    return folder


def _learn(folder: Path, tokenizer: Tokenizer, lessons: list[tuple[Any, Any, str]]) -> None:
    """Let a model learn answers to conversations by heart."""
    import torch

    model = models.LlamaForCausalLM.from_pretrained(folder, engine="torch").train()
    steps = torch.optim.Adam(model.parameters(), lr=0.01)
    rows = []
    for messages, tools, answer in lessons:
        prompt = tokenizer.apply_chat_template(
            messages, tools=tools, add_generation_prompt=True, return_dict=False)  # fmt: skip
        new = [*tokenizer(answer)["input_ids"], tokenizer.eos_token_id]
        rows.append((torch.tensor([[*prompt, *new]]), len(prompt)))
    for _ in range(_STEPS):
        steps.zero_grad()
        for ids, read in rows:
            logits = model(ids).logits[0, read - 1 : -1]
            torch.nn.functional.cross_entropy(logits, ids[0, read:]).backward()
        steps.step()
    model.eval().save_pretrained(folder)
