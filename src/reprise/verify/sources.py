"""From a name to a benchmark, and from a benchmark to its rows."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidFormat, InvalidInput, NotFound
from reprise.base.ids import RepoType
from reprise.base.optional import require
from reprise.formats import benchmark
from reprise.formats.benchmark import Benchmark, Source
from reprise.hub.snapshots import Options, Snapshot, open_snapshot
from reprise.verify.evaluators import catalogue
from reprise.verify.gathering import repo_of
from reprise.verify.rows import Rows, read_split, rows_of

_MAX_FILE = 4 << 20  # bytes of a file of benchmarks
_MAX_SQUAD = 1 << 30
_USUAL = ("test", "validation")  # splits that are meant where nobody names one, in this order


@dataclass(frozen=True)
class Place:
    """Rows that were read, and where they came from; `repo` only of those on a hub."""

    rows: Rows
    split: str | None
    repo: str | None = None
    commit: str | None = None


def built_in() -> tuple[Benchmark, ...]:
    """Return the benchmarks that everybody knows."""
    text = files("reprise.verify.evaluators").joinpath("benchmarks.toml").read_text("utf-8")
    return benchmark.read(text)


def find(name: str, options: Options) -> Benchmark:
    """Find a benchmark.

    Args:
        name: A TOML file; a built-in benchmark or evaluator; or a data set's repo, or a folder of
            it, with `.reprise/benchmark.toml` or `eval.yaml`. `#id` selects one of several.
        options: How to fetch a repo.

    Raises:
        NotFound: There is none.
        InvalidFormat: It cannot be read.
    """
    place, _, wanted = name.partition("#")
    path = Path(place).expanduser()
    if path.suffix == ".toml":
        chosen = benchmark.choose(benchmark.read(_text(path)), wanted or None, place)
        return _beside(chosen, path.parent)
    known = {item.id: item for item in built_in()}
    if place in known:
        return known[place]
    if catalogue.is_evaluator(place):
        return Benchmark(place.partition("@")[0], place, Source())
    if "/" not in place and not path.is_dir():
        raise NotFound(
            f"There is no benchmark {name!r}.",
            hint=f"Built in are {', '.join(known)}; or name a TOML file, a data set owner/name, or "
            f"an evaluator with --data: {', '.join(catalogue.names())}.",
        )
    return _of_repo(place, wanted or None, options)


def read(found: Benchmark, options: Options) -> Place:
    """Read the rows of a benchmark.

    Raises:
        InvalidInput: It does not say where they are.
        RepriseError: They cannot be had or read.
    """
    source = found.data
    if source.path is not None:
        rows, split = _local(source, Path(source.path).expanduser())
        return Place(rows.head(source.limit), split)
    if source.repo is None:
        raise InvalidInput(
            f"The benchmark {found.id} has no rows of its own.",
            hint="Say where they are: --data FILE, --data FOLDER or --data OWNER/NAME.",
        )
    address = f"{source.repo}@{source.commit}" if source.commit else source.repo
    snapshot = open_snapshot(address, replace(options, repo_type=RepoType.DATASET))
    split = source.split or _only_split(snapshot.root, source.config)
    if source.kind == "squad":
        raise InvalidInput(
            f"{source.repo} would have to be read as SQuAD's JSON, which claims cannot pin.",
            hint="Publish the rows as JSON lines with id, question, context and answers.",
        )
    rows = read_split(snapshot.root, split, source.config)
    repo = repo_of(snapshot) if snapshot.commit else None
    return Place(rows.head(source.limit), split, repo, snapshot.commit)


def opened(name: str, options: Options, *, weights: bool = True) -> Snapshot:
    """Open a repo; a folder of that name means the folder, as in `reprise run`."""
    folder = Path(name).expanduser()
    place = str(folder.absolute()) if folder.is_dir() else name
    return open_snapshot(place, options, weights=weights)


def _of_repo(place: str, wanted: str | None, options: Options) -> Benchmark:
    snapshot = opened(place, replace(options, repo_type=RepoType.DATASET))
    for path, reader in (
        (benchmark.PATH, benchmark.read),
        (benchmark.EVAL_YAML, benchmark.read_eval_yaml),
    ):
        if (snapshot.root / path).is_file():
            chosen = benchmark.choose(reader(_text(snapshot.root / path)), wanted, place)
            if snapshot.commit is None:
                rows = replace(chosen.data, repo=None, path=str(snapshot.root))
                return replace(chosen, data=rows)
            return benchmark.of_repo(chosen, repo_of(snapshot), snapshot.commit)
    raise NotFound(
        f"{place} has no benchmark: neither {benchmark.PATH} nor {benchmark.EVAL_YAML}.",
        hint="Name an evaluator instead, and the data set with --data: "
        f"{', '.join(catalogue.names())}.",
    )


def _beside(found: Benchmark, folder: Path) -> Benchmark:
    """Take paths of a file as relative to it."""
    if found.data.path is None:
        return found
    path = folder / Path(found.data.path).expanduser()
    return replace(found, data=replace(found.data, path=str(path)))


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_FILE:
            raise InvalidFormat(f"{path} is larger than {_MAX_FILE >> 20} MiB.")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.") from None
    except UnicodeDecodeError:
        raise InvalidFormat(f"{path} is not UTF-8.") from None


def _local(source: Source, path: Path) -> tuple[Rows, str | None]:
    require("pyarrow", extra="data")
    from reprise.data import load_dataset

    if not path.exists():
        raise NotFound(f"There is no file or folder {path}.")
    if source.kind == "squad":
        return _squad(path), None
    if path.is_dir():
        split = source.split or _only_split(path, source.config)
        if not source.options and source.kind is None:
            return read_split(path, split, source.config), split
        found = load_dataset(str(path), source.config, split=split, **source.options)
        return rows_of(found), split
    kind, wanted = source.kind or str(path), source.split
    if wanted not in {None, "train"}:
        raise InvalidInput(f"{path} is one file and has no splits, so {wanted!r} means nothing.")
    more = {} if source.kind is None else {"data_files": str(path)}
    return rows_of(load_dataset(kind, split="train", **more, **source.options)), None


def _only_split(folder: Path, config: str | None) -> str:
    from reprise.data.loading import get_dataset_split_names

    known = get_dataset_split_names(str(folder), config)
    if len(known) == 1:
        return known[0]
    found = next((name for name in _USUAL if name in known), None)
    if found is None:
        raise InvalidInput(f"Say which split: there are {', '.join(known)}.", hint="--split NAME")
    return found


def _squad(path: Path) -> Rows:
    """Read SQuAD's own JSON: articles, paragraphs, questions."""
    from reprise.data import Dataset

    try:
        if path.stat().st_size > _MAX_SQUAD:
            raise InvalidFormat(f"{path} is larger than {_MAX_SQUAD >> 20} MiB.")
        listed = list(_questions(json.loads(path.read_bytes())))
    except (ValueError, KeyError, TypeError, RecursionError, IsADirectoryError) as error:
        raise InvalidFormat(f"{path} is not SQuAD's JSON: {error!r}.") from None
    if not listed:
        raise InvalidFormat(f"{path} has no questions.")
    return rows_of(Dataset.from_list(listed))


def _questions(value: Any) -> Iterator[dict[str, Any]]:
    for article in value["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                texts = [str(one["text"]) for one in question["answers"]]
                starts = [int(one["answer_start"]) for one in question["answers"]]
                yield {
                    "id": str(question["id"]),
                    "question": str(question["question"]),
                    "context": str(paragraph["context"]),
                    "answers": {"text": texts, "answer_start": starts},
                }
