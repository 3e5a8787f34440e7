"""What is callable by custom, where only running the code would tell for sure."""

import sys
from collections.abc import Iterator

from reprise.hub.manifest.attributes import find_in_class, mro
from reprise.hub.manifest.values import (
    MAYBE,
    MISSING,
    Class,
    External,
    Function,
    Instance,
    Made,
    Partial,
    Value,
)

# Modules that are taken from libraries with `from … import` all the time.
_MODULES = frozenset(
    "concurrent.futures importlib.metadata importlib.resources importlib.util os.path "
    "torch.autograd torch.backends torch.cuda torch.distributed torch.fft torch.functional "
    "torch.hub torch.jit torch.linalg torch.multiprocessing torch.nn torch.nn.functional "
    "torch.nn.init torch.nn.parallel torch.nn.utils torch.onnx torch.optim torch.utils "
    "torch.utils.checkpoint torch.utils.data torch.utils.model_zoo torchvision.datasets "
    "torchvision.io torchvision.models torchvision.ops torchvision.transforms "
    "torchvision.transforms.functional torchvision.utils typing.TYPE_CHECKING "
    "urllib.error urllib.parse urllib.request xml.etree".split()
)
# Calls whose results cannot be called, by the start of their names.
_DATA_MAKERS = tuple(
    "argparse. collections. json. logging. numpy. omegaconf. os. packaging. pathlib. platform. "
    "random. re. sys. time. torch.arange torch.cuda. torch.device torch.hub.get_dir torch.load "
    "torch.ones torch.tensor torch.zeros yaml.".split()
)
# Classes whose instances cannot be called unless a subclass says so.
_PLAIN_BASES = tuple(
    "abc. argparse. builtins. collections. enum. json. logging. torch.utils.data. typing.".split()
)


def may_be_called(value: Value, name: str) -> bool:
    """Tell whether a name can stand for something callable.

    By custom constants are in capitals, and imported names without `_` are acronyms of models.
    """
    if isinstance(value, Function | Class | Partial):
        return True
    if isinstance(value, Instance):
        return _is_callable_instance(value)
    if isinstance(value, External):
        constant = name.isupper() and "_" in name
        return not (constant or value.is_module or value.dotted in _MODULES)
    if name.isupper():
        return False
    if isinstance(value, Made):
        return not value.by.startswith(_DATA_MAKERS)
    return value is MAYBE


def is_of_standard_library(value: Value) -> bool:
    """Tell whether something outside the repo belongs to Python itself."""
    name = value.dotted if isinstance(value, External) else getattr(value, "by", "")
    return name.partition(".")[0] in sys.stdlib_module_names or name.startswith("builtins.")


def has_torch_base(of: Class) -> bool:
    """Tell whether a class is one of torch's modules, whose instances can be called."""
    return any(base.dotted.startswith("torch.nn.") for base in _external_bases(of))


def _is_callable_instance(value: Instance) -> bool:
    method = find_in_class(value.of, "__call__")
    if method is MISSING:
        return False
    if method is not MAYBE:
        return True
    return any(not base.dotted.startswith(_PLAIN_BASES) for base in _external_bases(value.of))


def _external_bases(of: Class) -> Iterator[External]:
    yield from (base for base in mro(of) if isinstance(base, External))
