"""visual-question-answering beside transformers' ViLT, tiny and seeded: equal by 2e-5."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if not find_spec("transformers") or not find_spec("PIL"):
    pytest.skip("needs transformers and Pillow", allow_module_level=True)

from PIL import Image

from reprise.base.errors import InvalidInput
from reprise.tasks import pipeline
from tests.pipeline_models import VOCABULARY, save, word_pieces

pytestmark = pytest.mark.filterwarnings("ignore")
ASKED = ["where is my card ?", "lost", "what is the new card for now ?"]
SIZES = [(64, 40), (40, 64), (64, 40)]


def image(seed: int) -> Image.Image:
    drawn = np.random.default_rng(seed)
    width, height = SIZES[seed]
    return Image.fromarray(drawn.integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    import torch
    from transformers import ViltConfig, ViltForQuestionAnswering, ViltImageProcessorPil

    folder = tmp_path_factory.mktemp("vilt")
    config = ViltConfig(
        vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=48, image_size=32, patch_size=8, initializer_range=0.4,
        id2label={0: "yes", 1: "no", 2: "two", 3: "blue"},
    )  # fmt: skip
    torch.manual_seed(3)
    model = ViltForQuestionAnswering(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    model.save_pretrained(folder)
    word_pieces(40).save_pretrained(folder)
    processor = ViltImageProcessorPil(size={"shortest_edge": 32}, size_divisor=8)
    processor.save_pretrained(folder)
    told = json.loads((folder / "preprocessor_config.json").read_text())
    told["image_processor_type"] = "ViltImageProcessor"
    (folder / "preprocessor_config.json").write_text(json.dumps(told))
    return folder, model, processor


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_answers_are_those_of_the_reference(reference: tuple[Path, Any, Any], engine: str) -> None:
    import torch

    folder, model, processor = reference
    pipe = pipeline(model=folder, engine=engine)
    assert pipe.task == "visual-question-answering"
    expected = []
    for seed, question in enumerate(ASKED):
        given = pipe.tokenizer(question)
        pixels = processor(image(seed), return_tensors="pt")
        ids = {name: torch.tensor([given[name]]) for name in ("input_ids", "token_type_ids")}
        with torch.no_grad():
            logits = model(**ids, **pixels).logits[0]
        scores, order = logits.sigmoid().topk(3)
        expected.append([(model.config.id2label[int(at)], pytest.approx(float(score), abs=2e-5))
                         for score, at in zip(scores, order, strict=True)])  # fmt: skip

    def shown(found: Any) -> Any:
        return [[(it["answer"], it["score"]) for it in each] for each in found]

    images = [image(seed) for seed in range(3)]
    assert shown([pipe(images[0], ASKED[0], top_k=3)]) == expected[:1]
    assert shown(pipe(image=images, question=ASKED, top_k=3)) == expected
    pairs = [{"image": one, "question": text} for one, text in zip(images, ASKED, strict=True)]
    assert shown(pipe(pairs, top_k=3)) == expected
    assert shown([pipe(pairs[1], top_k=3)]) == expected[1:2]
    assert len(pipe(images[0], ASKED)) == len(ASKED)


def test_what_cannot_be_asked_is_refused(reference: tuple[Path, Any, Any], tmp_path: Path) -> None:
    pipe = pipeline(model=reference[0])
    narrow = Image.new("RGB", (4000, 2))
    for given in (({"image": image(0)},), (image(0), 3), (image(0), "card " * 60),
                  ([image(0)] * 2, ["a", "b", "c"]), (narrow, "why ?")):  # fmt: skip
        with pytest.raises(InvalidInput):
            pipe(*given)
    save(tmp_path, "BertForQuestionAnswering")
    with pytest.raises(InvalidInput):
        pipeline("visual-question-answering", tmp_path)
