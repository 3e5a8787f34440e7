"""Hostile data: broken, lying and boundless files are errors that name the file; nothing runs."""

import gzip
import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reprise.base.errors import (
    EntryNotFound,
    InvalidFormat,
    InvalidInput,
    RepriseError,
    TooLarge,
)
from reprise.data import Dataset, Features, load_dataset, load_from_disk

TABLE = pa.table(
    {"s": ["a", "bcd", None] * 50, "l": [[1], [], [2, 3]] * 50, "n": [1, None, 3] * 50}
)


def arrow_file(path: Path) -> Path:
    with pa.ipc.new_file(str(path), TABLE.schema) as file:
        file.write_table(TABLE)
    return path


@pytest.mark.parametrize("kind", ["arrow", "parquet", "json"])
@pytest.mark.parametrize("junk", [b"", b"PAR1", b"ARROW1\0\0", b"PAR1" * 4, bytes(range(256)) * 40])
def test_junk_is_an_error_that_names_the_file(tmp_path: Path, kind: str, junk: bytes) -> None:
    path = tmp_path / f"junk.{kind}"
    path.write_bytes(junk)
    if kind == "json" and not junk:
        assert load_dataset(str(path), split="train").num_rows == 0
        return
    with pytest.raises(InvalidFormat, match=rf"junk\.{kind}"):
        load_dataset(str(path), split="train")


