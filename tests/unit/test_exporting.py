"""Exported models compute what the live ones do, without any of their code. Needs torch."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reprise import hub
from reprise.base.errors import (
    AlreadyExists,
    CorruptContent,
    InvalidFormat,
    InvalidInput,
    NotFound,
    NotSupported,
)
from reprise.hub import Isolation
from reprise.isolate.limits import Level
from tests.sandboxes import skip_unless_available

torch = pytest.importorskip("torch")

HUBCONF = """
dependencies = ["torch"]
import collections
import torch
from torch import nn
from parts.blocks import Block

class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(Block(width), Block(width))
        self.head = nn.Linear(width, 3)
        self.tied = nn.Linear(width, 3)
        self.tied.weight = self.head.weight
        self.turned = nn.Parameter(torch.rand(3, width).T)
        self.register_buffer("scale", torch.tensor(2.0))
        self.register_buffer("shift", torch.arange(3.0), persistent=False)
        self.wave = torch.tensor([1 + 2j, 0.5j, 1j])
    def forward(self, x, mask=None, double=False):
        y = self.body(x)
        y = self.head(y) * self.scale + self.tied(y) + self.shift + y @ self.turned
        y = y + self.wave.real + torch.tensor([0.5, 1.0, 1.5])
        if mask is not None:
            y = y.masked_fill(mask, 0)
        return {"scores": y, "pair": (y * 2 if double else y, [y.sum(1)])}

def net(width=4, seed=0):
    torch.manual_seed(seed)
    return Net(width)

class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = Gate()
    def forward(self, x):
        return self.gate(x)

