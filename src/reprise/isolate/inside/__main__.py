"""Start a worker: `python -I inside/__main__.py SOCKET_FD [MODULE_TO_IMPORT ...]`."""

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

_NAME = "_reprise_worker"


def _load_package() -> None:
    """Make this folder importable under a private name, without touching sys.path."""
    folder = Path(__file__).parent
    spec = spec_from_file_location(
        _NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[_NAME] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    _load_package()
    import_module(_NAME + ".serve").main(int(sys.argv[1]), sys.argv[2:])
