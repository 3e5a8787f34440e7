"""Folders of pictures or recordings: a row per file, its bytes, and what is known about it.

What is known stands in a `metadata.csv` or `metadata.jsonl` beside the files, by `file_name`, or is
the name of the folder that a file lies in. Nothing is decoded.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import InvalidFormat
from reprise.data.features import Features
from reprise.data.sources import csv, json
from reprise.data.types import ClassLabel, Media

COLUMNS = {"imagefolder": "image", "audiofolder": "audio"}
SUFFIXES = {
    **dict.fromkeys(
        ".png .apng .jpg .jpeg .jpe .jfif .gif .bmp .webp .tif .tiff .ppm .pgm .pbm .ico .jp2"
        .split(), "imagefolder",
    ),
    **dict.fromkeys(
        ".wav .mp3 .flac .ogg .opus .m4a .aac .aiff .aif .au .amr".split(), "audiofolder"
    ),
}  # fmt: skip
METADATA = ("metadata.csv", "metadata.jsonl")
_KEY = "file_name"
_AT_ONCE = 32 << 20  # bytes of files in one table


@dataclass(frozen=True)
class Options:
    """How to read a folder.

    Attributes:
        drop_labels: True to leave out the names of folders as labels.
        labels: The names of all classes; found in the names of the folders by default.
    """

    drop_labels: bool = False
    labels: tuple[str, ...] = ()
    on_conflict: str = "error"


def is_metadata(path: str) -> bool:
    """Tell whether a file says something about those beside it."""
    return PurePosixPath(path).name in METADATA


def labels_of(files: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the classes that names of folders mean, sorted; none where they mean nothing.

    They do when all files lie equally deep, in several folders that are more than splits.
    """
    paths = [PurePosixPath(path) for listed in files.values() for path in listed]
    if any(is_metadata(str(path)) for path in paths):
        return ()
    folders = {path.parent.name for path in paths}
    depths = {len(path.parts) for path in paths}
    if len(folders) < 2 or len(depths) != 1 or folders <= set(files):  # noqa: PLR2004 - several
        return ()
    return tuple(sorted(folders))


def reader(kind: str) -> Callable[[Path, Options, Features | None], pa.Table]:
    """Return what reads one file as a folder in which nothing else is."""

    def read(path: Path, options: Options, features: Features | None) -> pa.Table:  # noqa: ARG001
        return pa.concat_tables(tables(kind, [path], options))

    return read


def tables(kind: str, paths: Sequence[Path], options: Options) -> Iterator[pa.Table]:
    """Read files into tables of some megabytes.

    Raises:
        InvalidFormat: Metadata name a file that is not there, or name none.
    """
    known = [path for path in paths if is_metadata(str(path))]
    files = [path for path in paths if not is_metadata(str(path))]
    about = _about(known, files) if known else None
    order = list(about) if about is not None else files
    labels = () if options.drop_labels else options.labels
    part: list[Path] = []
    size = 0
    for path in order:
        part.append(path)
        size += path.stat().st_size
        if size > _AT_ONCE:
            yield _table(kind, part, about, labels)
            part, size = [], 0
    yield _table(kind, part, about, labels)


def _about(metadata: Sequence[Path], files: Sequence[Path]) -> dict[Path, dict[str, object]]:
    """Return what metadata say about files, in their order."""
    there, found = set(files), {}
    for path in metadata:
        is_csv = path.suffix == ".csv"
        table = csv.read(path, csv.Options(), None) if is_csv else json.read(
            path, json.Options(), None
        )  # fmt: skip
        if _KEY not in table.column_names:
            raise InvalidFormat(f"{path} has no column {_KEY!r}, which says what rows are about.")
        for number, row in enumerate(table.to_pylist()):
            name = str(row.pop(_KEY))
            file = path.parent / PurePosixPath(name)
            if file not in there:
                raise InvalidFormat(f"{path}, row {number}: there is no file {name[:80]!r} here.")
            found[file] = row
    return found


def _table(
    kind: str,
    paths: Sequence[Path],
    about: Mapping[Path, dict[str, object]] | None,
    labels: Sequence[str],
) -> pa.Table:
    column = COLUMNS[kind]
    feature = Media(column.capitalize())
    features = Features({column: feature})
    cells = [{"bytes": path.read_bytes(), "path": path.name} for path in paths]
    columns = {column: pa.array(cells, feature.arrow)}
    if labels:
        numbers = [labels.index(path.parent.name) for path in paths]
        columns["label"] = pa.array(numbers, pa.int64())
        features["label"] = ClassLabel(names=tuple(labels))
    if about is not None:
        rest = pa.Table.from_pylist([about[path] for path in paths])
        columns |= dict(zip(rest.column_names, rest.columns, strict=True))
        features |= Features.from_arrow_schema(rest.schema)
    return pa.table(columns).replace_schema_metadata(features.metadata)
