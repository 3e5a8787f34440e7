"""Long sums come out the same whatever the number of rows, on several threads of torch too."""

from collections.abc import Iterator

import pytest

torch = pytest.importorskip("torch")

from reprise.models.torch.layers import Linear  # noqa: E402


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("out", "into"), [(384, 1536), (768, 3072), (256, 1024)])
def test_rows_do_not_depend_on_how_many_there_are(out: int, into: int) -> None:
    drawn = torch.Generator().manual_seed(5)
    layer = Linear(out, into)
    layer.weight = torch.nn.Parameter(torch.randn(out, into, generator=drawn) * 0.05)
    layer.bias = torch.nn.Parameter(torch.randn(out, generator=drawn))
    rows = torch.randn(8, 64, into, generator=drawn)
    with torch.inference_mode():
        whole = layer(rows)
        assert all(torch.equal(layer(rows[:n]), whole[:n]) for n in (1, 2, 3, 5))
    torch.testing.assert_close(layer(rows), whole, atol=1e-4, rtol=1e-4)
