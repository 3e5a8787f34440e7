"""Any generation of huggingface_hub: upload, list, download, branch, delete."""

import sys
from pathlib import Path

import huggingface_hub
from huggingface_hub import HfApi, hf_hub_download, snapshot_download

repo, folder = sys.argv[1:]
api = HfApi()
assert api.whoami()["name"] == "ada"
api.create_repo(repo, private=True)
files = {"a.txt": b"plain\n", "deep/b.bin": bytes(range(256)) * 60_000, "empty.txt": b""}
for name, data in files.items():
    path = Path(folder, "up", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
commit = api.upload_folder(repo_id=repo, folder_path=f"{folder}/up")
assert api.model_info(repo).sha == commit.oid
assert set(api.list_repo_files(repo)) == {*files, ".gitattributes"}
for name, data in files.items():
    assert Path(hf_hub_download(repo, name)).read_bytes() == data
snapshot = Path(snapshot_download(repo, revision=commit.oid))
assert (snapshot / "deep/b.bin").read_bytes() == files["deep/b.bin"]
api.create_branch(repo, branch="dev")
api.upload_file(path_or_fileobj=b"new", path_in_repo="a.txt", repo_id=repo, revision="dev")
assert Path(hf_hub_download(repo, "a.txt", revision="dev")).read_bytes() == b"new"
assert Path(hf_hub_download(repo, "a.txt", force_download=True)).read_bytes() == b"plain\n"
api.delete_file("a.txt", repo_id=repo)
assert not api.file_exists(repo, "a.txt")
assert api.repo_exists(repo)
assert not api.repo_exists(f"{repo}-absent")
api.delete_repo(repo)
assert not api.repo_exists(repo)
print("ok", huggingface_hub.__version__)
