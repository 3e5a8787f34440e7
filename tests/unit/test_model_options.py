"""How a model is loaded: which combinations of engine, type and device there are."""

from pathlib import Path
from typing import Any

import pytest

from reprise.base.errors import InvalidInput
from reprise.models import AutoModel
from reprise.models.options import usual_device, usual_dtype
from reprise.tasks import pipeline
from tests.pipeline_models import save


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("model"), "BertModel")


def test_types_and_devices_have_other_names_too() -> None:
    names = ("fp32", "bf16", "fp16", "int8", None)
    assert [usual_dtype(n) for n in names] == ["float32", "bfloat16", "float16", "int8", None]
    assert [usual_device(d) for d in (-1, 0, 3, "cpu")] == ["cpu", "cuda:0", "cuda:3", "cpu"]


@pytest.mark.parametrize(
    "load", [AutoModel.from_pretrained, lambda *a, **k: pipeline(None, *a, **k)]
)
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"engine": "onnx", "dtype": "bf16"}, "in float32, int8 or int4, not in bfloat16"),
        ({"engine": "onnx", "dtype": "bogus"}, "in float32, int8 or int4, not in bogus"),
        ({"engine": "onnx", "device": "cuda"}, "on the CPU, not on cuda"),
        ({"engine": "onnx", "threads": "all"}, "threads is 'all'"),
        ({"engine": "torch", "dtype": "int4"}, "The torch engine knows no type of weights 'int4'"),
        ({"engine": "torch", "dtype": "bogus"}, "'bogus' is no type of weights"),
        ({"engine": "torch", "device": "bogus"}, "'bogus' is no device"),
        ({"engine": "torch", "device": 99}, "torch has no device 'cuda:99' here"),
        ({"engine": "jax"}, "There is no engine 'jax'"),
    ],
)
def test_what_cannot_be_together_is_refused(
    folder: Path, load: Any, given: dict[str, Any], message: str
) -> None:
    if given["engine"] == "torch":
        pytest.importorskip("torch")
    with pytest.raises(InvalidInput, match=message):
        load(folder, **given)


def test_bf16_is_torchs(folder: Path) -> None:
    pytest.importorskip("torch")
    assert pipeline(model=folder, dtype="bf16", device=-1).model.engine == "torch"
    assert pipeline(model=folder, dtype="fp32", device=-1).model.engine == "onnx"


def test_pipelines_are_told_as_transformers_are(folder: Path) -> None:
    pytest.importorskip("torch")
    for told in (
        {"torch_dtype": "bfloat16"},
        {"model_kwargs": {"torch_dtype": "bfloat16", "x": 1}},
    ):
        assert str(pipeline(model=folder, **told).model.dtype) == "torch.bfloat16"
    assert pipeline(model=folder, torch_dtype="auto", model_kwargs=None).model.engine == "onnx"
    wrong: list[dict[str, Any]] = [{"model_kwargs": 5}, {"tokenizer": 5}]
    for told in wrong:
        with pytest.raises(InvalidInput, match=r"model_kwargs is a mapping|tokenizer must be"):
            pipeline(model=folder, **told)