@pytest.mark.parametrize("kind", ["arrow", "parquet"])
def test_changed_bytes_are_an_error_or_other_rows_but_never_a_crash(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "arrow":
        arrow_file(path)
    else:
        pq.write_table(TABLE, path)
    whole, draw = path.read_bytes(), random.Random(0)
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        path.write_bytes(bytes(data[: draw.choice([len(data), draw.randrange(len(data))])]))
        try:
            load_dataset(str(path), split="train").to_list()
        except RepriseError:
            continue


def test_offsets_beyond_the_data_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "far.arrow"
    table = pa.table({"s": ["a" * 0x1234]})
    with pa.ipc.new_file(str(path), table.schema) as file:
        file.write_table(table)
    far = path.read_bytes().replace(bytes(4) + b"\x34\x12\0\0", bytes(4) + b"\xff\xff\xff\x7f", 1)
    path.write_bytes(far)
    with pytest.raises(InvalidFormat, match=r"far\.arrow"):
        Dataset.from_file(path)


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
@pytest.mark.parametrize("form", ["file", "stream"])
def test_packed_buffers_that_say_they_are_very_many_bytes_are_refused(
    tmp_path: Path, form: str, codec: str
) -> None:
    new = pa.ipc.new_file if form == "file" else pa.ipc.new_stream
    numbers = pa.array(range(40_000), pa.int64())
    table = pa.table({"n": numbers, "d": numbers.cast("string").dictionary_encode()})
    path, bomb = tmp_path / "a.arrow", tmp_path / "bomb.arrow"
    with new(str(path), table.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as file:
        file.write_table(table)
    assert Dataset.from_file(path)["n"][-1] == 39_999
    data, length = path.read_bytes(), (40_000 * 8).to_bytes(8, "little")
    assert data.count(length) >= 1
    bomb.write_bytes(data.replace(length, (1 << 40).to_bytes(8, "little")))
    with pytest.raises(TooLarge, match=r"bomb\.arrow says that it unpacks to 104857"):
        Dataset.from_file(bomb)


def test_texts_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    for name, data in (
        ("a.csv", b"t\n\xff\xfe\n"),
        ("a.txt", b"\xff"),
        ("a.jsonl", b'{"a": "\xff"}\n'),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InvalidFormat, match=name):
            load_dataset(str(tmp_path / name), split="train")


@pytest.mark.parametrize("lines", [1, 3])
def test_json_nested_without_end_is_refused(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "deep.jsonl"
    path.write_text(('{"a": ' + "[" * 200_000 + "]" * 200_000 + "}\n") * lines)
    with pytest.raises(InvalidFormat, match=r"deep\.jsonl"):
        Dataset.from_json(path)


def test_depth_behind_a_harmless_beginning_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.jsonl"
    path.write_text('{"a": [1]}\n' * 20_000 + '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}\n")
    with pytest.raises(InvalidFormat, match=r"deep\.jsonl"):
        Dataset.from_json(path)


def test_numbers_too_large_for_any_type_are_named(tmp_path: Path) -> None:
    path = tmp_path / "big.jsonl"
    path.write_text('{"a": 1}\n{"a": ' + "9" * 400 + "}\n")
    with pytest.raises(InvalidFormat, match=r"big\.jsonl, line 2"):
        Dataset.from_json(path)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,a\n1,2\n")
    with pytest.raises(InvalidFormat, match="same name"):
        Dataset.from_csv(tmp_path / "a.csv")
    pq.write_table(pa.table([[1], [2]], names=["a", "a"]), tmp_path / "a.parquet")
    with pytest.raises(RepriseError, match=r"same name|cannot be read"):
        Dataset.from_parquet(tmp_path / "a.parquet")


def test_broken_compression_names_the_file(tmp_path: Path) -> None:
    whole = gzip.compress(b"a\n1\n" * 1000)
    (tmp_path / "a.csv.gz").write_bytes(whole[:-20])
    with pytest.raises(InvalidFormat, match=r"a\.csv\.gz"):
        load_dataset(str(tmp_path / "a.csv.gz"), split="train")


def test_few_packed_bytes_cannot_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reprise.data.sources import opening

    monkeypatch.setattr(opening, "_SURELY", 1 << 20)
    for name, line in (("a.csv.gz", b"0\n"), ("a.jsonl.gz", b'{"a": 0}\n'), ("a.txt.gz", b"x\n")):
        (tmp_path / name).write_bytes(gzip.compress(b"a\n" * (name == "a.csv.gz") + line * 10**7))
        with pytest.raises(TooLarge, match=rf"{name} unpacks to more than \d+ MB") as caught:
            load_dataset(str(tmp_path / name), split="train")
        assert "unpack it yourself" in caught.value.hint


def test_a_small_parquet_file_of_many_rows_is_read_piece_by_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reprise.data.sources import files

    table = pa.table({"n": pa.array([7] * 2_000_000), "s": ["x"] * 2_000_000})
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd")
    assert (tmp_path / "a.parquet").stat().st_size < 100_000
    whole = load_dataset(str(tmp_path / "a.parquet"), split="train")
    monkeypatch.setattr(files, "_LARGE", 10 << 20)
    again = load_dataset(str(tmp_path / "a.parquet"), split="train")
    assert again.frame.groups[0].stored.mappings != ()  # in a file, not in memory
    assert again.identity == whole.identity
    (tmp_path / "a.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-3] + b"XXX")
    with pytest.raises(InvalidFormat, match=r"a\.parquet"):
        load_dataset(str(tmp_path / "a.parquet"), split="train")


def test_a_quote_that_swallows_the_file_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a,b\n1,"fine\nover two lines"\n2,"open\n3,x\n4,y\n')
    with pytest.raises(InvalidFormat, match=r"a\.csv, line 4: a quote is opened and never closed"):
        Dataset.from_csv(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text('a,b\n1,"fine\nat the end"\n')
    assert Dataset.from_csv(tmp_path / "b.csv")["b"] == ["fine\nat the end"]


def test_half_a_surrogate_pair_is_named_in_words_that_can_be_printed(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": "x"}\n{"a": "\\ud800"}\n')
    with pytest.raises(
        InvalidFormat, match=r"a\.jsonl, line 2, column 'a': .* surrogate"
    ) as caught:
        Dataset.from_json(tmp_path / "a.jsonl")
    assert "\\ud800" in str(caught.value).encode().decode()


@pytest.mark.parametrize("name", ["../secret.arrow", "/etc/passwd", "..\\x.arrow", ".hidden"])
def test_a_saved_data_set_cannot_name_files_elsewhere(tmp_path: Path, name: str) -> None:
    Dataset.from_dict({"a": [1]}).save_to_disk(tmp_path / "saved")
    arrow_file(tmp_path / "secret.arrow")
    state = json.loads((tmp_path / "saved" / "state.json").read_text())
    state["_data_files"] = [{"filename": name}]
    (tmp_path / "saved" / "state.json").write_text(json.dumps(state))
    with pytest.raises(InvalidFormat, match="outside its folder"):
        load_from_disk(tmp_path / "saved")


def test_a_saved_data_set_cannot_name_splits_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["../x"]}')
    with pytest.raises(InvalidFormat, match="names no splits"):
        load_from_disk(tmp_path)


@pytest.mark.parametrize("pattern", ["../secret.csv", "/etc/passwd", "data/../../secret.csv"])
def test_a_card_cannot_name_files_outside_its_repo(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    repo = tmp_path / "repo"
    (repo / "data").mkdir(parents=True)
    (repo / "data" / "a.csv").write_text("a\n1\n")
    card = f"---\nconfigs:\n- config_name: default\n  data_files: {pattern}\n---\n"
    (repo / "README.md").write_text(card)
    with pytest.raises(EntryNotFound, match="No file matches"):
        load_dataset(str(repo))


@pytest.mark.parametrize(
    "metadata",
    [b"junk", b"[]", b'{"info": {"features": {"n": {"_type": "os.system"}}}}',
     b'{"info": {"features": {"n": ' + b"[" * 5000 + b"]" * 5000 + b"}}}",
     b'{"info": {"features": {"n": {"_type": "ClassLabel", "names": 5}}}}'],
    ids=["no json", "no object", "unknown type", "deep", "no names"],
)  # fmt: skip
def test_metadata_that_lies_says_nothing(metadata: bytes) -> None:
    table = TABLE.replace_schema_metadata({b"huggingface": metadata})
    assert Dataset.from_arrow(table).features == Dataset.from_arrow(TABLE).features


def test_features_of_a_card_are_checked() -> None:
    with pytest.raises(InvalidInput, match="There is no type"):
        Features.from_yaml([{"name": "a", "dtype": "__import__('os')"}])
    with pytest.raises(InvalidFormat, match="without gaps"):
        Features.from_yaml(
            [{"name": "a", "dtype": {"class_label": {"names": {"0": "x", "2": "y"}}}}]
        )
    nested: object = "int8"
    for _ in range(200):
        nested = {"list": nested}
    with pytest.raises(InvalidFormat, match="nested deeper"):
        Features.from_yaml([{"name": "a", **nested}])


def test_a_failing_step_leaves_no_file(tmp_path: Path) -> None:
    from reprise.data import Store

    store = Store(tmp_path / "store")
    data = Dataset.from_dict({"x": list(range(10_000))}).with_store(store)
    with pytest.raises(ZeroDivisionError):
        data.map(lambda row: {"y": 1 // (row["x"] - 9_000)})
    assert [path for path in store.root.rglob("*") if path.is_file()] == []
