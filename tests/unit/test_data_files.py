"""Files into rows: types, conflicts with file and line, splits, subsets, saving."""

import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from reprise.base.errors import (
    AlreadyExists,
    EntryNotFound,
    InvalidFormat,
    InvalidInput,
    NotSupported,
)
from reprise.data import (
    Array2D,
    ClassLabel,
    Dataset,
    DatasetDict,
    Features,
    Image,
    LargeList,
    List,
    Translation,
    Value,
    load_dataset,
    load_from_disk,
)

BANKING = Path(__file__).parents[2] / "examples" / "banking77"


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, newline="")
    return str(path)


def test_csv_types_come_from_the_whole_file(tmp_path: Path) -> None:
    rows = "".join(f"{n},{n}.0,2020-01-0{n % 9 + 1},x\n" for n in range(1, 200))
    path = write(tmp_path, "a.csv", f'n,f,date,t\n{rows}1,2.5,,\n3,4,"",NA\n')
    data = Dataset.from_csv(path)
    kinds = {name: feature.dtype for name, feature in data.features.items()}
    assert kinds == {"n": "int64", "f": "float64", "date": "string", "t": "string"}
    assert data[-2] == {"n": 1, "f": 2.5, "date": None, "t": None}
    assert data[-1]["date"] == ""
    assert data[-1]["t"] == "NA"


def test_whole_numbers_become_numbers_without_a_word(tmp_path: Path) -> None:
    rows = "".join(f"{n}\n" for n in range(300_000))
    path = write(tmp_path, "a.csv", f"n\n{rows}0.5\n")
    assert Dataset.from_csv(path).features == Features(n=Value("float64"))


def test_a_csv_field_of_another_type_is_named_with_its_line(tmp_path: Path) -> None:
    rows = "".join(f'{n},"two\nlines"\n' for n in range(200_000))
    path = write(tmp_path, "a.csv", f"n,t\n{rows}oops,x\n1,y\n")
    with pytest.raises(
        InvalidFormat, match=r"a\.csv, line 400002, column 'n': 'oops' is no"
    ) as error:
        Dataset.from_csv(path)
    assert "on_conflict=" in error.value.hint
    assert Dataset.from_csv(path, on_conflict="string")[-2]["n"] == "oops"
    assert Dataset.from_csv(path, on_conflict="null")["n"][-2:] == [None, 1]
    assert Dataset.from_csv(path, on_conflict="json")["n"][-2:] == ["oops", 1]
    assert Dataset.from_csv(path, na_values=["oops"])["n"][-2:] == [None, 1]


def test_a_csv_row_of_another_width_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "a,b\n1,2\n1,2,3\n")
    with pytest.raises(InvalidFormat, match=r"a\.csv, line 3: 3 fields where the first line has 2"):
        Dataset.from_csv(path)


def test_fields_of_a_csv_file_may_be_long(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", f"a,b\n1,x\n2,{'long ' * 400_000}\n")
    assert [len(text) for text in Dataset.from_csv(path)["b"]] == [1, 2_000_000]


def test_csv_options(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", "x\t1\ny\t2\n")
    data = load_dataset("tsv", data_files=path, split="train", column_names=["a", "b"])
    assert data[:] == {"a": ["x", "y"], "b": [1, 2]}
    with pytest.raises(InvalidInput, match="There is no option 'seperator' for tsv; there are"):
        load_dataset("tsv", data_files=path, seperator="\t")


def test_json_lines_and_lists_and_fields(tmp_path: Path) -> None:
    rows = [{"a": 1, "d": "2020-01-01"}, {"a": None, "b": [1.5]}]
    lines = write(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)))
    whole = write(tmp_path, "b.json", json.dumps({"data": {"rows": rows}}, indent=1))
    expected = [{"a": 1, "d": "2020-01-01", "b": None}, {"a": None, "d": None, "b": [1.5]}]
    assert Dataset.from_json(lines).to_list() == expected
    assert Dataset.from_json(whole, field="data.rows").to_list() == expected
    for indent in (None, 2):
        one = write(tmp_path, "c.json", json.dumps({"x": [1, 2], "y": "a"}, indent=indent))
        assert Dataset.from_json(one).to_list() == [{"x": [1, 2], "y": "a"}]


