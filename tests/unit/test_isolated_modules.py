"""A module in a worker is used like a module here. Needs torch; `make clients` has it."""

import copy
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

import reprise
from reprise.base.errors import InvalidInput, ObjectGone, WorkerCrashed
from reprise.hub import Isolation
from reprise.isolate.limits import Level
from tests.sandboxes import skip_unless_available

torch = pytest.importorskip("torch")

HUBCONF = '''
dependencies = ["torch"]
import os, signal
import torch
from torch import nn

class Net(nn.Module):
    conf = 0.25
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
        self.head = nn.Linear(8, 2)
        self.register_buffer("scale", torch.tensor(2.0))
    def forward(self, x, double=False):
        y = self.head(self.body(x)) * self.scale
        return {"scores": y, "double": y * 2} if double else y
    def embed(self, x):
        return self.body(x)
    def crash(self):
        os.kill(os.getpid(), signal.SIGKILL)

def net(seed=0):
    """A small net."""
    torch.manual_seed(seed)
    return Net()

def pair():
    return net(), str.upper

def steal():
    return open("/etc/passwd").read()
'''


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "hubconf.py").write_text(HUBCONF)
    return folder


@pytest.fixture(params=["trusted", "untrusted"])
def isolation(request: pytest.FixtureRequest) -> Isolation:
    if request.param == "untrusted":
        skip_unless_available(Level.RULES)
    return Isolation(trusted=request.param == "trusted", environment=Path(sys.executable))


@pytest.fixture
def model(repo: Path, isolation: Isolation) -> Any:
    return reprise.load(str(repo), "net", isolated=isolation, seed=1)


@pytest.fixture
def local() -> Any:
    names: dict[str, Any] = {}
    exec(compile(HUBCONF, "hubconf.py", "exec"), names)
    return names["net"](1)


def test_it_is_a_module_and_computes_the_same(model: Any, local: Any) -> None:
    x = torch.rand(3, 4)
    assert isinstance(model, torch.nn.Module)
    with torch.no_grad():
        torch.testing.assert_close(model(x), local(x), rtol=0, atol=0)
        both = model(x, double=True)
    torch.testing.assert_close(both["double"], both["scores"] * 2)


def test_weights_are_pulled_and_pushed(model: Any, local: Any) -> None:
    state = model.state_dict()
    assert list(state) == list(local.state_dict())
    for name, tensor in local.state_dict().items():
        torch.testing.assert_close(state[name], tensor, rtol=0, atol=0)
    answer = model.load_state_dict({name: tensor * 0 for name, tensor in state.items()})
    assert answer.missing_keys == []
    assert model(torch.ones(1, 4)).abs().sum() == 0


def test_parameters_can_be_counted(model: Any, local: Any) -> None:
    shapes = [(name, tuple(p.shape)) for name, p in model.named_parameters()]
    assert shapes == [(name, tuple(p.shape)) for name, p in local.named_parameters()]
    assert sum(p.numel() for p in model.parameters()) == 58


def test_modes_are_forwarded(model: Any) -> None:
    assert model.eval() is model
    assert (model.training, model.body.training) == (False, False)
    assert model.half() is model
    assert model.state_dict()["head.weight"].dtype == torch.float16
    assert model.to(torch.bfloat16)(torch.ones(1, 4, dtype=torch.bfloat16)).dtype == torch.bfloat16


def test_attributes_methods_and_parts_are_forwarded(model: Any, local: Any) -> None:
    assert model.conf == 0.25
    model.conf = 0.5
    assert model.conf == 0.5
    torch.testing.assert_close(
        model.embed(torch.ones(1, 4)), local.embed(torch.ones(1, 4)).detach()
    )
    assert isinstance(model.head, torch.nn.Module)
    assert model.head.out_features == 2
    assert repr(model).startswith("Net(\n  (body): Sequential(")


