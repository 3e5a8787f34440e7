"""A way to run commands in this process and see what they print."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from reprise.cli.main import run


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    def call(*argv: object) -> Done:
        capsys.readouterr()  # what was printed before is not the command's
        code = run([str(arg) for arg in argv])
        printed = capsys.readouterr()
        return Done(code, printed.out, printed.err)

    return call
