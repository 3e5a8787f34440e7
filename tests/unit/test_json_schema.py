"""Schemas that an answer is held to, and those that are refused because it cannot be."""

import json
from typing import Any

import pytest

from reprise.base.errors import InvalidField
from reprise.worker.inside.json_schema import read_schema
from reprise.worker.inside.json_shape import JsonShape

CARD: dict[str, Any] = {
    "title": "Card",
    "type": "object",
    "properties": {
        "owner": {"type": "string"},
        "kind": {"enum": ["gold", "blue", "bl\u00fc"], "type": "string"},
        "fee": {"type": ["number", "null"]},
        "years": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2},
        "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
        "tags": {"type": "object", "additionalProperties": {"$ref": "#/$defs/tag"}},
    },
    "required": ["owner", "kind", "fee"],
    "additionalProperties": False,
    "$defs": {"tag": {"const": 1, "description": "one"}},
}
BASE = {"owner": "ada", "kind": "gold", "fee": -1.5e3}
FITTING = [
    BASE, BASE | {"fee": None}, BASE | {"kind": "bl\u00fc"}, BASE | {"years": [1]},
    BASE | {"years": [-1, 20], "next": BASE | {"next": None}},
    BASE | {"tags": {}}, BASE | {"tags": {"any": 1, "\u00fc": 1}},
]  # fmt: skip
OTHERS: list[Any] = [
    {}, {"owner": "ada", "kind": "gold"}, {"kind": "gold", "owner": "ada", "fee": 1},
    BASE | {"owner": 1}, BASE | {"kind": "red"}, BASE | {"kind": "gol"}, BASE | {"fee": "1"},
    BASE | {"fee": True}, BASE | {"years": []}, BASE | {"years": [1, 2, 3]},
    BASE | {"years": [1.5]}, BASE | {"years": [1e3]}, BASE | {"next": {}}, BASE | {"next": 1},
    BASE | {"more": 1}, BASE | {"tags": {"a": 2}}, BASE | {"tags": {"a": 11}}, [BASE],
]  # fmt: skip


def whole(schema: Any, value: Any, **options: Any) -> bool:
    shape = JsonShape(nodes=read_schema(schema, "schema"))
    state = shape.read(shape.start, json.dumps(value, **options))
    return state is not None and shape.over(state)


@pytest.mark.parametrize("plain", [True, False])
def test_what_fits_can_be_written_and_nothing_else(plain: bool) -> None:
    for value in FITTING[: None if plain else 4]:  # any name may be written as it is, own ones too
        assert whole(CARD, value, ensure_ascii=plain), value
        assert whole(CARD, value, ensure_ascii=plain, indent=2), value
    for value in OTHERS:
        assert not whole(CARD, value, ensure_ascii=plain), value


@pytest.mark.parametrize(
    ("schema", "fitting", "others"),
    [
        ({}, [1, "a", None, {"b": []}], []),
        (True, [[]], []),
        ({"type": "integer"}, [0, -12], [1.5, "1", None]),
        ({"enum": [1, 12, "1", None, True]}, [1, 12, "1", None, True], [121, 2, "12", False]),
        ({"enum": ["a", 1], "type": "string"}, ["a"], [1]),
        ({"const": {"a": [1]}}, [{"a": [1]}], [{"a": [2]}, {}]),
        ({"oneOf": [{"type": "string"}, {"const": "x"}, {"type": "integer"}, {"type": "number"}]},
         ["y", 1.5], [None]),
        ({"allOf": [{"type": "boolean"}]}, [True, False], [None, "true"]),
        ({"properties": {"x": {}}}, [{}, {"x": [1]}], [{"y": 1}]),
        ({"type": "object", "additionalProperties": False}, [{}], [{"x": 1}]),
        ({"type": "object"}, [{}, {"x": {"y": 1}}], [[]]),
        ({"items": {"type": "null"}}, [[], [None, None]], [[1], {}]),
        ({"minItems": 2}, [[1, "a"], [1, 2, 3]], [[], [1]]),
    ],
)  # fmt: skip
def test_kinds_of_values(schema: Any, fitting: list[Any], others: list[Any]) -> None:
    outer = {"type": "object", "properties": {"v": schema}, "required": ["v"]}
    assert all(whole(outer, {"v": value}) for value in fitting)
    assert not any(whole(outer, {"v": value}) for value in others)


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        ([], "schema"), (7, "schema"), ({}, "schema"), ({"type": "string"}, "schema"),
        ({"anyOf": [{"type": "object"}, {"type": "null"}]}, "schema"),
        ({"type": "thing"}, "schema.type"), ({"type": [["x"]]}, "schema.type"),
        ({"type": "object", "patternProperties": {}}, "schema.patternProperties"),
        ({"properties": {"a": {"pattern": "x"}}}, "schema.properties.a.pattern"),
        ({"properties": {"a": {"format": "date"}}}, "schema.properties.a.format"),
        ({"properties": {"a": {"minimum": 1}}}, "schema.properties.a.minimum"),
        ({"properties": {"a": {"items": {"maxLength": 1}}}}, "schema.properties.a.items.maxLength"),
        ({"properties": {"a": False}}, "schema.properties.a"),
        ({"properties": []}, "schema.properties"), ({"required": "a"}, "schema.required"),
        ({"properties": {"a": {}}, "required": ["b"]}, "schema.required"),
        ({"properties": {"a": {"enum": 5}}}, "schema.properties.a.enum"),
        ({"properties": {"a": {"enum": []}}}, "schema.properties.a"),
        ({"properties": {"a": {"enum": list(range(3000))}}}, "schema.properties.a"),
        ({"properties": {"a": {"type": "array", "minItems": -1}}}, "schema.properties.a"),
        ({"properties": {"a": {"minItems": 3, "maxItems": 2}}}, "schema.properties.a"),
        ({"properties": {"a": {"anyOf": [{"type": "object"}, {"properties": {"b": {}}}]}}},
         "schema.properties.a.anyOf.1"),
        ({"properties": {"a": {"anyOf": []}}}, "schema.properties.a.anyOf"),
        ({"properties": {"a": {"anyOf": [{}], "type": "string"}}}, "schema.properties.a.anyOf"),
        ({"properties": {"a": {"allOf": [{}, {}]}}}, "schema.properties.a.allOf"),
        ({"$ref": "#"}, "schema"), ({"$ref": "http://x/y"}, "schema.$ref"),
        ({"$ref": "#/$defs/x", "$defs": {}}, "schema.$ref"),
        ({"$ref": "#/$defs/x", "type": "object", "$defs": {"x": {}}}, "schema.$ref"),
        ({"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"}, "schema.$defs"),
        ({"properties": {str(n): {"type": "null"} for n in range(300)}}, "schema.properties"),
        ({"properties": {str(n): {"prefixItems": []} for n in range(9)}}, "schema.properties.0"),
        ({"$defs": {str(n): {"anyOf": [{"$ref": f"#/$defs/{n + 1}"}] * 2} for n in range(40)}
          | {"40": {"type": "null"}}, "$ref": "#/$defs/0"}, "schema"),
    ],
    ids=lambda it: str(it)[:50],
)  # fmt: skip
def test_what_cannot_be_held_to_is_refused_by_name(schema: Any, field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        read_schema(schema, "schema")
    assert caught.value.field.startswith(field)
    assert len(str(caught.value)) < 500
