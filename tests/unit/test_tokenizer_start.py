"""The way from text to ids stays short: guarded by what it imports."""

import json
import subprocess
import sys
from pathlib import Path

from tests.tokenizer_files import bert

HEAVY = {"jinja2", "huggingface_hub", "httpx2", "httpx", "yaml", "rich", "torch", "transformers",
         "filelock", "asyncio", "sqlalchemy"}  # fmt: skip


def modules(code: str, *arguments: str) -> set[str]:
    script = (
        f"import sys, json\n{code}\nprint(json.dumps([n.partition('.')[0] for n in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_a_local_tokenizer_needs_no_network_and_no_templates(tmp_path: Path) -> None:
    bert().save_pretrained(tmp_path)
    code = (
        "from reprise.tokenizers import AutoTokenizer\n"
        "assert AutoTokenizer.from_pretrained(sys.argv[1])('my card').input_ids"
    )
    found = modules(code, str(tmp_path))
    assert found & HEAVY == set()
    assert {"tokenizers", "numpy"} <= found


def test_a_tokenizer_is_loaded_without_the_engine(tmp_path: Path) -> None:
    bert().save_pretrained(tmp_path)
    code = (
        "from reprise.tokenizers import AutoTokenizer\n"
        "tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])\n"
        "tokenizer.vocab_size, tokenizer.fingerprint(), tokenizer.pad_token"
    )
    assert modules(code, str(tmp_path)) & {"tokenizers", "numpy", *HEAVY} == set()


def test_the_package_alone_imports_nothing_heavy() -> None:
    found = modules("import reprise.tokenizers\nreprise.tokenizers.AutoTokenizer")
    assert found & {"tokenizers", "numpy", *HEAVY} == set()
