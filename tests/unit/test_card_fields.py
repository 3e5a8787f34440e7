import re
from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import model_index_to_eval_results

from reprise.base.ids import RepoType
from reprise.formats.card import Problem, check, validate

MODEL, DATASET, SPACE = RepoType.MODEL, RepoType.DATASET, RepoType.SPACE
RESULT = {
    "task": {"type": "text-classification"},
    "dataset": {"type": "glue", "name": "GLUE"},
    "metrics": [{"type": "accuracy", "value": 0.9}],
}


def errors(data, repo_type=MODEL):
    return [found.message for found in validate(data, repo_type) if found.severity == "error"]


def warnings(data, repo_type=MODEL):
    return [found.message for found in validate(data, repo_type) if found.severity == "warning"]


def test_a_full_model_card_is_fine():
    data = {
        "license": "apache-2.0",
        "language": ["en", "no", "gsw", "multilingual"],
        "tags": ["x"],
        "pipeline_tag": "text-classification",
        "library_name": "transformers",
        "datasets": ["glue", "owner/data"],
        "base_model": "google/bert",
        "metrics": ["accuracy"],
        "model-index": [{"name": "m", "results": [RESULT]}],
        "anything else": {"is": ["kept"]},
    }
    assert validate(data, MODEL) == []


def test_a_full_dataset_card_is_fine():
    data = {
        "license": ["mit", "cc-by-4.0"],
        "task_categories": ["text-classification"],
        "size_categories": "1K<n<10K",
        "configs": [
            {"config_name": "a", "data_files": "a/*.csv"},
            {"config_name": "b", "data_files": [{"split": "train", "path": ["b.csv"]}]},
        ],
        "dataset_info": {"features": [{"name": "text", "dtype": "string"}]},
    }
    assert validate(data, DATASET) == []


def test_an_unknown_licence_is_refused_as_clients_expect():
    [message] = errors({"license": "asdf"})
    assert message.startswith('"license" must be one of [apache-2.0, mit, ')
    assert message.endswith("write 'license: other' with license_name and license_link.")


def test_another_licence_wants_its_name():
    assert warnings({"license": "other"}) == [
        '"license: other" needs "license_name", and "license_link" to its text'
    ]
    assert validate({"license": "other", "license_name": "mine"}, MODEL) == []


@pytest.mark.parametrize("language", ["english", "e", "xx", 5, ["en", None], {"en": 1}])
def test_a_wrong_language_is_refused(language):
    assert len(errors({"language": language})) == 1


def test_a_bcp47_language_is_only_warned_about():
    assert errors({"language": "pt-BR"}) == []
    assert len(warnings({"language": "pt-BR"})) == 1


@pytest.mark.parametrize(
    ("data", "repo_type", "message"),
    [
        ({"tags": "a, b"}, MODEL, '"tags" must be an array: write one "- tag" line for each'),
        ({"tags": [1]}, MODEL, '"tags[0]" must be a string (put quotes around 1)'),
        ({"pipeline_tag": ["a"]}, MODEL, '"pipeline_tag" must be a string (put quotes around it)'),
        ({"datasets": [{}]}, MODEL, '"datasets" must be a string or an array of strings'),
        ({"base_model": "../x"}, MODEL, '"base_model" with value "../x" is not a repo id like'),
        ({"configs": "a"}, DATASET, '"configs" must be an array of mappings with config_name'),
        (
            {"configs": [{"config_name": "a"}, {"config_name": "a"}]},
            DATASET,
            "\"configs[1].config_name\" 'a' occurs twice",
        ),
        (
            {"configs": [{"data_files": [{"path": "x"}]}]},
            DATASET,
            '"configs[0].data_files" must be a path, an array of paths, or an array of mappings',
        ),
        ({"sdk": "cobol"}, SPACE, '"sdk" must be one of [gradio, docker, static, streamlit]'),
    ],
)
def test_a_wrong_type_is_refused(data, repo_type, message):
    [found] = errors(data, repo_type)
    assert found.startswith(message)


def test_unknown_tasks_are_warned_about():
    assert warnings({"pipeline_tag": "mind-reading"}) == [
        "\"pipeline_tag\" 'mind-reading' is no known task; see /api/tasks for the list"
    ]
    [message] = warnings({"task_categories": "mind-reading"}, DATASET)
    assert message.startswith('The task_categories "mind-reading" is not in the official list: ')


@pytest.mark.parametrize("key", ["self", "ignore_metadata_errors", "__class__", "get"])
def test_keys_that_break_readers_are_warned_about(key):
    assert warnings({key: 1}) == [f'"{key}" is a name that programs keep; it is left out']


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("x", '"model-index" must be an array of models'),
        (["x"], '"model-index[0]" must be a mapping with name and results'),
        ([{"results": []}], '"model-index[0].name" is required and must be a string'),
        ([{"name": "m"}], '"model-index[0].results" is required and must be an array'),
        (
            [{"name": "m", "results": [{**RESULT, "task": {}}]}],
            '"model-index[0].results[0].task.type" is required and must be a string',
        ),
        (
            [{"name": "m", "results": [{**RESULT, "dataset": {"type": "x"}}]}],
            '"model-index[0].results[0].dataset.name" is required and must be a string',
        ),
        (
            [{"name": "m", "results": [{**RESULT, "metrics": [{"type": "f1"}]}]}],
            '"model-index[0].results[0].metrics[0].value" is required',
        ),
        (
            [{"name": "m", "results": [{**RESULT, "source": {"name": "s"}}]}],
            '"model-index[0].results[0].source.url" is required beside a source and must be',
        ),
    ],
)
def test_a_model_index_that_readers_trip_over_is_refused(index, message):
    [found] = errors({"model-index": index})
    assert found.startswith(message)


def test_a_model_index_that_passes_can_be_read_by_the_client():
    index = [{"name": "m", "results": [RESULT, {**RESULT, "source": {"url": "u"}}]}]
    assert errors({"model-index": index}) == []
    name, results = model_index_to_eval_results(index)
    assert (name, len(results)) == ("m", 2)


def test_check_gives_lines_and_puts_errors_first():
    text = "---\npipeline_tag: x\nlicense: asdf\n---\n"
    found = check(text, MODEL)
    assert [(problem.severity, problem.line) for problem in found] == [("error", 3), ("warning", 2)]


def test_check_tells_of_broken_yaml():
    assert check("---\na: b: c\n---\n", MODEL) == [
        Problem(
            "error",
            "The metadata cannot be read: line 2: mapping values are not allowed in this context",
        )
    ]


def test_check_tells_of_missing_and_unclosed_metadata():
    [missing] = check("# Title\n", MODEL)
    assert missing.message.startswith("empty or missing yaml metadata in repo card")
    [unclosed] = check("---\nlicense: mit\n# Title\n", MODEL)
    assert unclosed.message == ("The metadata opens with '---' but no second '---' line closes it.")


def test_the_clients_own_template_is_fine():
    card = ModelCard("---\nlicense: mit\nlanguage: en\n---\n# x\n")
    assert check(str(card), MODEL) == []


def test_the_guide_shows_cards_without_a_problem():
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "cards.md").read_text()
    cards = re.findall(r"^```markdown (\w+)\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE)
    assert [kind for kind, _ in cards] == ["model", "dataset", "space", "metric"]
    for kind, text in cards:
        assert check(text, RepoType(kind)) == []
