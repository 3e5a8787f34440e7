"""The features of a data set: by column, to and from Arrow schemas, JSON and cards."""

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import InvalidFormat, InvalidInput
from reprise.data.types import (
    Array,
    ClassLabel,
    Json,
    LargeList,
    List,
    Media,
    Sequence,
    Translation,
    TranslationVariableLanguages,
    Value,
    arrow_of,
    feature_of,
)

METADATA = b"huggingface"
_MEDIA = frozenset({"Image", "Audio", "Video", "Pdf", "Mesh", "Nifti"})
_DEEPEST = 64  # of types in types; a hostile card could nest for ever


class Features(dict[str, Any]):
    """Column name -> feature, in the order of the columns.

    Example:
        >>> Features({"label": ClassLabel(names=["no", "yes"])}).arrow_schema.types
        [DataType(int64)]
    """

    @property
    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema, with the `huggingface` metadata that `datasets` reads."""
        return self.bare_schema.with_metadata(self.metadata)

    @property
    def bare_schema(self) -> pa.Schema:
        """The Arrow schema without metadata."""
        return pa.schema([(name, arrow_of(feature)) for name, feature in self.items()])

    @property
    def metadata(self) -> dict[bytes, bytes]:
        """What stands in the metadata of Arrow and Parquet files."""
        text = json.dumps({"info": {"features": self.to_dict()}})
        return {METADATA: text.encode()}

    @property
    def type(self) -> pa.DataType:
        """The Arrow struct of one row."""
        return pa.struct(list(self.bare_schema))

    @classmethod
    def from_arrow_schema(cls, schema: pa.Schema) -> "Features":
        """Read a schema: its metadata where that fits the columns, their types elsewhere."""
        stated = _stated(schema.metadata or {})
        found = cls()
        for field in schema:
            feature = stated.get(field.name)
            fits = feature is not None and _fits(feature, field.type)
            found[field.name] = feature if fits else feature_of(field.type)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the plain form that `datasets` writes into metadata."""
        return {name: _encode(feature) for name, feature in self.items()}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "Features":
        """Read the plain form.

        Raises:
            InvalidFormat: It is not that form.
        """
        return cls({str(name): _decode(inner, 0) for name, inner in value.items()})

    def to_yaml(self) -> list[dict[str, Any]]:
        """Return the form that stands in cards, below `dataset_info: features:`."""
        listed: list[dict[str, Any]] = _yaml(self.to_dict())["struct"]
        return listed

    @classmethod
    def from_yaml(cls, value: Any) -> "Features":
        """Read the form of cards.

        Raises:
            InvalidFormat: It is not that form.
        """
        if not isinstance(value, list):
            raise InvalidFormat("The features of a card must be a list of 'name:' and 'dtype:'.")
        return cls({name: _from_yaml(inner, 0) for name, inner in _named(value)})

    def copy(self) -> "Features":
        """Return a copy that may be changed."""
        return Features(copy.copy(dict(self)))


def _stated(metadata: Mapping[bytes, bytes]) -> dict[str, Any]:
    """Return what metadata says; metadata that cannot be read says nothing."""
    try:
        value = json.loads(metadata[METADATA])["info"]["features"]
        return dict(Features.from_dict(value)) if value else {}
    except (KeyError, ValueError, TypeError, RecursionError, InvalidInput):
        return {}


def _fits(feature: Any, type_: pa.DataType) -> bool:
    while isinstance(type_, pa.BaseExtensionType):
        type_ = type_.storage_type
    wanted = arrow_of(feature)
    return bool(wanted == type_) or _same_but_names(wanted, type_)


def _same_but_names(a: pa.DataType, b: pa.DataType) -> bool:
    """Compare types without what items of lists are called (Parquet says `element`)."""
    if pa.types.is_list(a) and pa.types.is_list(b):
        return _same_but_names(a.value_type, b.value_type)
    if pa.types.is_struct(a) and pa.types.is_struct(b):
        return a.num_fields == b.num_fields and all(
            x.name == y.name and _same_but_names(x.type, y.type) for x, y in zip(a, b, strict=True)
        )
    return bool(a == b)


def _encode(feature: Any) -> Any:  # noqa: C901, PLR0911 - a line per kind
    match feature:
        case Mapping():
            return {name: _encode(inner) for name, inner in feature.items()}
        case list() | tuple():
            return _encode(List(feature[0]))
        case Value():
            return {"dtype": feature.dtype, "_type": "Value"}
        case ClassLabel():
            return {"names": list(feature.names), "_type": "ClassLabel"}
        case List():
            length = {"length": feature.length} if feature.length >= 0 else {}
            return {"feature": _encode(feature.feature), **length, "_type": "List"}
        case LargeList():
            return {"feature": _encode(feature.feature), "_type": "LargeList"}
        case Array():
            return {"shape": list(feature.shape), "dtype": feature.dtype, "_type": feature.kind}
        case Translation():
            return {"languages": list(feature.languages), "_type": "Translation"}
        case TranslationVariableLanguages():
            languages = list(feature.languages)
            return {"languages": languages, "num_languages": len(languages), "_type": feature.kind}
        case Media():
            return {**dict(feature.options), "_type": feature.kind}
        case Json():
            return {"_type": "Json"}
    raise InvalidInput(f"{feature!r} is no feature.")


