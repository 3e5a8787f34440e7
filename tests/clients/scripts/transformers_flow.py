"""Unmodified transformers: push a tiny seeded model, load it back, run its pipeline."""

import sys
from pathlib import Path

import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    BertTokenizerFast,
    pipeline,
)

repo, folder = sys.argv[1:]
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "where", "is", "my", "card", "?"]
Path(folder, "vocab.txt").write_text("\n".join(words))
tokenizer = BertTokenizerFast(f"{folder}/vocab.txt")
torch.manual_seed(0)
config = BertConfig(
    vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
    intermediate_size=64, id2label={0: "card", 1: "loan"}, label2id={"card": 0, "loan": 1},
)  # fmt: skip
model = BertForSequenceClassification(config).eval()
model.push_to_hub(repo)
tokenizer.push_to_hub(repo)

loaded = AutoModelForSequenceClassification.from_pretrained(repo)
for name, tensor in model.state_dict().items():
    assert torch.equal(tensor, loaded.state_dict()[name]), name
batch = AutoTokenizer.from_pretrained(repo)("where is my card ?", return_tensors="pt")
assert torch.equal(model(**batch).logits, loaded(**batch).logits)
answer = pipeline(model=repo)("where is my card ?")
assert answer[0]["label"] in {"card", "loan"}, answer
print("ok", answer)
