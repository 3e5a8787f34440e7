"""What a column holds, in the words that users of `datasets` know, each with its Arrow type."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import InvalidInput
from reprise.data.dtypes import arrow_type, dtype_name

_SHOWN = 5  # names listed in an error


@dataclass(frozen=True)
class Value:
    """One scalar: `Value("int64")`, `Value("timestamp[us, tz=UTC]")`, `Value("string")`."""

    dtype: str
    kind: ClassVar[str] = "Value"

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type."""
        return arrow_type(self.dtype)

    @classmethod
    def of(cls, type_: pa.DataType) -> "Value":
        """Return the feature of an Arrow scalar type."""
        return cls(dtype_name(type_))


@dataclass(frozen=True)
class ClassLabel:
    """A class by number, with the names of all classes; stored as int64.

    Args:
        num_classes: How many there are; names are then "0", "1", …
        names: Their names, in order.
    """

    num_classes: int | None = None
    names: tuple[str, ...] = ()
    kind: ClassVar[str] = "ClassLabel"
    arrow: ClassVar[pa.DataType] = pa.int64()

    def __post_init__(self) -> None:
        names = tuple(str(name) for name in self.names or ())
        if not names and self.num_classes is not None:
            names = tuple(str(number) for number in range(self.num_classes))
        if len(set(names)) != len(names):
            raise InvalidInput("The names of a ClassLabel must differ from each other.")
        if self.num_classes is not None and self.num_classes != len(names):
            raise InvalidInput(
                f"num_classes is {self.num_classes}, but there are {len(names)} names."
            )
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "num_classes", len(names))

    def str2int(self, values: Any) -> Any:
        """Turn a name, or several, into numbers.

        Raises:
            InvalidInput: There is no such class.
        """
        if isinstance(values, str):
            return self._number(values)
        return [None if value is None else self._number(value) for value in values]

    def int2str(self, values: Any) -> Any:
        """Turn a number, or several, into names.

        Raises:
            InvalidInput: There is no such class.
        """
        if isinstance(values, int):
            return self._name(values)
        return [None if value is None else self._name(int(value)) for value in values]

    def _number(self, name: Any) -> int:
        text = str(name).strip()
        for candidate in (str(name), text):
            if candidate in self.names:
                return self.names.index(candidate)
        try:
            number = int(text)
        except ValueError:
            number = -1
        if 0 <= number < len(self.names):
            return number
        shown = ", ".join(self.names[:_SHOWN])
        raise InvalidInput(f"{text[:80]!r} is no class; there are {len(self.names)}: {shown} …")

    def _name(self, number: int) -> str:
        if not 0 <= number < len(self.names):
            raise InvalidInput(f"{number} is no class; there are {len(self.names)}, from 0.")
        return self.names[number]


@dataclass(frozen=True)
class List:
    """A list of one feature; of a fixed length when `length` is not -1."""

    feature: Any
    length: int = -1
    kind: ClassVar[str] = "List"

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type."""
        item = pa.field("item", arrow_of(self.feature))
        return pa.list_(item, self.length) if self.length >= 0 else pa.list_(item)


@dataclass(frozen=True)
class LargeList:
    """A list with 64-bit offsets."""

    feature: Any
    kind: ClassVar[str] = "LargeList"

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type."""
        return pa.large_list(pa.field("item", arrow_of(self.feature)))


