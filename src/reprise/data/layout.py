"""Which files of a repo are which split of which subset: as its card says, or by their names."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from reprise.base.errors import EntryNotFound, InvalidFormat, InvalidInput, NotSupported
from reprise.data.features import Features
from reprise.data.sources import media
from reprise.data.sources.files import SUFFIXES
from reprise.formats.wildmatch import Pattern

_SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_SHARDED = re.compile(r"(?:^|/)(?P<split>\w+(?:\.\w+)*)-\d{5}-of-\d{5}[^/]*$")
_NOT_OPTIONS = frozenset(
    {
        "config_name",
        "data_files",
        "data_dir",
        "default",
        "drop_labels",
        "builder_name",
        "version",
        "description",
    }
)
_COMPRESSED = (".gz", ".bz2", ".zst", ".lz4")
_NAMES_SHOWN = 20


@dataclass(frozen=True)
class Subset:
    """One subset ("config") of a data set.

    Attributes:
        name: Its name; "default" where there is only one.
        files: Split -> paths.
        kind: Of the files, see `reprise.data.sources.files.KINDS`.
        options: For reading them, as the card says.
        features: What the columns hold, as the card says.
    """

    name: str
    files: Mapping[str, tuple[str, ...]]
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    features: Features | None = None


def subsets(card: Mapping[str, Any]) -> list[str]:
    """Name the subsets of a repo."""
    configs = _configs(card)
    return [str(config["config_name"]) for config in configs] or ["default"]


def find_subset(paths: Sequence[str], card: Mapping[str, Any], name: str | None) -> Subset:
    """Choose a subset and find its files.

    Args:
        paths: All files of the repo.
        card: The metadata of its card.
        name: The subset; None for the only one, or the default one.

    Raises:
        InvalidInput: There is no such subset, or there are several and none is the default.
        EntryNotFound: It has no data files.
        NotSupported: Its rows come from a script.
    """
    configs = _configs(card)
    if not configs:
        if name not in {None, "default"}:
            raise InvalidInput(f"There is no subset {name!r}; the repo has only one.")
        return made("default", by_name(paths), card, {})
    config = _chosen(configs, name)
    found = _stated(paths, config)
    options = {key: value for key, value in config.items() if key not in _NOT_OPTIONS}
    return made(str(config["config_name"]), found, card, options)


def by_name(paths: Sequence[str], folder: str = "") -> dict[str, tuple[str, ...]]:
    """Sort data files into splits by their names; all are `train` when names say nothing.

    Raises:
        EntryNotFound: There are no data files.
        NotSupported: There is a script where data should be.
    """
    data = [path for path in paths if path.startswith(folder) and _kind(path)]
    if not data:
        scripts = [path for path in paths if path.endswith(".py")]
        if scripts:
            raise NotSupported(
                f"The rows of this data set come from a script, {scripts[0]}, which is not run.",
                hint='Hubs convert such data: try revision="refs/convert/parquet".',
            )
        known = ", ".join(sorted(SUFFIXES))
        raise EntryNotFound(f"There are no data files; known are {known}.")
    usual = _commonest_kind(data)
    data = [path for path in data if usual in {_kind(path), _kind_beside(path, usual)}]
    found: dict[str, list[str]] = {}
    for path in data:
        found.setdefault(_split_of(path.removeprefix(folder)), []).append(path)
    if set(found) == {""}:
        found = {"train": data}
    found.pop("", None)
    ordered = [*(s for s in _SPLITS if s in found), *(s for s in found if s not in _SPLITS)]
    return {split: tuple(sorted(found[split])) for split in ordered}


def matching(paths: Sequence[str], pattern: str) -> list[str]:
    """Return the paths that a pattern of a card means, sorted.

    Raises:
        InvalidFormat: It is no pattern.
    """
    if pattern in paths:
        return [pattern]
    wanted = Pattern.parse("/" + pattern.removeprefix("./").lstrip("/"))
    return sorted(path for path in paths if wanted.matches(path))


def files_of(paths: Sequence[str], data_files: Any) -> dict[str, tuple[str, ...]]:
    """Find the files of `data_files`: a pattern, a list of them, or split -> either.

    Raises:
        EntryNotFound: A pattern matches nothing.
    """
    if isinstance(data_files, Mapping):
        return {str(split): _matched(paths, wanted) for split, wanted in data_files.items()}
    if isinstance(data_files, list) and data_files and isinstance(data_files[0], Mapping):
        try:
            return {str(item["split"]): _matched(paths, item["path"]) for item in data_files}
        except (KeyError, TypeError):
            raise InvalidFormat("data_files of a card are lists of 'split:' and 'path:'.") from None
    return {"train": _matched(paths, data_files)}


def _matched(paths: Sequence[str], wanted: Any) -> tuple[str, ...]:
    found: list[str] = []
    for pattern in [wanted] if isinstance(wanted, str) else list(wanted or ()):
        matches = [path for path in matching(paths, str(pattern)) if path not in found]
        if not matches and str(pattern) not in found:
            raise EntryNotFound(
                f"No file matches {pattern!r}.",
                hint=f"There are: {', '.join(paths[:_NAMES_SHOWN])}.",
            )
        found += matches
    return tuple(found)


def made(
    name: str,
    files: Mapping[str, tuple[str, ...]],
    card: Mapping[str, Any],
    options: Mapping[str, Any],
) -> Subset:
    """Put together a subset of files that were found.

    Args:
        name: Of the subset.
        files: Split -> paths.
        card: The metadata of the card, which may say what the columns hold.
        options: For reading the files.

    Raises:
        NotSupported: The files are of several kinds.
    """
    kinds = {_kind(path) for split in files.values() for path in split}
    if kinds & set(media.COLUMNS):
        kinds = {_kind(p) for split in files.values() for p in split if not media.is_metadata(p)}
    if len(kinds) != 1 or "" in kinds:
        odd = ", ".join(sorted(kind or "unknown" for kind in kinds))
        raise NotSupported(f"The files of subset {name!r} are of several kinds, or of none: {odd}.")
    kind = kinds.pop()
    if kind in media.COLUMNS:
        options = {"labels": media.labels_of(files), **options}
    return Subset(name, files, kind, options, _features(card, name))


def _configs(card: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    configs = card.get("configs")
    if not isinstance(configs, list):
        return []
    return [c for c in configs if isinstance(c, Mapping) and "config_name" in c]


def _chosen(configs: list[Mapping[str, Any]], name: str | None) -> Mapping[str, Any]:
    names = [str(config["config_name"]) for config in configs]
    if name is not None:
        if name not in names:
            raise InvalidInput(f"There is no subset {name!r}; there are: {', '.join(names)}.")
        return configs[names.index(name)]
    default = [c for c in configs if c.get("default") is True or c["config_name"] == "default"]
    if default or len(configs) == 1:
        return (default or configs)[0]
    raise InvalidInput(
        f"There are several subsets; say which: {', '.join(names)}.",
        hint=f"load_dataset(…, {names[0]!r})",
    )


def _stated(paths: Sequence[str], config: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    folder = str(config.get("data_dir") or "").strip("/")
    prefix = f"{folder}/" if folder else ""
    if config.get("data_files") is None:
        return by_name(paths, prefix)
    inside = [path.removeprefix(prefix) for path in paths if path.startswith(prefix)]
    found = files_of(inside, config["data_files"])
    return {split: tuple(prefix + path for path in listed) for split, listed in found.items()}


def _features(card: Mapping[str, Any], name: str) -> Features | None:
    info = card.get("dataset_info")
    listed = info if isinstance(info, list) else [info]
    for one in listed:
        if (
            isinstance(one, Mapping)
            and str(one.get("config_name", "default")) == name
            and one.get("features")
        ):
            return Features.from_yaml(one["features"])
    return None


def _kind(path: str) -> str:
    pure = PurePosixPath(path.lower())
    if any(part.startswith((".", "__")) for part in pure.parts) or pure.name in {
        "readme.txt",
        "license.txt",
        "dataset_infos.json",
        "dataset_info.json",
        "state.json",
        "config.json",
        "metadata.json",
    }:
        return ""
    name = pure.with_suffix("") if pure.suffix in _COMPRESSED else pure
    return SUFFIXES.get(name.suffix, "")


def _kind_beside(path: str, usual: str) -> str:
    """Return the kind of the files that a file says something about."""
    return usual if usual in media.COLUMNS and media.is_metadata(path) else ""


def _commonest_kind(paths: Sequence[str]) -> str:
    """Return what most files are; pictures beside tables only illustrate them."""
    kinds = [_kind(path) for path in paths if not media.is_metadata(path)]
    kinds = [kind for kind in kinds if kind not in media.COLUMNS] or kinds
    if not kinds:
        kinds = [_kind(path) for path in paths]
    return max(dict.fromkeys(kinds), key=kinds.count)


def _split_of(path: str) -> str:
    if match := _SHARDED.search(path):
        return match["split"]
    words = set(re.split(r"[\W\d_]+", path.lower()))
    for split, names in _SPLITS.items():
        if words & set(names):
            return split
    return ""