def test_a_json_value_of_another_type_is_named_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"a": 1}\n\n{"a": 2}\n{"a": "x"}\n{"a": 3}\n')
    with pytest.raises(
        InvalidFormat, match=r"a\.jsonl, line 4, column 'a': \"x\" where earlier rows"
    ):
        Dataset.from_json(path)
    assert Dataset.from_json(path, on_conflict="string")["a"] == ["1", "2", "x", "3"]
    assert Dataset.from_json(path, on_conflict="json")["a"] == [1, 2, "x", 3]
    assert Dataset.from_json(path, on_conflict="null")["a"] == [1, 2, None, 3]


def test_broken_json_is_named_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"a": 1}\n{"a": \n')
    with pytest.raises(InvalidFormat, match=r"a\.jsonl, line 2: Expecting value"):
        Dataset.from_json(path)
    with pytest.raises(InvalidFormat, match="line 1: expected an object, found int"):
        Dataset.from_json(write(tmp_path, "b.jsonl", "1\n2\n"))


def test_files_are_united_by_name_or_the_file_is_named(tmp_path: Path) -> None:
    first = write(tmp_path, "1.csv", "a,b\n1,x\n")
    second = write(tmp_path, "2.csv", "b,c,a\ny,3,2.5\n")
    data = Dataset.from_csv([first, second])
    assert data.to_list() == [{"a": 1.0, "b": "x", "c": None}, {"a": 2.5, "b": "y", "c": 3}]
    third = write(tmp_path, "3.csv", "a\nno\n")
    with pytest.raises(
        InvalidFormat, match=r"3\.csv: column 'a' holds string, but int64 in .*1\.csv"
    ):
        Dataset.from_csv([first, third])
    assert Dataset.from_csv([first, third], on_conflict="string")["a"] == ["1", "no"]
    assert Dataset.from_csv([first, third], on_conflict="null")["a"] == [1, None]


def test_compressed_files(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a\n1\n"))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"a": 1}\n'))
    assert load_dataset(str(tmp_path / "a.csv.gz"), split="train")[:] == {"a": [1]}
    assert load_dataset(str(tmp_path / "a.jsonl.gz"), split="train")[:] == {"a": [1]}


def test_text_by_line_paragraph_and_document(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "one\r\ntwo\x0c\n\nthree")
    assert Dataset.from_text(path)["text"] == ["one", "two\x0c", "", "three"]
    assert Dataset.from_text(path, sample_by="paragraph")["text"] == ["one\ntwo\x0c", "three"]
    assert Dataset.from_text(path, sample_by="document")["text"] == ["one\r\ntwo\x0c\n\nthree"]


def test_conll_and_conllu(tmp_path: Path) -> None:
    two = write(tmp_path, "a.conll", "-DOCSTART- O\n\nEU\tB-ORG\nrejects\tO\n\nGerman\tB-MISC\n")
    assert Dataset.from_conll(two)[:] == {
        "tokens": [["EU", "rejects"], ["German"]],
        "tags": [["B-ORG", "O"], ["B-MISC"]],
    }
    u = "# sent_id = s1\n# text = Hi\n1\tHi\thi\tINTJ\tUH\t_\t0\troot\t_\t_\n\n"
    row = Dataset.from_conll(write(tmp_path, "a.conllu", u))[0]
    assert (row["sent_id"], row["text"], row["form"], row["upos"]) == ("s1", "Hi", ["Hi"], ["INTJ"])
    with pytest.raises(InvalidFormat, match=r"b\.conll, line 2: 3 fields, earlier lines have 2"):
        Dataset.from_conll(write(tmp_path, "b.conll", "a\tO\nb\tc\tO\n"))


def test_names_of_classes_are_numbered_wherever_they_stand(tmp_path: Path) -> None:
    tags = ClassLabel(names=("O", "B-ORG", "B-MISC"))
    features = Features(tokens=List(Value("string")), tags=List(tags))
    path = write(tmp_path, "a.conll", "EU\tB-ORG\r\nrejects\tO\r\n\r\nGerman\tB-MISC")
    expected = {"tokens": [["EU", "rejects"], ["German"]], "tags": [[1, 0], [2]]}
    assert Dataset.from_conll(path, features)[:] == expected
    assert Dataset.from_conll(path).cast_column("tags", List(tags))[:] == expected
    with pytest.raises(InvalidInput, match="Row 1, column 'tags': 'B-MISC' is no class"):
        Dataset.from_conll(path).cast_column("tags", List(ClassLabel(names=("O", "B-ORG"))))
    inner = Features(x={"y": ClassLabel(names=("a", "b"))}, z=[ClassLabel(names=("a", "b"))])
    data = Dataset.from_list([{"x": {"y": "b"}, "z": ["a", None]}, {"x": None, "z": None}], inner)
    assert data.to_list() == [{"x": {"y": 1}, "z": [0, None]}, {"x": None, "z": None}]
    numbered = data.map(lambda row: {"z": ["b"]}, features=inner, cache=False)  # noqa: ARG005
    assert numbered["z"] == [[1], [1]]


def test_conll_with_more_columns_ranges_and_nothing(tmp_path: Path) -> None:
    four = Dataset.from_conll(write(tmp_path, "b.conll", "EU NNP B-NP B-ORG\n"))
    assert four.column_names == ["tokens", "column_1", "column_2", "tags"]
    u = "1-2\tal\t_\t_\t_\t_\t_\t_\t_\t_\n" + "1\ta\t_\t_\t_\t_\t_\t_\t_\t_\n\n"
    assert Dataset.from_conll(write(tmp_path, "c.conllu", u))["id"] == [["1-2", "1"]]
    assert Dataset.from_conll(write(tmp_path, "d.conll", "\n \n")).num_rows == 0
    with pytest.raises(InvalidFormat, match=r"e\.conllu has 2 columns, but 10 names"):
        Dataset.from_conll(write(tmp_path, "e.conllu", "1\tHi\n"))


def pictures(folder: Path, *names: str) -> str:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return str(folder)


def test_a_folder_of_pictures_has_a_row_for_each_and_classes_by_folder(tmp_path: Path) -> None:
    names = ("train/cat/1.png", "train/dog/2.JPG", "train/dog/3.png", "test/cat/4.png")
    found = load_dataset(pictures(tmp_path, *names, "README.txt"))
    assert found["train"].features == Features(
        image=Image(), label=ClassLabel(names=("cat", "dog"))
    )
    assert found["train"]["label"] == [0, 1, 1]
    assert found["test"][0] == {"image": {"bytes": b"test/cat/4.png", "path": "4.png"}, "label": 0}
    bare = load_dataset("imagefolder", data_dir=str(tmp_path), split="train", drop_labels=True)
    assert bare.column_names == ["image"]
    stream = load_dataset(str(tmp_path), split="train", streaming=True)
    assert [row["label"] for row in stream] == [0, 1, 1]
    bare.to_parquet(tmp_path / "a.parquet")
    assert Dataset.from_parquet(tmp_path / "a.parquet")[0]["image"]["bytes"] == b"train/cat/1.png"


def test_metadata_say_what_is_in_a_folder(tmp_path: Path) -> None:
    where = pictures(tmp_path, "a/1.wav", "b/2.wav")
    write(tmp_path, "metadata.jsonl", '{"file_name": "b/2.wav", "text": "two"}\n')
    found = load_dataset(where, split="train")
    assert found.to_list() == [{"audio": {"bytes": b"b/2.wav", "path": "2.wav"}, "text": "two"}]
    with pytest.raises(NotSupported, match="not streamed"):
        load_dataset(where, split="train", streaming=True)
    write(tmp_path, "metadata.jsonl", '{"file_name": "../../etc/passwd"}\n')
    with pytest.raises(InvalidFormat, match=r"row 0: there is no file '\.\./\.\./etc/passwd'"):
        load_dataset(where, split="train")
    write(tmp_path, "metadata.jsonl", '{"text": "two"}\n')
    with pytest.raises(InvalidFormat, match="has no column 'file_name'"):
        load_dataset(where, split="train")


def test_pictures_beside_tables_only_illustrate_them(tmp_path: Path) -> None:
    where = pictures(tmp_path, "1.png", "2.png", "3.png")
    write(tmp_path, "data.csv", "n\n1\n")
    assert load_dataset(where, split="train")[:] == {"n": [1]}
    write(tmp_path, "metadata.csv", "file_name,t\n1.png,x\n")
    (tmp_path / "data.csv").unlink()
    assert load_dataset(where, split="train")["t"] == ["x"]


def test_a_large_folder_is_kept_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reprise.data.sources import files, media

    where = pictures(tmp_path, *(f"{kind}/{n}.png" for kind in "ab" for n in range(9)))
    whole = load_dataset(where, split="train")
    monkeypatch.setattr(files, "_LARGE", 10)
    monkeypatch.setattr(media, "_AT_ONCE", 20)
    again = load_dataset(where, split="train")
    assert again.frame.groups[0].stored.mappings != ()
    assert again.identity == whole.identity


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_large_files_are_kept_as_arrow_and_hold_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    from reprise.data.sources import csv, files
    from reprise.data.sources import json as lines

    rows = {"n": list(range(40_000)), "s": [f"text {n}" for n in range(40_000)]}
    data, path = Dataset.from_dict(rows), tmp_path / f"a.{kind}"
    {"csv": data.to_csv, "jsonl": data.to_json, "parquet": data.to_parquet}[kind](path)
    monkeypatch.setattr(files, "_LARGE", 1000)
    monkeypatch.setattr(csv, "_BLOCKS", (1 << 12, 1 << 25))
    monkeypatch.setattr(lines, "_BLOCK", 1 << 12)
    found = load_dataset(str(path), split="train", **({"block": 1 << 12} if kind == "csv" else {}))
    assert found.frame.groups[0].stored.mappings != ()
    assert found[:] == rows
    stream = load_dataset(str(path), split="train", streaming=True)
    assert sum(row["n"] for row in stream) == sum(rows["n"])


def test_large_files_with_odd_values_are_read_with_care(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reprise.data.sources import csv, files
    from reprise.data.sources import json as lines

    monkeypatch.setattr(files, "_LARGE", 1000)
    monkeypatch.setattr(lines, "_BLOCK", 1 << 12)
    monkeypatch.setattr(csv, "_BLOCKS", (1 << 12, 1 << 25))
    path = write(tmp_path, "a.jsonl", '{"a": 1}\n' * 4000 + '{"a": 0.5, "b": "2020-01-01"}\n')
    assert Dataset.from_json(path)[-1] == {"a": 0.5, "b": "2020-01-01"}
    odd = write(tmp_path, "b.csv", "a\n" + "1\n" * 4000 + "x\n")
    with pytest.raises(InvalidFormat, match=r"b\.csv, line 4002, column 'a': 'x' is no"):
        Dataset.from_csv(odd, block=1 << 12)
    assert Dataset.from_csv(odd, block=1 << 12, on_conflict="null")["a"][-1] is None


def test_queries_over_files_and_databases(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "a,b\n1,x\n2,y\n")
    assert Dataset.from_sql(f"SELECT b FROM '{path}' WHERE a > 1")[:] == {"b": ["y"]}
    with sqlite3.connect(":memory:") as con:
        con.execute("CREATE TABLE t AS SELECT 1 AS n, 'z' AS s")
        assert Dataset.from_sql("SELECT * FROM t", con)[:] == {"n": [1], "s": ["z"]}
    con.close()
    with pytest.raises(InvalidInput, match="DuckDB refuses the query"):
        Dataset.from_sql("SELECT nothing FROM nowhere")


def test_databases_are_opened_by_their_path(tmp_path: Path) -> None:
    import duckdb

    lite, duck = tmp_path / "a.db", tmp_path / "a.duckdb"
    with closing(sqlite3.connect(lite)) as con, con:
        con.execute("CREATE TABLE t (n INTEGER, s TEXT)")
        con.executemany("INSERT INTO t VALUES (?, ?)", [(n, f"t{n}") for n in range(12_000)])
    with duckdb.connect(str(duck)) as con:
        con.execute("CREATE TABLE t AS SELECT 1 AS n")
    found = Dataset.from_sql("SELECT n, s FROM t WHERE n > 9998", lite)
    assert (found.num_rows, found[0]) == (2001, {"n": 9999, "s": "t9999"})
    assert Dataset.from_sql("SELECT * FROM t", f"sqlite:///{lite}").num_rows == 12_000
    assert Dataset.from_sql("SELECT n FROM t WHERE n < 0", lite).column_names == ["n"]
    assert Dataset.from_sql("SELECT * FROM t", duck)[:] == {"n": [1]}
    with pytest.raises(EntryNotFound, match="There is no database"):
        Dataset.from_sql("SELECT 1", tmp_path / "no.db")
    with pytest.raises(InvalidInput, match="readonly"):
        Dataset.from_sql("DELETE FROM t", lite)
    with pytest.raises(InvalidInput, match="Two columns have the same name"):
        Dataset.from_sql("SELECT n, n FROM t", lite)
    with pytest.raises(InvalidInput, match="no database"):
        Dataset.from_sql("SELECT 1", write(tmp_path, "text.db", "no database " * 1000))


def test_values_of_several_types_in_a_column_of_sqlite_are_named() -> None:
    with closing(sqlite3.connect(":memory:")) as con:
        con.execute("CREATE TABLE t (n)")
        con.executemany("INSERT INTO t VALUES (?)", [(1,), (None,), ("x",)])
        with pytest.raises(InvalidInput, match="Row 2, column 'n': 'x' is of another type"):
            Dataset.from_sql("SELECT n FROM t", con)


def test_frames_generators_and_rows() -> None:
    import pandas as pd
    import polars as pl

    rows = [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    assert Dataset.from_list(rows).to_list() == rows
    assert Dataset.from_generator(lambda: iter(rows)).to_list() == rows
    assert Dataset.from_polars(pl.DataFrame(rows)).to_list() == rows
    assert Dataset.from_pandas(pd.DataFrame(rows)).to_list() == rows
    with pytest.raises(InvalidInput, match="Row 1 is a int, not a dict"):
        Dataset.from_generator(lambda: iter([{"a": 1}, 2]))


def test_splits_are_found_by_name_and_sliced(tmp_path: Path) -> None:
    for name, rows in (("train-00000-of-00002", 60), ("train-00001-of-00002", 40), ("dev", 10)):
        write(tmp_path, f"data/{name}.csv", "n\n" + "".join(f"{n}\n" for n in range(rows)))
    found = load_dataset(str(tmp_path))
    assert {split: part.num_rows for split, part in found.items()} == {
        "train": 100,
        "validation": 10,
    }
    where = str(tmp_path)
    assert load_dataset(where, split="train[:10%]")["n"] == list(range(10))
    assert load_dataset(where, split="train[-2:]+validation[3:5]")["n"] == [38, 39, 3, 4]
    assert load_dataset(where, split="train[33%:66%]").num_rows == 33
    assert [part.num_rows for part in load_dataset(where, split=["train", "all"])] == [100, 110]
    with pytest.raises(
        InvalidInput, match="There is no split 'test'; there are: train, validation"
    ):
        load_dataset(where, split="test")
    with pytest.raises(InvalidInput, match="reaches beyond the 100 rows"):
        load_dataset(where, split="train[:101]")


def test_cards_name_subsets_files_options_and_features(tmp_path: Path) -> None:
    write(tmp_path, "en/a.csv", "t;y\nhi;pos\n")
    write(tmp_path, "de/a.csv", "t;y\nhallo;neg\n")
    write(
        tmp_path,
        "README.md",
        "---\nconfigs:\n- config_name: en\n  data_files: en/*.csv\n  sep: ;\n  default: true\n"
        "- config_name: de\n  data_files:\n  - split: test\n    path: de/a.csv\n  sep: ;\n"
        "dataset_info:\n- config_name: de\n  features:\n  - name: t\n    dtype: string\n"
        "  - name: y\n    dtype:\n      class_label:\n        names:\n          '0': neg\n"
        "          '1': pos\n---\n",
    )
    assert load_dataset(str(tmp_path), split="train")[:] == {"t": ["hi"], "y": ["pos"]}
    german = load_dataset(str(tmp_path), "de")
    assert german["test"].features["y"] == ClassLabel(names=("neg", "pos"))
    assert german["test"][0] == {"t": "hallo", "y": 0}


def test_features_survive_metadata_cards_and_files(tmp_path: Path) -> None:
    features = Features(
        label=ClassLabel(names=("a", "b")), text=Value("string"),
        when=Value("timestamp[us, tz=UTC]"), tags=List(Value("int32")),
        fixed=List(Value("float32"), 3), large=LargeList(Value("string")),
        inner={"x": Value("bool"), "y": List({"z": Value("uint8")})},
        pair=Translation(("de", "en")),
        grid=Array2D((2, 2), "int8"), picture=Image(), price=Value("decimal128(10, 2)"),
    )  # fmt: skip
    assert Features.from_arrow_schema(features.arrow_schema) == features
    assert Features.from_yaml(features.to_yaml()) == features
    row = {
        "label": 1, "text": "t", "when": None, "tags": [1], "fixed": [1.0, 2.0, 3.0],
        "large": ["s"],
        "inner": {"x": True, "y": [{"z": 3}]}, "pair": {"de": "a", "en": "b"},
        "grid": [[1, 2], [3, 4]], "picture": {"bytes": b"b", "path": None}, "price": None,
    }  # fmt: skip
    data = Dataset.from_list([row], features)
    data.to_parquet(tmp_path / "a.parquet")
    assert Dataset.from_parquet(tmp_path / "a.parquet").features == features
    assert Dataset.from_parquet(tmp_path / "a.parquet")[0] == row
    data.save_to_disk(tmp_path / "saved")
    assert load_from_disk(tmp_path / "saved").features == features
    assert load_from_disk(tmp_path / "saved")[0] == row


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    data = load_dataset(str(BANKING), split="train").shuffle(seed=1).take(500)
    data.to_csv(tmp_path / "a.csv")
    data.to_json(tmp_path / "a.jsonl")
    DatasetDict(a=data, b=data.take(3)).save_to_disk(tmp_path / "saved", max_shard_rows=200)
    assert Dataset.from_csv(tmp_path / "a.csv")[:] == data[:]
    assert Dataset.from_json(tmp_path / "a.jsonl")[:] == data[:]
    saved = load_from_disk(tmp_path / "saved")
    assert saved["a"][:] == data[:]
    assert saved["b"][:] == data.take(3)[:]
    assert len(list((tmp_path / "saved" / "a").glob("*.arrow"))) == 3


def test_saving_never_removes_other_files(tmp_path: Path) -> None:
    write(tmp_path, "mine/notes.txt", "keep")
    with pytest.raises(AlreadyExists, match="holds other files"):
        Dataset.from_dict({"a": [1]}).save_to_disk(tmp_path / "mine")
    with pytest.raises(EntryNotFound, match="holds no saved data set"):
        load_from_disk(tmp_path / "mine")