@dataclass(frozen=True)
class Array:
    """An array of numbers with a fixed shape; the first dimension may be None."""

    shape: tuple[int | None, ...]
    dtype: str

    @property
    def kind(self) -> str:
        """`Array2D` to `Array5D`."""
        return f"Array{len(self.shape)}D"

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type: lists in lists."""
        found = arrow_type(self.dtype)
        for _ in self.shape:
            found = pa.list_(pa.field("item", found))
        return found


def _array(dimensions: int, shape: Any, dtype: str) -> Array:
    if len(shape) != dimensions:
        raise InvalidInput(f"Array{dimensions}D has {dimensions} dimensions, not {tuple(shape)}.")
    return Array(tuple(shape), dtype)


def Array2D(shape: Any, dtype: str) -> Array:  # noqa: N802 - the field's name
    """Return the feature of a matrix."""
    return _array(2, shape, dtype)


def Array3D(shape: Any, dtype: str) -> Array:  # noqa: N802 - the field's name
    """Return the feature of an array of three dimensions."""
    return _array(3, shape, dtype)


def Array4D(shape: Any, dtype: str) -> Array:  # noqa: N802 - the field's name
    """Return the feature of an array of four dimensions."""
    return _array(4, shape, dtype)


def Array5D(shape: Any, dtype: str) -> Array:  # noqa: N802 - the field's name
    """Return the feature of an array of five dimensions."""
    return _array(5, shape, dtype)


@dataclass(frozen=True)
class Translation:
    """One text in each of some languages: `{"de": …, "en": …}`."""

    languages: tuple[str, ...]
    kind: ClassVar[str] = "Translation"

    def __post_init__(self) -> None:
        object.__setattr__(self, "languages", tuple(self.languages))

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type."""
        return pa.struct([(language, pa.string()) for language in sorted(self.languages)])


@dataclass(frozen=True)
class TranslationVariableLanguages:
    """Any number of texts in some languages: two lists, `language` and `translation`."""

    languages: tuple[str, ...] = ()
    kind: ClassVar[str] = "TranslationVariableLanguages"
    arrow: ClassVar[pa.DataType] = pa.struct(
        [("language", pa.list_(pa.string())), ("translation", pa.list_(pa.string()))]
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "languages", tuple(sorted(set(self.languages or ()))))


@dataclass(frozen=True)
class Media:
    """A file inside a column (`Image`, `Audio`, `Video`, `Pdf`): its bytes, or where they are.

    Nothing is decoded here: a row holds `{"bytes": …, "path": …}`.
    """

    kind: str
    options: tuple[tuple[str, Any], ...] = field(default=())
    arrow: ClassVar[pa.DataType] = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@dataclass(frozen=True)
class Json:
    """Any JSON value, as text."""

    kind: ClassVar[str] = "Json"
    arrow: ClassVar[pa.DataType] = pa.string()


def Image(**options: Any) -> Media:  # noqa: N802 - the field's name
    """Return the feature of pictures, kept as bytes and path."""
    return Media("Image", tuple(sorted(options.items())))


def Audio(**options: Any) -> Media:  # noqa: N802 - the field's name
    """Return the feature of recordings, kept as bytes and path."""
    return Media("Audio", tuple(sorted(options.items())))


def Sequence(feature: Any, length: int = -1) -> Any:  # noqa: N802 - the field's name
    """Return a list of a feature; of a dict of features, a dict of lists, as TFDS did."""
    if isinstance(feature, Mapping):
        return {name: List(inner, length) for name, inner in feature.items()}
    return List(feature, length)


def arrow_of(feature: Any) -> pa.DataType:
    """Return the Arrow type of a feature; a dict is a struct, `[feature]` a list.

    Raises:
        InvalidInput: It is no feature.
    """
    if isinstance(feature, Mapping):
        return pa.struct([(str(name), arrow_of(inner)) for name, inner in feature.items()])
    if isinstance(feature, list | tuple) and len(feature) == 1:
        return List(feature[0]).arrow
    found = getattr(feature, "arrow", None)
    if not isinstance(found, pa.DataType):
        raise InvalidInput(
            f"{feature!r} is no feature.",
            hint='Write Value("string"), ClassLabel(names=…), List(…) …',
        )
    return found


def feature_of(type_: pa.DataType) -> Any:  # noqa: PLR0911 - a line per kind
    """Return the feature that an Arrow type stands for by itself."""
    if isinstance(type_, pa.BaseExtensionType):
        return feature_of(type_.storage_type)
    if pa.types.is_struct(type_):
        return {inner.name: feature_of(inner.type) for inner in type_}
    if pa.types.is_fixed_size_list(type_):
        return List(feature_of(type_.value_type), type_.list_size)
    if pa.types.is_large_list(type_):
        return LargeList(feature_of(type_.value_type))
    if pa.types.is_list(type_):
        return List(feature_of(type_.value_type))
    if pa.types.is_map(type_):
        return List({"key": feature_of(type_.key_type), "value": feature_of(type_.item_type)})
    if pa.types.is_dictionary(type_):
        return feature_of(type_.value_type)
    return Value.of(type_)