class Gate(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x
        return -x

def branching():
    return Branching()

class Noisy(nn.Module):
    def forward(self, x):
        return x + torch.rand_like(x)

def noisy():
    return Noisy()

def scripted():
    return nn.Sequential(nn.ReLU(), torch.jit.script(nn.Linear(4, 2)))

Point = collections.namedtuple("Point", "x y")

class Named(nn.Module):
    def forward(self, x):
        return Point(x, x * 2)

def named():
    return Named()

class Strange(nn.Module):
    def forward(self, x):
        return {"a": x, "b": collections.Counter, "c": self}

def strange():
    return Strange()

class Even(nn.Module):
    def forward(self, x):
        return x + 1 if x.shape[0] % 2 == 0 else x

def even():
    return Even()

class Two(nn.Module):
    def forward(self, x):
        return x + 1 if x.shape[0] == 2 else x

def two():
    return Two()

@torch.library.custom_op("mine::twice", mutates_args=())
def twice(x: torch.Tensor) -> torch.Tensor:
    return x * 2

@twice.register_fake
def _(x):
    return torch.empty_like(x)

class Custom(nn.Module):
    def forward(self, x):
        return twice(x)

def custom():
    return Custom()

def number():
    return 7

def function():
    return len
"""
BLOCKS = """
from torch import nn

class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.line = nn.Linear(width, width)
    def forward(self, x):
        from parts import late
        return late.squash(self.line(self.norm(x)))
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    (folder / "parts").mkdir(parents=True)
    (folder / "hubconf.py").write_text(HUBCONF)
    (folder / "parts/blocks.py").write_text(BLOCKS)
    (folder / "parts/late.py").write_text("def squash(x):\n    return x.tanh()\n")
    return folder


@pytest.fixture
def wanted() -> Isolation:
    skip_unless_available(Level.RULES)
    return Isolation(environment=Path(sys.executable))


def made(repo: Path, target: Path, wanted: Isolation, entry: str = "net", **more: Any) -> Path:
    more = {"example": "2x4", "dynamic": "batch"} | more
    return hub.export(str(repo), entry, target, isolated=wanted, **more)


def test_it_computes_the_same_for_other_inputs_and_other_batches(
    repo: Path, tmp_path: Path, wanted: Isolation
) -> None:
    folder = made(repo, tmp_path / "out", wanted, seed=3)
    live = hub.load(str(repo), "net", source="local", seed=3).eval()
    inputs = [torch.randn(size, 4) for size in (1, 2, 3, 17)]
    with torch.no_grad():
        expected = [live(x) for x in inputs]
    shutil.rmtree(repo)
    module = hub.load_exported(folder)
    for x, wanted_output in zip(inputs, expected, strict=True):
        torch.testing.assert_close(module(x), wanted_output, rtol=0, atol=0)
    assert list(module.state_dict()) == list(live.state_dict())
    assert hub.check_exported(folder) == {
        "outputs": 3, "largest_difference": 0.0, "equal": True
    }  # fmt: skip


def test_it_runs_in_a_process_that_has_neither_the_repo_nor_reprise_loaded_it(
    repo: Path, tmp_path: Path, wanted: Isolation
) -> None:
    folder = made(repo, tmp_path / "out", wanted)
    shutil.rmtree(repo)
    code = (
        "import sys, torch\nfrom reprise.hub import load_exported\n"
        f"module = load_exported({str(folder)!r}).eval()\n"
        "print(tuple(module(torch.ones(5, 4))['scores'].shape))\n"
        "print([n for n in sys.modules if n.split('.')[0] in ('parts', 'hubconf')])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "(5, 3)\n[]\n"


@pytest.mark.exhaustive
def test_the_folder_holds_weights_once_and_says_where_it_comes_from(
    repo: Path, tmp_path: Path, wanted: Isolation
) -> None:
    folder = made(repo, tmp_path / "out", wanted, width=256, example="2x256")
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert sorted(sizes) == [
        "example.safetensors", "export.json", "model.pt2", "model.safetensors"
    ]  # fmt: skip
    weights = 4 * (2 * (256 * 256 + 5 * 256) + 2 * 3 * 256 + 6)  # the tied weight once
    assert weights < sizes["model.safetensors"] < weights + 5_000
    assert sizes["model.pt2"] < 60_000
    told = json.loads((folder / "export.json").read_text())
    assert (told["repo"], told["entry"], told["entry_arguments"]) == ("repo", "net", ["width=256"])
    assert told["dynamic"] == {"x": {"0": "batch"}}
    assert str(tmp_path) not in (folder / "model.pt2").read_bytes().decode("latin-1")
    assert str(tmp_path) not in (folder / "export.json").read_text()


@pytest.mark.exhaustive
def test_weights_can_be_read_by_safetensors(repo: Path, tmp_path: Path, wanted: Isolation) -> None:
    from safetensors.torch import load_file

    folder = made(repo, tmp_path / "out", wanted)
    live = hub.load(str(repo), "net", source="local")
    found = load_file(folder / "model.safetensors")
    torch.testing.assert_close(found["state.head.weight"], live.head.weight.detach())
    torch.testing.assert_close(found["state.turned"], live.turned.detach())


@pytest.mark.exhaustive
def test_without_its_weights_the_graph_is_loudly_wrong(
    repo: Path, tmp_path: Path, wanted: Isolation
) -> None:
    folder = made(repo, tmp_path / "out", wanted)
    bare = torch.export.load(folder / "model.pt2").module()
    assert bare(torch.ones(2, 4))["scores"].isnan().all()


@pytest.mark.exhaustive
def test_classes_of_the_repo_become_plain_containers(
    repo: Path, tmp_path: Path, wanted: Isolation
) -> None:
    found = hub.load_exported(made(repo, tmp_path / "out", wanted, "named"))(torch.ones(3, 4))
    assert type(found) is tuple
    torch.testing.assert_close(found, (torch.ones(3, 4), torch.full((3, 4), 2.0)))


def test_arguments_are_given_by_place_or_by_name(
    repo: Path, tmp_path: Path, wanted: Isolation
) -> None:
    example = {"x": torch.rand(2, 4), "mask": torch.tensor([True, False, False]), "double": True}
    folder = made(repo, tmp_path / "out", wanted, example=example, dynamic={"x": {0: "batch"}})
    module = hub.load_exported(folder)
    live = hub.load(str(repo), "net", source="local").eval()
    x, mask = torch.rand(5, 4), torch.tensor([False, True, False])
    with torch.no_grad():
        expected = live(x, mask, double=True)
        for found in (module(x, mask), module(x, mask=mask), module(mask=mask, x=x, double=True)):
            torch.testing.assert_close(found, expected, rtol=0, atol=0)


@pytest.mark.exhaustive
def test_sizes_that_were_fixed_stay_fixed(repo: Path, tmp_path: Path, wanted: Isolation) -> None:
    module = hub.load_exported(made(repo, tmp_path / "out", wanted, dynamic=None))
    assert module(torch.ones(2, 4))["scores"].shape == (2, 3)
    for shape in ((3, 4), (2, 5)):
        with pytest.raises((AssertionError, RuntimeError), match=r"Guard failed|Expected input"):
            module(torch.ones(shape))


def test_sizes_that_the_graph_is_no_good_for_are_told_and_refused(
    repo: Path, tmp_path: Path, wanted: Isolation, caplog: pytest.LogCaptureFixture
) -> None:
    folder = made(repo, tmp_path / "out", wanted, "even")
    module = hub.load_exported(folder)
    condition = "(L['x'].size()[0] % 2) == 0"
    assert json.loads((folder / "export.json").read_text())["conditions"] == [condition]
    assert f"checks at every call, where {condition}." in caplog.text
    torch.testing.assert_close(module(torch.ones(6, 4)), torch.full((6, 4), 2.0))
    with pytest.raises(AssertionError, match="Guard failed"):
        module(torch.ones(3, 4))


@pytest.mark.exhaustive
def test_an_exported_model_only_computes(repo: Path, tmp_path: Path, wanted: Isolation) -> None:
    module = hub.load_exported(made(repo, tmp_path / "out", wanted))
    assert module.eval() is module
    assert not module.training
    with pytest.raises(NotImplementedError, match="cannot be trained"):
        module.train()


@pytest.mark.parametrize(
    ("entry", "what", "step"),
    [
        (
            "branching",
            r"The part 'gate' \(Gate, hubconf.py:\d+\) cannot be exported",
            "torch.where",
        ),
        ("scripted", "The part '1' is TorchScript", "torch.jit.save"),
        ("noisy", "Its graph computes something else", "random numbers"),
        ("strange", "in output, which is not a known type", "wrapper that returns those"),
        ("custom", "operator mine::twice, which comes with another package", "operators of torch"),
        ("two", "batch|specialized", "leave that axis out of dynamic"),
        ("number", "number returns int", "returns the module itself"),
        ("function", "returns builtins.builtin_function_or_method", "returns the module itself"),
    ],
)
def test_what_cannot_be_exported_is_named_with_a_next_step(  # noqa: PLR0917
    repo: Path, tmp_path: Path, wanted: Isolation, entry: str, what: str, step: str
) -> None:
    with pytest.raises(NotSupported, match=what) as caught:
        made(repo, tmp_path / "out", wanted, entry)
    assert step in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["repo"]


@pytest.mark.parametrize(
    ("more", "what"),
    [({"example": "2xx4"}, "is no shape"), ({"example": ("2x4",) * 9}, "does not fit forward"),
     ({"dynamic": {"y": {0: "batch"}}}, "forward has no argument 'y'"),
     ({"dynamic": {"x": 0}}, "dynamic says 0 of 'x'"), ({"dynamic": 7}, "dynamic is 7"),
     ({"example": "2x5"}, "The part 'body.0.norm'|cannot be exported")],
    ids=str,
)  # fmt: skip
def test_examples_and_axes_that_make_no_sense_are_explained(
    repo: Path, tmp_path: Path, wanted: Isolation, more: dict[str, Any], what: str
) -> None:
    with pytest.raises(NotSupported, match=what):
        made(repo, tmp_path / "out", wanted, **more)
    assert [path.name for path in tmp_path.iterdir()] == ["repo"]


def test_it_writes_only_where_nothing_is_and_never_runs_code_here(
    repo: Path, tmp_path: Path, wanted: Isolation
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/file").write_text("mine")
    for name in ("taken", "taken/file"):
        with pytest.raises(AlreadyExists):
            made(repo, tmp_path / name, wanted)
    with pytest.raises(InvalidInput, match="never in this process"):
        hub.export(str(repo), "net", tmp_path / "new", isolated=False, example="1")


@pytest.mark.parametrize("name", ["model.pt2", "model.safetensors", "example.safetensors"])
def test_files_that_changed_are_refused(
    repo: Path, tmp_path: Path, wanted: Isolation, name: str
) -> None:
    folder = made(repo, tmp_path / "out", wanted)
    data = bytearray((folder / name).read_bytes())
    data[-1] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(CorruptContent, match="is not the file that was exported"):
        hub.load_exported(folder)
    (folder / name).unlink()
    with pytest.raises(NotFound, match="is missing"):
        hub.load_exported(folder)


def test_folders_without_an_exported_model_say_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no folder"):
        hub.load_exported(tmp_path / "none")
    with pytest.raises(InvalidFormat, match=r"it has no export\.json"):
        hub.load_exported(tmp_path)
    for text in ("", "[]", '{"version": 2}', '{"version": 1}', "[" * 100_000):
        (tmp_path / "export.json").write_text(text)
        with pytest.raises(InvalidFormat, match="its export"):
            hub.load_exported(tmp_path)


def test_exporting_needs_no_torch_on_this_side_but_loading_does(
    repo: Path, tmp_path: Path, wanted: Isolation
) -> None:
    code = (
        "import sys\nsys.modules['torch'] = None\nfrom pathlib import Path\n"
        "from reprise import hub\n"
        "wanted = hub.Isolation(environment=Path(sys.executable))\n"
        f"out = hub.export({str(repo)!r}, 'net', {str(tmp_path / 'out')!r}, example='2x4',\n"
        "    isolated=wanted, dynamic={'x': {0: 'batch'}})\n"
        "try:\n    hub.load_exported(out)\nexcept Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("MissingExtra This needs 'torch', which is not installed.")
    assert hub.load_exported(tmp_path / "out")(torch.ones(3, 4))["scores"].shape == (3, 3)
    assert wanted.environment == Path(sys.executable)
