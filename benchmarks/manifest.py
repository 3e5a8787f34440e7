"""Time to read the manifest of a large repo, beside the floor: parsing its files with `ast`.

The repo is generated: a package of models in 219 files, 1,500 entry points registered by a
decorator, star imports with `__all__`, about 3.5 MB of source, as the largest one we know has.
"""

import ast
import tempfile
import time
from pathlib import Path

from benchmarks.rig.harness import report
from reprise.hub.manifest import names, read_manifest

FILES = 219
ENTRY_POINTS = 1_500
ROUNDS = 7
REGISTRY = """\
import sys

ENTRY_POINTS = {}


def register_model(fn):
    mod = sys.modules[fn.__module__]
    model_name = fn.__name__
    if hasattr(mod, "__all__"):
        mod.__all__.append(model_name)
    else:
        mod.__all__ = [model_name]
    ENTRY_POINTS[model_name] = fn
    return fn
"""
BLOCK = """\
class Block{i}(nn.Module):
    def __init__(self, dim, num_heads=8, mlp_ratio=4., qkv_bias=False, drop=0., norm=nn.LayerNorm):
        super().__init__()
        self.norm1 = norm(dim)
        self.attn = nn.MultiheadAttention(dim, num_heads, bias=qkv_bias, dropout=drop)
        self.norm2 = norm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, int(dim * mlp_ratio)), nn.GELU(), nn.Dropout(drop))

    def forward(self, x, mask=None):
        y = self.norm1(x)
        y, weights = self.attn(y, y, y, attn_mask=mask, need_weights=False)
        x = x + y
        for layer in self.mlp:
            x = layer(x) if self.training else x + layer(self.norm2(x))
        return {{"x": x, "weights": [w for w in weights if w is not None]}}

"""
ENTRY = """\
@register_model
def model_{n}(pretrained=False, **kwargs) -> Block0:
    \"\"\"Model {n} from the paper.\"\"\"
    model_args = dict(dim={n}, num_heads=4, mlp_ratio=2.5, drop=kwargs.pop("drop", 0.1))
    return _create("model_{n}", pretrained=pretrained, **dict(model_args, **kwargs))


"""


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        size = generate(Path(folder))
        floors, ours = [], []
        for _ in range(ROUNDS):
            floors.append(seconds(lambda: parse_all(Path(folder))))
            ours.append(seconds(lambda: check(Path(folder))))
    floor, own = min(floors), min(ours)
    report(
        "manifest",
        [
            {
                "files": FILES,
                "entry points": ENTRY_POINTS,
                "MB": round(size / 1e6, 1),
                "ast.parse s": round(floor, 2),
                "manifest s": round(own, 2),
                "times the floor": own / floor,
            }
        ],
    )


def generate(folder: Path) -> int:
    """Write the repo and return its size in bytes."""
    package = folder / "zoo" / "models"
    package.mkdir(parents=True)
    (folder / "hubconf.py").write_text(
        "dependencies = ['torch']\n\nimport zoo\n\n"
        "globals().update(zoo.models.registry.ENTRY_POINTS)\n"
    )
    (folder / "zoo" / "__init__.py").write_text("from . import models\n")
    (package / "registry.py").write_text(REGISTRY)
    modules = range(FILES - 4)
    (package / "__init__.py").write_text(
        "from . import registry\n" + "".join(f"from .family_{m} import *\n" for m in modules)
    )
    for module in modules:
        blocks = "".join(BLOCK.format(i=i) for i in range(15))
        entries = range(module, ENTRY_POINTS, len(modules))
        (package / f"family_{module}.py").write_text(
            "import torch\nfrom torch import nn\nfrom .registry import register_model\n\n"
            f'URL = "https://example.org/weights/family_{module}-0123abcd.pth"\n\n\n'
            "def _create(name, pretrained=False, **kwargs):\n    return Block0(**kwargs)\n\n\n"
            + blocks
            + "".join(ENTRY.format(n=n) for n in entries)
        )
    return sum(path.stat().st_size for path in folder.rglob("*.py"))


def parse_all(folder: Path) -> None:
    """Parse every file with the standard library, keeping nothing."""
    for path in folder.rglob("*.py"):
        ast.parse(path.read_bytes())


def check(folder: Path) -> None:
    """Read the manifest and make sure it is complete."""
    assert len(names(read_manifest(folder))) == ENTRY_POINTS


def seconds(work: object) -> float:
    """Return the processor time that a call takes."""
    started = time.process_time()
    work()  # type: ignore[operator]
    return time.process_time() - started


if __name__ == "__main__":
    main()
