"""`load_dataset`: from a name, a folder or files to data sets. Nothing of them is executed."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidInput, NotSupported
from reprise.data import split_names
from reprise.data.dataset import Dataset, concatenate_datasets
from reprise.data.dataset_dict import DatasetDict
from reprise.data.features import Features
from reprise.data.frame import Frame
from reprise.data.layout import Subset, by_name, files_of, find_subset, made, subsets
from reprise.data.locked import check_rows, open_locked
from reprise.data.saving import saved_splits
from reprise.data.sources import media
from reprise.data.sources.files import KINDS, kind_of, listed, read_files
from reprise.data.trees import FolderTree, Tree, open_tree, read_card
from reprise.formats import card

log = logging.getLogger("reprise.data")

_OWN = frozenset(("csv", "json"))  # kinds for which metadata.csv is a file like any other
_ALIASES = {"jsonl": "json", "txt": "text", "conllu": "conll"}


@dataclass(frozen=True)
class _Found:
    """Files of a subset on this machine, split by split."""

    subset: Subset
    tree: Tree
    options: Mapping[str, Any]
    features: Features | None
    expected: Mapping[str, str] = field(default_factory=dict)  # split -> digest of its rows

    def paths(self, split: str) -> list[Path]:
        return self.tree.fetch(self.subset.files[split])

    def read(self, split: str) -> Frame:
        options = {**self.subset.options, **self.options}
        frame = read_files(self.subset.kind, self.paths(split), None, options)
        if self.tree.name != "/":  # else files anywhere, each with its own name
            frame = frame.labelled(self.tree.name)
        frame = _typed(frame, self.features or self.subset.features, self.features is not None)
        if split in self.expected and self.features is None and not self.options:
            check_rows(frame, split, self.expected[split])
        return frame


def load_dataset(  # noqa: PLR0913 - a front door: every choice is a keyword
    path: str,
    name: str | None = None,
    data_dir: str | None = None,
    data_files: Any = None,
    split: str | Sequence[str] | None = None,
    *,
    features: Features | None = None,
    revision: str | None = None,
    streaming: bool = False,
    token: str | bool | None = None,
    endpoint: str | None = None,
    offline: bool | None = None,
    lock: str | Path | None = None,
    **options: Any,
) -> Any:
    """Load a data set from a hub, a folder or files.

    Args:
        path: `owner/name`, a folder, a file, or a kind of file: "csv", "tsv", "json", "parquet",
            "arrow", "text", "conll", "imagefolder", "audiofolder".
        name: The subset, where a repo has several.
        data_dir: Only files below this folder.
        data_files: A path or pattern, a list of them, or split -> either.
        split: A split, or rows of it: "train[:10%]", "train+test"; a list gives a list.
        features: What the columns hold; by default what the card or the files say.
        revision: Branch, tag or commit of a repo.
        streaming: Return streams that read while they are iterated.
        token: Access token for the hub.
        endpoint: Another hub than HF_ENDPOINT.
        offline: Use only what is cached.
        lock: A `reprise.lock` that decides the commit; files, and rows that it has a digest of,
            are held against it.
        **options: For the files: `sep`, `column_names`, `field`, `sample_by`, `on_conflict`, …

    Returns:
        A `Dataset` for a split, a `DatasetDict` of all splits without one; streams likewise.

    Raises:
        InvalidInput: There is no such subset or split; the message lists those there are.
        InvalidFormat: A file is broken, or files do not go together; the message says where.
        NotSupported: The rows come from a script.
        RepriseError: As the hub says, see `reprise.hub.snapshots.open_snapshot`.
    """
    access = {"token": token, "endpoint": endpoint, "offline": offline}
    wanted = (name, data_dir, data_files)
    found, tree, expected = _located(path, wanted, (revision, lock), access)
    loaded = _Found(found, tree, options, features, expected)
    return _streams(loaded, split) if streaming else _split(loaded, split)


def load_from_disk(dataset_path: str | Path) -> Any:
    """Load a folder that `save_to_disk` wrote, here or in the library `datasets`.

    Raises:
        EntryNotFound: It is no such folder.
        InvalidFormat: It is broken.
    """
    found = saved_splits(Path(dataset_path))
    if isinstance(found, dict):
        return DatasetDict({name: Dataset(frame, split=name) for name, (frame, _) in found.items()})
    return Dataset(found[0], split=found[1])


def get_dataset_config_names(path: str, revision: str | None = None, **access: Any) -> list[str]:
    """Name the subsets of a data set repo or folder."""
    tree = open_tree(path, revision, **access)
    return subsets(card.parse(read_card(tree)).data)


def get_dataset_split_names(
    path: str, config_name: str | None = None, revision: str | None = None, **access: Any
) -> list[str]:
    """Name the splits of a subset."""
    tree = open_tree(path, revision, **access)
    return list(find_subset(tree.paths(), card.parse(read_card(tree)).data, config_name).files)


def _located(
    path: str, wanted: tuple[str | None, str | None, Any], at: tuple[str | None, Any],
    access: dict[str, Any],
) -> tuple[Subset, Tree, Mapping[str, str]]:  # fmt: skip
    """Find files, and what a lock says about their rows."""
    (name, data_dir, data_files), (revision, lock) = wanted, at
    if lock is None:
        return *_find(path, name, data_dir, data_files, revision, access), {}
    held = open_locked(path, revision, lock, access)
    found, _ = _find(str(held.tree.root), name, data_dir, data_files, None, access)
    return found, held.tree, {} if data_dir or data_files else held.rows_of(name)


def _find(  # noqa: PLR0917 - what `load_dataset` was given
    path: str, name: str | None, data_dir: str | None, data_files: Any, revision: str | None,
    access: dict[str, Any],
) -> tuple[Subset, Tree]:  # fmt: skip
    kind = _ALIASES.get(path, path)
    if kind in KINDS and not Path(path).is_dir():
        return _of_kind(kind, data_dir, data_files)
    local = Path(path).expanduser()
    if local.is_file():
        if not (kind := kind_of(local)):
            raise InvalidInput(
                f"{path} is no data file; say what it is: load_dataset('csv', data_files=…)."
            )
        return _of_kind(kind, None, str(local))
    tree = open_tree(path, revision, **access)
    paths = tree.paths()
    if data_files is not None or data_dir is not None:
        prefix = f"{data_dir.strip('/')}/" if data_dir else ""
        inside = [p.removeprefix(prefix) for p in paths if p.startswith(prefix)]
        chosen = by_name(inside) if data_files is None else files_of(inside, data_files)
        files = {s: tuple(prefix + p for p in listed_) for s, listed_ in chosen.items()}
        return made("default", files, {}, {}), tree
    return find_subset(paths, card.parse(read_card(tree)).data, name), tree


def _of_kind(kind: str, data_dir: str | None, data_files: Any) -> tuple[Subset, Tree]:
    base = Path(data_dir).expanduser() if data_dir else Path()
    if data_files is None:
        if data_dir is None:
            raise InvalidInput(f"Say which files: load_dataset({kind!r}, data_files=…).")
        tree = FolderTree(base)
        beside = media.is_metadata if kind in media.COLUMNS else (lambda _: False)
        paths = [path for path in tree.paths() if kind_of(Path(path)) == kind or beside(path)]
        return made("default", by_name(paths), {}, {}), tree
    by_split = data_files if isinstance(data_files, Mapping) else {"train": data_files}
    files = {}
    for split, wanted in by_split.items():
        patterns = [wanted] if isinstance(wanted, str | Path) else list(wanted)
        files[str(split)] = tuple(
            str(p.absolute()) for p in listed([base / one for one in patterns])
        )
    options = {"labels": media.labels_of(files)} if kind in media.COLUMNS else {}
    return Subset("default", files, kind, options), FolderTree(Path("/"))


def _split(found: _Found, split: str | Sequence[str] | None) -> Any:
    known = found.subset.files
    if split is None:
        return DatasetDict({name: Dataset(found.read(name), split=name) for name in known})
    if not isinstance(split, str):
        return [_split(found, one) for one in split]
    parts = (
        [split_names.Part(name) for name in known] if split == "all" else split_names.parse(split)
    )
    for part in parts:
        _check_split(part.split, known)
    read: dict[str, Frame] = {}
    pieces = []
    for part in parts:
        frame = read.setdefault(part.split, read.get(part.split) or found.read(part.split))
        whole = Dataset(frame, split=split)
        start, stop = part.bounds(frame.size)
        pieces.append(
            whole if (start, stop) == (0, frame.size) else whole.select(range(start, stop))
        )
    if len(pieces) == 1:
        return pieces[0]
    return Dataset(concatenate_datasets(pieces).frame, split=split)


def _streams(found: _Found, split: str | Sequence[str] | None) -> Any:
    from reprise.data.iterable import stream_files

    def stream(name: str) -> Any:
        options = {**found.subset.options, **found.options}
        _check_split(name, found.subset.files)
        if any(map(media.is_metadata, found.subset.files[name])) and found.subset.kind not in _OWN:
            raise NotSupported(
                "Folders with metadata are not streamed.", hint="Load it without streaming=True."
            )
        files = [
            (lambda path=path: found.tree.fetch([path])[0]) for path in found.subset.files[name]
        ]
        return stream_files(
            found.subset.kind, files, options, found.features or found.subset.features
        )

    def part_of(text: str) -> Any:
        parts = (
            [split_names.Part(name) for name in found.subset.files] if text == "all"
            else split_names.parse(text)
        )  # fmt: skip
        pieces = [_cut(stream(part.split), part) for part in parts]
        return pieces[0] if len(pieces) == 1 else concatenate_datasets(pieces)

    if split is None:
        return DatasetDict({name: stream(name) for name in found.subset.files})
    return part_of(split) if isinstance(split, str) else [part_of(one) for one in split]


def _cut(stream: Any, part: split_names.Part) -> Any:
    """Keep the rows of a stream that a slice names.

    Raises:
        NotSupported: The slice counts from the end, or in hundredths.
    """
    ends = (part.start, part.stop)
    if any(end is not None and (end.endswith("%") or end.startswith("-")) for end in ends):
        raise NotSupported(
            f"{part}: a stream does not know how many rows it has.",
            hint="Count rows from the start, as in train[:100], or load without streaming=True.",
        )
    start = int(part.start or 0)
    stream = stream.skip(start) if start else stream
    return stream if part.stop is None else stream.take(int(part.stop) - start)


def _check_split(name: str, known: Mapping[str, Any]) -> None:
    if name not in known:
        raise InvalidInput(f"There is no split {name!r}; there are: {', '.join(known)}.")


def _typed(frame: Frame, features: Features | None, is_asked: bool) -> Frame:
    """Give the columns the features that somebody, or the card, says they have."""
    from reprise.data import casting

    if features is None or features == frame.features:
        return frame
    if set(features) != set(frame.features):
        odd = ", ".join(sorted(set(features) ^ set(frame.features)))
        if is_asked:
            raise InvalidInput(f"The features and the columns of the files differ: {odd}.")
        log.warning("The card and the files differ in their columns (%s); the files count.", odd)
        return frame
    return casting.cast(frame, features).only(list(features))