def test_hooks_see_inputs_and_outputs(model: Any) -> None:
    seen = []
    model.register_forward_hook(lambda _module, args, output: seen.append((args[0], output)))
    x = torch.ones(1, 4)
    output = model(x)
    assert seen[0][0] is x
    assert seen[0][1] is output


def test_gradients_are_refused_not_lost(model: Any) -> None:
    x = torch.ones(1, 4, requires_grad=True)
    with pytest.raises(InvalidInput, match="No gradients flow through a worker"):
        model(x)
    with torch.no_grad():
        assert not model(x).requires_grad


def test_it_is_loaded_again_after_a_crash(model: Any) -> None:
    x = torch.ones(1, 4, dtype=torch.float16)
    before = model.half().eval()(x)
    with pytest.raises(WorkerCrashed, match="SIGKILL"):
        model.crash()
    torch.testing.assert_close(model(x), before, rtol=0, atol=0)


def test_changed_weights_are_never_silently_lost(model: Any) -> None:
    model.load_state_dict(model.state_dict())
    with pytest.raises(WorkerCrashed):
        model.crash()
    with pytest.raises(ObjectGone, match="its worker ended"):
        model(torch.ones(1, 4))


def test_it_can_be_copied_and_pickled(model: Any) -> None:
    x = torch.ones(1, 4, dtype=torch.float64)
    model.double()
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        torch.testing.assert_close(twin(x), model(x), rtol=0, atol=0)
        assert twin._worker.start().pid != model._worker.start().pid or twin is not model
    model.conf = 1.0
    with pytest.raises(InvalidInput, match="its state was changed"):
        pickle.dumps(model)


def test_modules_among_other_results_work_too(repo: Path, isolation: Isolation) -> None:
    model, shout = reprise.load(str(repo), "pair", isolated=isolation)
    assert model(torch.ones(2, 4)).shape == (2, 2)
    assert shout("loud") == "LOUD"


@pytest.mark.parametrize(
    "tensor",
    [torch.arange(6).view(2, 3).T, torch.rand(4, 5)[:, ::2], torch.tensor(3.5),
     torch.empty(0, 3), torch.rand(3).bfloat16(), torch.rand(3, dtype=torch.complex64).conj(),
     torch.tensor([True]), torch.rand(300, 300).half(), torch.ones(2, 3).expand(4, 2, 3)],
    ids=lambda t: f"{t.dtype}-{tuple(t.shape)}",
)  # fmt: skip
def test_tensors_of_all_kinds_travel(model: Any, tensor: torch.Tensor) -> None:
    found = model._worker.request("echo", {"value": [tensor, tensor.dtype, tensor.device]})
    assert found[1:] == [tensor.dtype, tensor.device]
    torch.testing.assert_close(found[0], tensor, rtol=0, atol=0)


def test_tensors_that_cannot_travel_are_refused(model: Any) -> None:
    with pytest.raises(InvalidInput, match="cannot travel"):
        model(torch.ones(2, 2).to_sparse())
    with pytest.raises(InvalidInput, match="cannot travel"):
        model(torch.ones(2, 2, device="meta"))
    assert model(torch.ones(1, 4)).shape == (1, 2)


def test_what_a_module_keeps_stays_as_it_was(repo: Path, isolation: Isolation) -> None:
    (repo / "hubconf.py").write_text(
        "import torch\nclass Keep(torch.nn.Module):\n"
        " def forward(self, x):\n"
        "  self.first = getattr(self, 'first', x)\n  return self.first[0, 0]\n"
        "def keep():\n return Keep()\n"
    )
    model = reprise.load(str(repo), "keep", isolated=isolation)
    found = [float(model(torch.full((200, 200), float(n)))) for n in range(5)]
    assert found == [0, 0, 0, 0, 0]


def test_untrusted_code_cannot_read_the_machine(repo: Path) -> None:
    skip_unless_available(Level.RULES)
    wanted = Isolation(environment=Path(sys.executable))
    with pytest.raises(Exception, match="Error: "):
        reprise.load(str(repo), "steal", isolated=wanted)
