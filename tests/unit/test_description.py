import pytest
from huggingface_hub.hf_api import ModelInfo

from reprise.base.ids import RepoType
from reprise.registry.description import Files, describe, safe_for_clients

BERT = {"model_type": "bert", "architectures": ["BertForMaskedLM"]}


def model(readme: str = "", config=None, names=()):
    return describe(RepoType.MODEL, Files(names, readme, config or {}))


def test_a_model_is_tagged_as_on_the_public_hub():
    readme = (
        "---\nlicense: apache-2.0\nlanguage: [en, de]\ntags: [sst2]\ndatasets: [glue]\n"
        "base_model: google/bert\nmodel-index:\n- {name: m, results: []}\n---\n"
        "See https://arxiv.org/abs/1910.01108 and arXiv:1810.04805, again arxiv:1910.01108."
    )
    config = {**BERT, "architectures": ["BertForSequenceClassification"], "auto_map": {}}
    names = [
        "README.md",
        "config.json",
        "model.safetensors",
        "pytorch_model.bin",
        "onnx/model.onnx",
    ]
    found = model(readme, config, names)
    assert found.tags == [
        "transformers",
        "safetensors",
        "pytorch",
        "onnx",
        "bert",
        "text-classification",
        "sst2",
        "model-index",
        "custom_code",
        "en",
        "de",
        "dataset:glue",
        "license:apache-2.0",
        "base_model:google/bert",
        "base_model:finetune:google/bert",
        "arxiv:1910.01108",
        "arxiv:1810.04805",
    ]
    assert (found.pipeline_tag, found.library_name) == ("text-classification", "transformers")


def test_a_dataset_is_tagged_by_its_fields():
    readme = (
        "---\nlicense: mit\nlanguage: en\ntask_categories: [text-classification]\n"
        "size_categories: n<1K\ntags: [sport]\n---\n"
    )
    found = describe(RepoType.DATASET, Files([], readme))
    assert found.tags == [
        "task_categories:text-classification",
        "language:en",
        "license:mit",
        "size_categories:n<1K",
        "sport",
    ]
    assert (found.pipeline_tag, found.library_name) == (None, None)


@pytest.mark.parametrize(
    ("model_type", "architecture", "task"),
    [
        ("bert", "BertForMaskedLM", "fill-mask"),
        ("bert", "BertForPreTraining", "fill-mask"),
        ("bert", "BertModel", "feature-extraction"),
        ("gpt2", "GPT2LMHeadModel", "text-generation"),
        ("llama", "LlamaForCausalLM", "text-generation"),
        ("t5", "T5ForConditionalGeneration", "text2text-generation"),
        ("marian", "MarianMTModel", "translation"),
        ("whisper", "WhisperForConditionalGeneration", "automatic-speech-recognition"),
        ("clip", "CLIPModel", "zero-shot-image-classification"),
        ("vit", "ViTForImageClassification", "image-classification"),
        ("x", "Unheard", None),
    ],
)
def test_the_task_follows_from_the_architecture(model_type, architecture, task):
    found = model(config={"model_type": model_type, "architectures": [architecture]})
    assert (found.pipeline_tag, found.library_name) == (task, "transformers")


@pytest.mark.parametrize(
    ("names", "config", "library"),
    [
        (["modules.json"], BERT, "sentence-transformers"),
        (["adapter_config.json"], {}, "peft"),
        (["model_index.json"], {}, "diffusers"),
        (["config.json"], {"pretrained_cfg": {}, "architecture": "resnet18"}, "timm"),
        (["hubconf.py"], {}, "torch-hub"),
        (["hubconf.py"], BERT, "transformers"),
        (["x.bin"], {}, None),
    ],
)
def test_the_library_follows_from_the_files(names, config, library):
    assert model(names=names, config=config).library_name == library


def test_the_card_has_the_last_word():
    readme = "---\nlibrary_name: mine\npipeline_tag: robotics\n---\n"
    found = model(readme, BERT, ["modules.json"])
    assert (found.pipeline_tag, found.library_name) == ("robotics", "mine")


def test_tags_of_the_card_name_library_and_task():
    found = model("---\ntags: [token-classification, flair]\n---\n")
    assert (found.pipeline_tag, found.library_name) == ("token-classification", "flair")


@pytest.mark.parametrize(
    ("extra", "names", "relation"),
    [
        ("", ["adapter_config.json"], "adapter"),
        ("", ["model-q4.gguf"], "quantized"),
        ("base_model_relation: merge\n", [], "merge"),
    ],
)
def test_the_relation_to_the_base_model_is_told(extra, names, relation):
    found = model(f"---\nbase_model: o/b\n{extra}---\n", names=names)
    assert found.tags[-2:] == ["base_model:o/b", f"base_model:{relation}:o/b"]


def test_a_broken_card_counts_as_an_empty_one():
    found = model("---\na: [\n---\narxiv:1910.01108", BERT)
    assert found.card == {}
    assert found.tags == ["transformers", "bert", "fill-mask", "arxiv:1910.01108"]


@pytest.mark.parametrize(
    "readme",
    [
        "self: 1\nignore_metadata_errors: true\nget: 1\n__class__: 2",
        "tags: 5",
        "tags: {a: b}",
        "model-index: [{name: m, results: [{source: x, task: {type: a}}]}]",
        "model-index: [{name: m, results: [{source: {name: s}, metrics: []}]}]",
        "eval_results: x\nmodel_name: 5",
        "library_name: [x]\npipeline_tag: {a: b}\nlicense: 5\nlanguage: {}\ndatasets: [[1]]",
    ],
)
def test_no_card_makes_the_client_fail(readme):
    found = model(f"---\nkept: 1\n{readme}\n---\n")
    info = ModelInfo(id="o/m", cardData=found.card, tags=found.tags)
    assert info.card_data.get("kept") == 1
    info.card_data.to_dict()


@pytest.mark.parametrize(
    ("body", "first"),
    [
        ("# T\nIt *is* a [small](x) `model_x`.\n\nMore.", "It is a small model_x."),
        ("\n\n![x](y)\n\n| a |\n|---|\n\nProse \x00here.", "Prose here."),
        ("# Only a title", ""),
        ("```bash\nls\n\ncd\n```\n\n- a\n- b\n\n> c\n\nProse.", "Prose."),
        ("word " * 500, ("word " * 60).strip()),
    ],
)
def test_the_summary_is_the_first_prose(body, first):
    assert model(f"---\nlicense: mit\n---\n{body}").summary.strip() == first


def test_tags_are_bounded_and_clean():
    tags = "\n".join(f"- t{n}" for n in range(3000))
    found = model(f"---\nlicense: mit\ntags:\n- ' a '\n- {'x' * 300}\n- \"b\\nc\"\n{tags}\n---\n")
    assert found.tags[:2] == ["a", "t0"]
    assert len(found.tags) == 1000


def test_safe_metadata_keeps_everything_else():
    data = {"tags": "one", "x": {"self": 1}, "model-index": [{"name": "m", "results": []}]}
    assert safe_for_clients(data) == {**data, "tags": ["one"]}
