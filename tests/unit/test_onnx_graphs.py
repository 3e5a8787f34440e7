"""The graphs as bytes: read back by a reader of their own, and by onnx where it is installed."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from reprise.models.onnx import emit, proto
from reprise.models.onnx.call import Request
from reprise.models.onnx.graph import Graph
from reprise.models.onnx.weights import Spot, Weights
from reprise.models.weights.wire import fields
from tests.model_cases import CASES, Case
from tests.onnx_models import case_named, loaded
from tests.seeded_models import inputs


def empty() -> Graph:
    return Graph(Weights(None, {}))  # type: ignore[arg-type]


def run(graph: Graph, **feeds: np.ndarray) -> list[np.ndarray]:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    found = ort.InferenceSession(graph.model(), options, providers=["CPUExecutionProvider"])
    return list(found.run(None, feeds))


def of(message: bytes, number: int) -> list[bytes]:
    return [part for field, part in fields(message) if field == number and isinstance(part, bytes)]


def test_a_model_names_its_parts() -> None:
    g = empty()
    g.output("y", g.add(g.input("x", proto.FLOAT, ["n"]), g.number(1.5)), 1)
    (graph,) = of(g.model(), 7)
    assert [of(item, 1)[0] for item in of(graph, 11)] == [b"x"]
    assert [of(item, 1)[0] for item in of(graph, 12)] == [b"y"]
    assert [of(item, 4)[0] for item in of(graph, 1)] == [b"Add"]
    assert len(of(graph, 5)) == 1


def test_equal_constants_are_held_once_and_ranks_are_told_apart() -> None:
    g = empty()
    assert g.constant([1, 2]) == g.constant((1, 2))
    assert len({g.constant(0), g.constant([0]), g.constant([[0]]), g.number(0.0)}) == 4
    assert g.constant(range(100)) != g.constant(range(1, 101))


def test_negative_numbers_and_every_type_come_through() -> None:
    g = empty()
    x = g.input("x", proto.FLOAT, ["rows", 4])
    g.output("turned", g.transpose(g.reshape(x, 0, 2, -1), 0, 2, 1), 3)
    g.output("last", g.at(x, -1, 1), 1)
    turned, last = run(g, x=np.arange(8, dtype=np.float32).reshape(2, 4))
    np.testing.assert_array_equal(turned[1], [[4, 6], [5, 7]])
    np.testing.assert_array_equal(last, [3, 7])


def test_one_value_may_be_two_outputs() -> None:
    g = empty()
    x = g.input("x", proto.FLOAT, ["n"])
    doubled = g.add(x, x)
    g.output("a", doubled, 1)
    g.output("b", doubled, 1)
    first, second = run(g, x=np.ones(2, np.float32))
    np.testing.assert_array_equal(first, second)


def test_weights_point_into_the_file(tmp_path: Path) -> None:
    model = loaded(case_named("gpt2"), "Model", tmp_path)
    weights = Weights(model.plan, model.sessions.placed.spots)
    whole = weights.stored(weights.place("layers.0.attn.k.weight"))
    bias = weights.tensor("layers.0.attn.k.bias")
    assert (whole.shape, whole.place[2]) == ((32, 96), 32 * 96 * 4)
    start = model.sessions.placed.spots["h.0.attn.c_attn.bias"].offset
    assert bias.place == ("model.safetensors", start + 32 * 4, 32 * 4)


def test_a_graph_holds_no_weights() -> None:
    plan = loaded_plan("bert")
    spots = {place.stored: Spot("w", 0) for place in plan.places.values()}
    request = Request(inputs=frozenset({"input_ids"}))
    assert len(emit.emit(plan, Weights(plan, spots), request)) < 20_000


def loaded_plan(name: str):
    from reprise.models.config import Config
    from reprise.models.plan import make_plan

    case = case_named(name)
    return make_plan(Config({"model_type": case.model_type, **case.config}), "Model")


FIRST = [pytest.param(case, case.heads[0], id=case.name) for case in CASES]


@pytest.mark.parametrize(("case", "head"), FIRST)
def test_onnx_accepts_every_graph(
    case: Case, head: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx = pytest.importorskip("onnx")
    from reprise.base.errors import NotSupported

    try:
        loaded(case, head, tmp_path)(**inputs(case, head))
    except NotSupported as error:
        pytest.skip(error.message)
    monkeypatch.chdir(tmp_path)  # the checker looks for the weights beside the model
    for path in (tmp_path / "cache").glob("*.onnx"):
        graph = path.read_bytes()
        onnx.checker.check_model(graph)
        onnx.shape_inference.infer_shapes(graph, strict_mode=True)


def kinds(g: Graph) -> list[str]:
    (graph,) = of(g.model(), 7)
    return [of(item, 4)[0].decode() for item in of(graph, 1)]


def test_a_bias_that_somebody_else_reads_stays_before_its_gelu() -> None:
    g = empty()
    x, bias = g.input("x", proto.FLOAT, ["b", "t", 4]), g.constant([1, 2, 3, 4], "float32")
    taken, shared = g.with_bias(x, bias), g.with_bias(g.mul(x, x), bias)
    for number, value in enumerate((taken, shared)):
        g.output(f"gelu{number}", g.op("Gelu", value, domain=proto.CONTRIB), 3)
    g.output("shared", shared, 3)
    assert kinds(g) == ["Mul", "Add", "BiasGelu", "Gelu"]
