"""Cards written to exhaust memory, crash readers or smuggle objects in."""

import pytest

from reprise.base.errors import InvalidFormat, InvalidInput
from reprise.base.ids import RepoType
from reprise.formats import yaml_json
from reprise.formats.card import check, parse, render


def refusal(yaml: str) -> str:
    with pytest.raises(InvalidFormat) as caught:
        parse(f"---\n{yaml}\n---\n")
    return caught.value.message


def test_an_alias_bomb_is_refused():
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert refusal("\n".join(lines)).endswith("aliases expand to more than this hub accepts")


def test_a_merge_key_bomb_is_refused():
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{n}: &a{n} {{<<: [{','.join([f'*a{n - 1}'] * 20)}]}}" for n in range(1, 10)]
    assert "aliases expand" in refusal("\n".join(lines))


def test_a_long_text_repeated_by_aliases_is_refused():
    yaml = f"a: &a {'x' * 100_000}\nb: [{','.join(['*a'] * 1000)}]"
    assert "aliases expand" in refusal(yaml)


def test_a_value_that_contains_itself_is_refused():
    assert refusal("a: &a [*a]") == "line 2: the alias '*a' contains itself"


def test_deep_nesting_is_refused():
    assert "levels of nesting" in refusal(f"a: {'[' * 100_000}")
    assert "levels of nesting" in refusal("\n".join(" " * n + "a:" for n in range(200)))


def test_depth_through_aliases_is_refused():
    deep = "[" * 40 + "]" * 40
    assert "levels of nesting" in refusal(f"a: &a {deep}\nb: {'[' * 30}*a{']' * 30}")


def test_a_huge_block_is_refused():
    assert "over the limit" in refusal("a: " + "x" * yaml_json.MAX_BYTES)


@pytest.mark.parametrize(
    "yaml",
    [
        "a: !!python/object/apply:os.system [id]",
        "a: !!python/name:os.system",
        "a: !!set {x}",
        "a: !local x",
        "!!python/object:x.Y {a: 1}",
        "a: !!timestamp 2024-01-01",
    ],
)
def test_tags_that_build_objects_are_refused(yaml):
    assert "the tag" in refusal(yaml)


@pytest.mark.parametrize("yaml", ['a: "\\0"', '"\\0": a', "a: \x00", "a: \x07"])
def test_characters_that_databases_refuse_are_refused(yaml):
    assert refusal(yaml).startswith("line ")


def test_lone_surrogates_are_refused():
    assert "line 2" in refusal('a: "\\ud800"')
    assert "invalid YAML" in refusal("a: \ud800")


def test_digits_without_end_stay_text():
    assert parse(f"---\na: {'9' * 100_000}\n---\n").data == {"a": "9" * 100_000}


def test_many_merges_of_a_large_mapping_take_linear_time():
    big = "\n".join(f"k{n}: v" for n in range(20_000))
    merges = ",".join(["*m"] * 20_000)
    card = parse(f"---\nm: &m {{z: 1}}\nx:\n  <<: [{merges}]\n{big}\n---\n")
    assert card.data["x"] == {"z": 1}


def test_render_refuses_what_is_not_json():
    with pytest.raises(InvalidInput):
        render({"a": object()}, "")


@pytest.mark.parametrize("value", [None, 5, "x", [], {}, [None], [[1]], {"a": [{}]}, [{"b": 1}]])
@pytest.mark.parametrize("repo_type", list(RepoType))
def test_no_field_of_any_type_breaks_the_check(value, repo_type):
    fields = (
        "license language tags pipeline_tag library_name datasets base_model model-index configs "
        "dataset_info task_categories size_categories viewer sdk colorFrom pinned metrics title "
        "base_model_relation new_version thumbnail license_name"
    ).split()
    check(render(dict.fromkeys(fields, value), "x"), repo_type)
