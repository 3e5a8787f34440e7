"""Unmodified datasets: csv, json, parquet; whole and streaming; pushed and loaded back."""

import sys

from datasets import ClassLabel, Dataset, Features, Value, load_dataset
from huggingface_hub import HfApi

repo, folder, csv = sys.argv[1:]
api = HfApi()

features = Features({"text": Value("string"), "label": ClassLabel(names=["a", "b"])})
made = Dataset.from_dict({"text": ["one", "two", "three"], "label": [0, 1, 0]}, features=features)
made.push_to_hub(repo, config_name="pushed", split="train")
back = load_dataset(repo, "pushed", split="train")
assert back.features == features
assert back[:] == made[:]

made.to_json(f"{folder}/rows.jsonl")
made.to_parquet(f"{folder}/rows.parquet")
for path, source in [("j/rows.jsonl", "rows.jsonl"), ("p/rows.parquet", "rows.parquet")]:
    api.upload_file(
        path_or_fileobj=f"{folder}/{source}", path_in_repo=path, repo_id=repo, repo_type="dataset"
    )
api.upload_file(path_or_fileobj=csv, path_in_repo="c/test.csv", repo_id=repo, repo_type="dataset")

assert load_dataset(repo, data_files="j/rows.jsonl", split="train")["text"][:] == made["text"][:]
assert load_dataset(repo, data_files="p/rows.parquet", split="train")[:] == made[:]
whole = load_dataset(repo, data_files="c/test.csv", split="train")
assert whole.num_rows == 3080, whole
streamed = load_dataset(repo, data_files="c/test.csv", split="train", streaming=True)
assert list(streamed.take(50)) == [whole[i] for i in range(50)]
parquet = load_dataset(repo, "pushed", split="train", streaming=True)
assert list(parquet) == list(made)
print("ok")
