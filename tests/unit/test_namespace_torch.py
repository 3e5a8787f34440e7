"""What torch does with models whose code lives in a namespace."""

import io
import sys
from pathlib import Path

import pytest

from reprise.hub.namespace import entry_point, folder_key, register

torch = pytest.importorskip("torch")

REPOS = Path(__file__).parents[1] / "hubconf_repos"
NET = """
import torch
from torch import nn
from layers.act import activate

class Net(nn.Module):
    def __init__(self, width: int = 4):
        super().__init__()
        self.first = nn.Linear(3, width)
        self.width = width

    def forward(self, x):
        return activate(self.first(x)) * self.width

def net(width=4):
    torch.manual_seed(0)
    return Net(width).eval()
"""


@pytest.fixture
def model(tmp_path: Path) -> object:
    (tmp_path / "layers").mkdir()
    (tmp_path / "layers" / "act.py").write_text(
        "import torch\ndef activate(x):\n    return torch.relu(x)\n"
    )
    (tmp_path / "hubconf.py").write_text(NET)
    return entry_point(tmp_path, folder_key(tmp_path), "net")()


def test_a_nested_torch_hub_load_gets_a_namespace_of_its_own() -> None:
    folder = REPOS / "nested_loads"
    before = list(sys.path)
    model = entry_point(folder, folder_key(folder), "detector")()
    assert model(torch.ones(1, 2)).shape == (1, 3)
    assert [type(part).__name__ for part in model] == ["Backbone", "Head"]
    assert type(model[0]).__module__.endswith("_sbackbone.models.net")
    assert sys.path == before
    assert not {"models", "models.net", "hubconf"} & set(sys.modules)


def test_torch_hub_is_itself_again_afterwards() -> None:
    folder = REPOS / "nested_loads"
    step = torch.hub._load_local
    entry_point(folder, folder_key(folder), "detector")()
    assert torch.hub._load_local is step


def test_models_can_be_saved_and_loaded_whole(model: torch.nn.Module) -> None:
    buffer = io.BytesIO()
    torch.save(model, buffer)
    buffer.seek(0)
    again = torch.load(buffer, weights_only=False)
    x = torch.ones(2, 3)
    assert torch.equal(again(x), model(x))


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_models_can_be_scripted(model: torch.nn.Module) -> None:
    x = torch.ones(2, 3)
    assert torch.equal(torch.jit.script(model)(x), model(x))


def test_models_can_be_exported(model: torch.nn.Module) -> None:
    x = torch.ones(2, 3)
    assert torch.equal(torch.export.export(model, (x,)).module()(x), model(x))


def test_models_can_be_compiled(model: torch.nn.Module) -> None:
    x = torch.ones(2, 3)
    assert torch.equal(torch.compile(model, backend="eager")(x), model(x))


def test_old_whole_model_checkpoints_load(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "yolo.py").write_text(
        "import torch\nclass Model(torch.nn.Linear):\n    pass\n"
    )
    (tmp_path / "hubconf.py").write_text(
        "import os, torch\nfrom models.yolo import Model\n"
        "path = os.path.join(os.path.dirname(__file__), 'model.pt')\n"
        "def save():\n"
        "    Model.__module__ = 'models.yolo'\n"
        "    torch.save({'model': Model(2, 2)}, path)\n"
        "def load():\n    return torch.load(path, weights_only=False)['model']\n"
    )
    key = folder_key(tmp_path)
    entry_point(tmp_path, key, "save")()
    assert type(entry_point(tmp_path, key, "load")()).__name__ == "Model"
    assert "models" not in sys.modules


def test_data_loader_workers_find_the_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "data.py").write_text(
        "class Numbers:\n    def __len__(self): return 4\n"
        "    def __getitem__(self, i):\n        import late\n        return late.f(i)\n"
    )
    (repo / "late.py").write_text("def f(i): return float(i)\n")
    (repo / "hubconf.py").write_text("from data import Numbers as numbers\n")
    register(folder_key(repo), repo)
    dataset = entry_point(repo, folder_key(repo), "numbers")()
    loader = torch.utils.data.DataLoader(
        dataset, batch_size=4, num_workers=1, multiprocessing_context="spawn", collate_fn=list
    )
    assert next(iter(loader)) == [0.0, 1.0, 2.0, 3.0]
