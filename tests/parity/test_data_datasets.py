"""Both ways with the library `datasets`: memory, folders, features, slices and hub repos."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reprise.data import (
    Array2D,
    Audio,
    ClassLabel,
    Dataset,
    DatasetDict,
    Features,
    Image,
    Json,
    LargeList,
    List,
    Sequence,
    Translation,
    TranslationVariableLanguages,
    Value,
    load_dataset,
    load_from_disk,
)
from tests.factories import Hub

pytestmark = pytest.mark.filterwarnings("ignore")
BANKING = Path(__file__).parents[2] / "examples" / "banking77"
FEATURES = Features(
    label=ClassLabel(names=("a", "b")), text=Value("string"), tags=List(Value("int32")),
    fixed=List(Value("float32"), 2), large=LargeList(Value("string")),
    inner={"x": Value("bool")}, pair=Translation(("de", "en")),
    old=Sequence({"n": Value("int64")}), when=Value("timestamp[us, tz=UTC]"),
)  # fmt: skip
ROWS = [
    {"label": 1, "text": "t", "tags": [1], "fixed": [1.0, 2.0], "large": ["s"],
     "inner": {"x": True}, "pair": {"de": "a", "en": "b"}, "old": {"n": [1, 2]}, "when": None},
    {"label": 0, "text": None, "tags": [], "fixed": [3.0, 4.0], "large": [],
     "inner": {"x": None}, "pair": {"de": "c", "en": "d"}, "old": {"n": []}, "when": None},
]  # fmt: skip


@pytest.fixture
def datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    import datasets as library
    from datasets import config

    monkeypatch.setattr(config, "HF_DATASETS_CACHE", tmp_path / "cache")
    library.disable_progress_bars()
    return library


def test_features_are_written_as_datasets_writes_them(datasets: object) -> None:
    more = Features(
        **FEATURES, grid=Array2D((2, 3), "float32"), picture=Image(), sound=Audio(), any=Json(),
        many=TranslationVariableLanguages(("en", "de")), price=Value("decimal128(10, 2)"),
    )  # fmt: skip
    theirs = datasets.Features.from_dict(more.to_dict())
    assert Features.from_dict(theirs.to_dict()) == more
    assert datasets.Features._from_yaml_list(more.to_yaml()) == theirs
    assert Features.from_yaml(theirs._to_yaml_list()) == more


def test_memory_both_ways(datasets: object) -> None:
    ours = Dataset.from_list(ROWS, FEATURES)
    theirs = ours.to_hf()
    assert theirs.features.to_dict() == datasets.Features.from_dict(FEATURES.to_dict()).to_dict()
    assert list(theirs) == ROWS
    back = Dataset.from_hf(theirs.select([1, 0]))
    assert back.features == FEATURES
    assert back.to_list() == ROWS[::-1]


def test_saved_folders_both_ways(datasets: object, tmp_path: Path) -> None:
    ours = Dataset.from_list(ROWS, FEATURES)
    DatasetDict(train=ours, test=ours.take(1)).save_to_disk(tmp_path / "ours")
    theirs = datasets.load_from_disk(str(tmp_path / "ours"))
    assert {name: list(split) for name, split in theirs.items()} == {
        "train": ROWS,
        "test": ROWS[:1],
    }
    theirs.save_to_disk(str(tmp_path / "theirs"))
    back = load_from_disk(tmp_path / "theirs")
    assert back["train"].to_list() == ROWS
    assert back["train"].features == FEATURES


def test_parquet_both_ways(datasets: object, tmp_path: Path) -> None:
    Dataset.from_list(ROWS, FEATURES).to_parquet(tmp_path / "a.parquet")
    theirs = datasets.Dataset.from_parquet(str(tmp_path / "a.parquet"))
    assert list(theirs) == ROWS
    theirs.to_parquet(str(tmp_path / "b.parquet"))
    back = Dataset.from_parquet(tmp_path / "b.parquet")
    assert (back.to_list(), back.features) == (ROWS, FEATURES)


@pytest.mark.parametrize(
    "split",
    ["train", "train[:10%]", "train[33%:66%]", "train[-7:]", "test[5:9]+train[:3]", "train[:1%]",
     "train[10%:30%](pct1_dropremainder)"],
)  # fmt: skip
def test_slices_name_the_same_rows(datasets: object, split: str) -> None:
    theirs = datasets.load_dataset(str(BANKING), split=split)
    assert load_dataset(str(BANKING), split=split).to_dict() == theirs.to_dict()


@pytest.mark.parametrize(
    ("test_size", "train_size"), [(0.2, None), (7, None), (None, 0.3), (0.1, 0.25), (None, None)]
)
def test_splits_have_the_same_sizes(
    datasets: object, test_size: float | None, train_size: float | None
) -> None:
    rows = {"n": list(range(103))}
    theirs = datasets.Dataset.from_dict(rows).train_test_split(test_size, train_size)
    ours = Dataset.from_dict(rows).train_test_split(test_size, train_size)
    assert {s: len(d) for s, d in ours.items()} == {s: len(d) for s, d in theirs.items()}


def test_methods_give_the_same_rows(datasets: object) -> None:
    rows = {"n": [3, 1, 2, 5, 4], "s": ["c", "a", "b", "e", "d"], "l": [[1], [], [2, 3], [4], []]}
    calls = [
        lambda d: d.map(lambda r: {"m": r["n"] * 2, "s": r["s"].upper()}),
        lambda d: d.map(lambda b: {"k": [len(x) for x in b["l"]]}, batched=True, batch_size=2),
        lambda d: d.map(lambda n, i: {"t": n + i}, with_indices=True, input_columns="n"),
        lambda d: d.map(lambda r: {"m": r["n"]}, remove_columns=["n", "l"]),
        lambda d: d.filter(lambda r: r["n"] > 2),
        lambda d: d.sort("n"),
        lambda d: d.sort(["s"], reverse=True),
        lambda d: d.select([4, 0]).rename_column("n", "q"),
        lambda d: d.shard(2, 1),
        lambda d: d.shard(2, 0, contiguous=False),
        lambda d: d.batch(2),
        lambda d: d.repeat(2).skip(3).take(4),
        lambda d: d.class_encode_column("s"),
        lambda d: d.select_columns(["l", "n"]),
    ]
    ours, theirs = Dataset.from_dict(rows), datasets.Dataset.from_dict(rows)
    for number, call in enumerate(calls):
        assert call(ours).to_dict() == call(theirs).to_dict(), number
        assert call(ours).column_names == call(theirs).column_names, number


@pytest.mark.parametrize("stopping", ["first_exhausted", "all_exhausted"])
def test_interleaving_gives_the_same_rows(datasets: object, stopping: str) -> None:
    from reprise.data import interleave_datasets

    rows = [{"n": [1, 2, 3]}, {"n": [10, 20]}, {"n": [100, 200, 300, 400]}]
    theirs = datasets.interleave_datasets(
        [datasets.Dataset.from_dict(r) for r in rows], stopping_strategy=stopping
    )
    ours = interleave_datasets([Dataset.from_dict(r) for r in rows], stopping_strategy=stopping)
    assert ours["n"] == theirs["n"][:]


@pytest.mark.parametrize("metadata", [None, "csv", "jsonl"])
def test_folders_of_pictures_give_the_same_rows(
    datasets: object, tmp_path: Path, metadata: str | None
) -> None:
    root = tmp_path / "pictures"
    for name in ("train/cat/1.png", "train/dog/2.png", "test/cat/3.png", "test/dog/4.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    for split, name in (("train", "dog/2.png"), ("test", "dog/4.png")) if metadata else ():
        text = {"csv": f"file_name,n\n{name},7\n", "jsonl": f'{{"file_name": "{name}", "n": 7}}\n'}
        (root / split / f"metadata.{metadata}").write_text(text[metadata])
    theirs, ours = datasets.load_dataset("imagefolder", data_dir=str(root)), load_dataset(str(root))
    assert set(ours) == set(theirs)
    for split, mine in ours.items():
        other = theirs[split].cast_column("image", datasets.Image(decode=False))
        assert mine.column_names == other.column_names
        assert mine.remove_columns("image").to_list() == other.remove_columns("image").to_list()
        paths = [Path(row["image"]["path"]) for row in other]
        assert [row["image"]["bytes"] for row in mine] == [path.read_bytes() for path in paths]
        if metadata is None:
            assert mine.features["label"].names == tuple(other.features["label"].names)


@pytest.mark.parametrize(
    "stopping", ["first_exhausted", "all_exhausted", "all_exhausted_without_replacement"]
)
def test_interleaved_streams_give_the_same_rows(datasets: object, stopping: str) -> None:
    from reprise.data import interleave_datasets

    rows = [[1, 2, 3], [10, 20], [100, 200, 300, 400]]
    for order in (rows, rows[::-1]):
        theirs = datasets.interleave_datasets(
            [datasets.Dataset.from_dict({"n": r}).to_iterable_dataset() for r in order],
            stopping_strategy=stopping,
        )
        ours = interleave_datasets(
            [Dataset.from_dict({"n": r}).to_iterable_dataset() for r in order],
            stopping_strategy=stopping,
        )
        assert list(ours) == list(theirs)


@pytest.mark.parametrize("name", [None, "numpy", "torch"])
def test_batches_and_rows_have_the_same_types(datasets: object, name: str | None) -> None:
    rows = {
        "n": list(range(70)), "s": [f"text {n}" * (n % 5) for n in range(70)],
        "v": [[n, 3 * n] for n in range(70)], "r": [list(range(n % 3)) for n in range(70)],
        "t": [n % 2 == 0 for n in range(70)], "w": [[0.5, n / 4] for n in range(70)],
    }  # fmt: skip
    ours, theirs = Dataset.from_dict(rows), datasets.Dataset.from_dict(rows)
    if name == "numpy":  # there, ours keeps the column's type: float64 stays float64
        ours, theirs = ours.remove_columns("w"), theirs.remove_columns("w")
    pair = [data.with_format(name) for data in (ours, theirs)]
    for mine, other in zip(*(data.iter(32) for data in pair), strict=True):
        assert described(mine) == described(other)
    assert described(pair[0][[3, 1]]) == described(pair[1][[3, 1]])
    if name == "numpy":  # there, theirs puts true and false into arrays without a dimension
        pair = [data.remove_columns("t").with_format(name) for data in (ours, theirs)]
    assert [described(row) for row in pair[0]] == [described(row) for row in pair[1]]


def described(batch: dict) -> list[tuple]:
    """What a batch or row holds: types of containers and items, and values."""
    found = []
    for name, values in batch.items():
        kind = str(getattr(values, "dtype", ""))
        inner = [str(getattr(item, "dtype", type(item))) for item in values] \
            if isinstance(values, list) or kind == "object" else []  # fmt: skip
        plain = [getattr(item, "tolist", lambda item=item: item)() for item in values] \
            if inner else getattr(values, "tolist", lambda values=values: values)()  # fmt: skip
        found.append((name, type(values).__name__, kind, inner, plain))
    return found


def test_repos_both_ways(datasets: object, online: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", online.url)
    ours = Dataset.from_list(ROWS, FEATURES)
    DatasetDict(train=ours, test=ours.take(1)).push_to_hub("ada/ours")
    theirs = datasets.load_dataset("ada/ours")
    assert {name: list(split) for name, split in theirs.items()} == {
        "train": ROWS,
        "test": ROWS[:1],
    }
    assert theirs["train"].features == datasets.Features.from_dict(FEATURES.to_dict())
    theirs.push_to_hub("ada/theirs")
    back = load_dataset("ada/theirs")
    assert {name: split.to_list() for name, split in back.items()} == {
        "train": ROWS,
        "test": ROWS[:1],
    }
    assert back["train"].features == FEATURES