def _decode(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise InvalidFormat(f"Features are nested deeper than {_DEEPEST} levels.")
    if isinstance(value, list) and len(value) == 1:
        return List(_decode(value[0], depth + 1))
    if not isinstance(value, Mapping):
        raise InvalidFormat(f"Not the description of a feature: {str(value)[:80]!r}.")
    kind = value.get("_type")
    if not isinstance(kind, str):
        return {str(name): _decode(inner, depth + 1) for name, inner in value.items()}
    try:
        return _decode_kind(kind, value, depth)
    except (KeyError, TypeError) as error:
        raise InvalidFormat(f"The description of a {kind} is broken: {error}.") from None


def _decode_kind(kind: str, value: Mapping[str, Any], depth: int) -> Any:  # noqa: PLR0911
    match kind:
        case "Value":
            feature = Value(str(value["dtype"]))
            arrow_of(feature)
            return feature
        case "ClassLabel":
            names = value.get("names")
            return ClassLabel(names=tuple(names)) if names else ClassLabel(value["num_classes"])
        case "List" | "Sequence":
            make = List if kind == "List" else Sequence
            length = value.get("length")
            return make(_decode(value["feature"], depth + 1), -1 if length is None else int(length))
        case "LargeList":
            return LargeList(_decode(value["feature"], depth + 1))
        case "Translation":
            return Translation(tuple(value["languages"]))
        case "TranslationVariableLanguages":
            return TranslationVariableLanguages(tuple(value.get("languages") or ()))
        case "Json":
            return Json()
    if kind in _MEDIA:
        options = {key: inner for key, inner in value.items() if key != "_type"}
        return Media(kind, tuple(sorted(options.items())))
    if re.fullmatch(r"Array[2-5]D", kind) and len(value["shape"]) == int(kind[5]):
        return Array(tuple(value["shape"]), str(value["dtype"]))
    raise InvalidFormat(f"There is no feature {kind[:40]!r}.")


def _snake(name: str) -> str:
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _yaml(value: Any) -> dict[str, Any]:
    """Turn the plain form into the form of cards, as `datasets` does."""
    rest = {key: inner for key, inner in value.items() if key != "_type"}
    kind = value.get("_type")
    if not isinstance(kind, str):
        return {"struct": [{"name": name, **_yaml(inner)} for name, inner in value.items()]}
    if kind == "Value":
        return rest
    if kind in {"List", "LargeList"}:
        inner = _yaml(rest.pop("feature"))
        for only in ("dtype", "struct"):
            if list(inner) == [only]:
                inner = inner[only]
                break
        return {_snake(kind): inner, **rest}
    if kind == "ClassLabel":
        rest["names"] = {str(number): name for number, name in enumerate(rest["names"])}
    return {"dtype": {_snake(kind): rest}} if rest else {"dtype": _snake(kind)}


def _named(value: list[Any]) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for item in value:
        if not isinstance(item, Mapping) or "name" not in item:
            raise InvalidFormat("Every feature of a card needs a 'name:'.")
        found.append((str(item["name"]), {k: v for k, v in item.items() if k != "name"}))
    return found


def _from_yaml(value: Any, depth: int) -> Any:  # noqa: C901, PLR0911 - a line per shape
    if depth > _DEEPEST:
        raise InvalidFormat(f"Features are nested deeper than {_DEEPEST} levels.")
    if isinstance(value, str):
        return _decode_kind(_camel(value), {}, depth) if _is_kind(value) else _checked(value)
    if isinstance(value, list):
        return {name: _from_yaml(inner, depth + 1) for name, inner in _named(value)}
    if not isinstance(value, Mapping) or not value:
        raise InvalidFormat(f"Not the description of a feature: {str(value)[:80]!r}.")
    if "large_list" in value:
        return LargeList(_from_yaml(value["large_list"], depth + 1))
    for key, make in (("list", List), ("sequence", Sequence)):
        if key in value:
            length = value.get("length")
            return make(_from_yaml(value[key], depth + 1), -1 if length is None else int(length))
    if "struct" in value:
        return _from_yaml(value["struct"], depth + 1)
    if "dtype" in value:
        return _from_yaml(value["dtype"], depth + 1)
    kind, options = next(iter(value.items()))
    if kind == "class_label" and isinstance(options, Mapping):
        options = {**options, "names": _label_names(options.get("names"))}
    return _decode({**options, "_type": _camel(kind)}, depth + 1)


def _is_kind(text: str) -> bool:
    return _camel(text) in _MEDIA | {"Json"}


def _checked(dtype: str) -> Value:
    feature = Value(dtype)
    arrow_of(feature)
    return feature


def _label_names(names: Any) -> list[str] | None:
    if not isinstance(names, Mapping):
        return names if names is None else [str(name) for name in names]
    try:
        ordered = sorted(names, key=int)
        numbers = [int(key) for key in ordered]
    except ValueError:
        raise InvalidFormat("The names of a class_label are listed by number.") from None
    if numbers != list(range(len(numbers))):
        raise InvalidFormat("The names of a class_label must be numbered from 0 without gaps.")
    return [str(names[key]) for key in ordered]
