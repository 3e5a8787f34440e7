"""Pipelines over images beside transformers', on tiny seeded models: equal by 2e-5."""

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if not (find_spec("transformers") and find_spec("PIL")):
    pytest.skip("needs transformers and pillow", allow_module_level=True)

from PIL import Image

from reprise import models
from reprise.models import Config
from reprise.tasks import pipeline
from tests.parity.test_pipeline_text import assert_same, theirs
from tests.pipeline_models import VOCABULARY, word_pieces

pytestmark = pytest.mark.filterwarnings("ignore")
TOWER = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
         "intermediate_size": 48, "image_size": 32, "patch_size": 8,
         "initializer_range": 0.3}  # fmt: skip
TEXT = {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 4, "intermediate_size": 48, "max_position_embeddings": 64,
        "eos_token_id": 3, "initializer_range": 0.3}  # fmt: skip
LABELS = {
    "id2label": {0: "cat", 1: "dog", 2: "card"}, "label2id": {"cat": 0, "dog": 1, "card": 2}
}  # fmt: skip
VIT = {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}}
CLIP = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 32},
        "crop_size": {"height": 32, "width": 32}}  # fmt: skip
BIT = CLIP | {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 36}}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def save(folder: Path, name: str, config: dict[str, Any], settings: dict[str, Any]) -> Path:
    full = Config({"architectures": [name], **config})
    getattr(models, name)(full, seed=3).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    clip = {"model_type": "clip", "text_config": TEXT, "vision_config": TOWER,
            "projection_dim": 24}  # fmt: skip
    found = {
        "vit": save(root / "vit", "ViTForImageClassification",
                    {"model_type": "vit", **TOWER, **LABELS}, VIT),
        "states": save(root / "states", "ViTModel", {"model_type": "vit", **TOWER}, VIT),
        "dinov2": save(root / "dinov2", "Dinov2ForImageClassification",
                       {"model_type": "dinov2", **TOWER, **LABELS}, BIT),
        "clip": save(root / "clip", "CLIPModel", clip, CLIP),
    }  # fmt: skip
    word_pieces().save_pretrained(found["clip"])
    return found


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Noise and gradients of several shapes and modes, as files."""
    folder, drawn = tmp_path_factory.mktemp("pictures"), np.random.default_rng(5)
    made = []
    for at, (height, width) in enumerate([(40, 60), (33, 20), (32, 32), (90, 35)]):
        noise = drawn.integers(0, 255, (height // 5 + 1, width // 5 + 1, 3), dtype=np.uint8)
        image = Image.fromarray(noise).resize((width, height))
        image = image.convert(["RGB", "RGBA", "L", "P"][at])
        made.append(str(folder / f"{at}.png"))
        image.save(made[-1])
    return made


@pytest.mark.parametrize("engine", ["onnx", "torch"])
@pytest.mark.parametrize("name", ["vit", "dinov2"])
def test_image_classification(
    folders: dict[str, Path], pictures: list[str], name: str, engine: str
) -> None:
    ours = pipeline("image-classification", folders[name], engine=engine)
    reference = theirs("image-classification", folders[name])
    assert_same(ours(pictures), reference(pictures))
    assert_same(ours(pictures[0], top_k=2), reference(pictures[0], top_k=2))
    one = Image.open(pictures[1])
    assert_same(ours(one, function_to_apply="sigmoid"),
                reference(one, function_to_apply="sigmoid"))  # fmt: skip


def test_image_feature_extraction(folders: dict[str, Path], pictures: list[str]) -> None:
    ours = pipeline("image-feature-extraction", folders["states"])
    reference = theirs("image-feature-extraction", folders["states"])
    assert_same(ours(pictures), reference(pictures))
    assert_same(ours(pictures[0], pool=True), reference(pictures[0], pool=True))


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_zero_shot_image_classification(
    folders: dict[str, Path], pictures: list[str], engine: str
) -> None:
    ours = pipeline("zero-shot-image-classification", folders["clip"], engine=engine)
    reference = theirs("zero-shot-image-classification", folders["clip"])
    for labels in (["a lost card", "cash"], ["one"]):
        assert_same(ours(pictures, candidate_labels=labels),
                    reference(pictures, candidate_labels=labels))  # fmt: skip


def test_arrays_are_images_too(folders: dict[str, Path], pictures: list[str]) -> None:
    ours = pipeline("image-classification", folders["vit"])
    array = np.asarray(Image.open(pictures[0]).convert("RGB"))
    assert ours(array) == ours(pictures[0])
    assert_same(ours([array / np.float32(255)]), ours([pictures[0]]))
