"""Tables as text, and answers to questions about them."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from reprise.base.errors import InvalidInput, TooLarge
from reprise.tasks.tables import MAX_CELLS, TableOfText, read_table
from tests.pipeline_models import save, word_pieces

COLUMNS = {"Card": ["gold", "blue"], "Fee": [12, None]}
LINE = "col : Card | Fee row 1 : gold | 12 row 2 : blue | "
BART = {"d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
        "decoder_attention_heads": 4, "encoder_ffn_dim": 40, "decoder_ffn_dim": 40,
        "init_std": 0.4, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3,
        "decoder_start_token_id": 3, "forced_eos_token_id": None,
        "max_position_embeddings": 96}  # fmt: skip


def test_tables_of_all_kinds_are_one_line() -> None:
    rows = [{"Card": "gold", "Fee": 12}, {"Card": "blue"}]
    assert [read_table(given).line() for given in (COLUMNS, rows)] == [LINE, LINE]
    assert read_table(COLUMNS).first(1).rows == (("gold", "12"),)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_data_frames_are_tables(library: str) -> None:
    frames = pytest.importorskip(library)
    found = read_table(frames.DataFrame({"a": ["x", "y"], "b": [1, 2]}))
    assert found == TableOfText(("a", "b"), (("x", "1"), ("y", "2")))


@pytest.mark.parametrize("given", [None, "a", {}, [], [1], {"a": []}, {"a": "x"},
                                   {"a": [1], "b": [1, 2]}, [{}]])  # fmt: skip
def test_what_is_no_table_is_refused(given: Any) -> None:
    with pytest.raises(InvalidInput):
        read_table(given)


def test_a_table_may_not_be_endless() -> None:
    with pytest.raises(TooLarge):
        read_table({"a": [0] * (MAX_CELLS + 1)})


@pytest.mark.skipif(not find_spec("torch"), reason="needs torch to make a model")
def test_questions_are_answered_from_the_line(tmp_path: Path) -> None:
    from reprise.tasks import pipeline

    save(tmp_path, "BartForConditionalGeneration", model_type="bart",
         tokenizer=word_pieces(96), **BART)  # fmt: skip
    ask = pipeline("table-question-answering", tmp_path, max_new_tokens=6)
    write = pipeline("text2text-generation", tmp_path, max_new_tokens=6)
    asked = ["Which card has no fee?", "What is the fee?"]
    (one,), (two,) = (write(f"{query} {LINE}".lower()) for query in asked)
    answers = [{"answer": it["generated_text"]} for it in (one, two)]
    assert ask(table=COLUMNS, query=asked[0]) == answers[0]
    assert ask(COLUMNS, asked) == answers
    each = [{"table": COLUMNS, "query": query} for query in asked]
    assert (ask(each[0]), ask(each[:1]), ask(each)) == (answers[0], answers[0], answers)
    wide = {"Card": ["card " * 30], "Fee": ["12"]}
    (whole,) = write(f"Why? col : Card | Fee row 1 : {' '.join(['card'] * 15)} | 12".lower())
    assert ask(wide, "Why?") == {"answer": whole["generated_text"]}
    long = {"Card": ["gold"] * 40, "Fee": ["12"] * 40}
    with pytest.raises(InvalidInput, match="tokens"):
        ask(long, "Why?")
    assert set(ask(long, "Why?", truncation="drop_rows_to_fit")) == {"answer"}
    for wrong in ({"table": COLUMNS}, {"table": COLUMNS, "query": ""},
                  {"table": COLUMNS, "query": [1]}, {"table": COLUMNS, "query": []}):  # fmt: skip
        with pytest.raises(InvalidInput):
            ask(wrong)


def test_rows_have_the_columns_of_all_rows() -> None:
    found = read_table([{"a": 1}, {"b": 2, "a": None}])
    assert (found.header, found.rows) == (("a", "b"), (("1", ""), ("", "2")))


@pytest.mark.parametrize("cell", [b"bytes", "\ud800"])
def test_cells_are_text(cell: object) -> None:
    with pytest.raises(InvalidInput, match="A cell is"):
        read_table({"a": [cell]})
