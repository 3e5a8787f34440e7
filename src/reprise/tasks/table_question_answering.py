"""table-question-answering: a question, a table, and what a model that reads both writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.tasks.base import Done
from reprise.tasks.files import read_object
from reprise.tasks.generating import WritingOptions
from reprise.tasks.rows import Row
from reprise.tasks.tables import TableOfText, read_table
from reprise.tasks.text import Cut, check_text
from reprise.tasks.text_to_text import TextToText, TextToTextOptions

_CELL = 15  # tokens of a cell, where the tokenizer's file says nothing
_CUTTING = {True, "drop_rows_to_fit"}
_WHOLE = {None, False, "do_not_truncate"}


@dataclass(frozen=True)
class TableOptions(TextToTextOptions):
    """Parameters of table-question-answering.

    Attributes:
        truncation: True or "drop_rows_to_fit": the last rows are left out until the rest fits; by
            default a table that does not fit is an error.
        sequential: Accepted for compatibility.
    """

    sequential: bool = False


@dataclass(frozen=True)
class _Asked:
    table: TableOfText
    queries: tuple[str, ...]
    listed: bool  # whether the answers come as a list


class TableQuestionAnswering(TextToText):
    """Gives `{"answer": …}` per question."""

    options_type = TableOptions
    takes_mapping = True

    def prepare(self) -> None:
        """Read how long cells may be; refuse models that do not write."""
        super().prepare()
        folder = self.parts.folder
        told = read_object(folder / "tokenizer_config.json") if folder else {}
        self.longest, self.lowers = told.get("max_cell_length", _CELL), told.get(
            "do_lower_case", True
        )  # fmt: skip
        if not isinstance(self.longest, int) or self.longest < 1:
            raise InvalidInput(f"tokenizer_config.json has max_cell_length {self.longest!r:.50}.")

    def __call__(  # type: ignore[override]  # as in transformers
        self, table: Any = None, query: Any = None, **given: Any
    ) -> Any:
        """Answer questions about tables.

        Args:
            table: A table, see `tables.read_table`; or `{"table", "query"}`, or a list of those.
            query: A question about the table, or several.
            **given: See `TableOptions`, `Pipeline`, and the parameters of `model.generate`.
        """
        if query is not None:
            table = {"table": table, "query": query}
        found = super(TextToText, self).__call__(table, **given)
        # As in transformers, one mapping in a list is answered as if it stood alone.
        return found[0] if isinstance(table, list) and len(found) == 1 else found

    def is_one(self, inputs: Any, options: Any) -> bool:  # noqa: ARG002
        """Tell whether what was passed is one table with its question."""
        return isinstance(inputs, Mapping)

    def read(self, item: Any, options: TableOptions) -> _Asked:  # type: ignore[override]
        """Read a table and what is asked about it."""
        if options.truncation not in _CUTTING | _WHOLE:
            raise InvalidInput(f"truncation is {options.truncation!r}; use 'drop_rows_to_fit'.")
        if not isinstance(item, Mapping) or not {"table", "query"} <= set(item):
            raise InvalidInput("Give a table and a query: {'table': …, 'query': …}.")
        query = item["query"]
        asked = [query] if isinstance(query, str) else query
        if not isinstance(asked, list | tuple) or not asked:
            raise InvalidInput("A query is a text, or a list of texts.")
        queries = tuple(check_text(one, "A query") for one in asked)
        if not all(one.strip() for one in queries):
            raise InvalidInput("The query is empty.")
        return _Asked(read_table(item["table"]).each(self._cell), queries, len(queries) > 1)

    def rows(self, items: Sequence[Any], options: TextToTextOptions) -> list[list[Row]]:
        """Encode each question before its table as a line."""
        texts = [self._text(asked.table, query, options)
                 for asked in items for query in asked.queries]  # fmt: skip
        made = iter(self.reader.rows(self.reader.encode(texts, Cut())))
        return [[next(made)[0] for _ in asked.queries] for asked in items]

    def answers(self, rows: Sequence[Row], options: WritingOptions) -> list[Any]:
        """Write one answer to each question."""
        told = {"num_return_sequences": 1, **(options.generate_kwargs or {})}
        return super().answers(rows, WritingOptions(told))

    def result(self, done: Done, options: TextToTextOptions) -> Any:
        """Decode the answers to one table's questions."""
        found = [{"answer": self._decoded(own[0], options)} for own in done.answers]
        return found if done.item.listed else found[0]

    def _cell(self, text: str) -> str:
        """Cut a long cell after its first tokens."""
        tokens = self.tokenizer.tokenize(text) if text.strip() else []
        if len(tokens) < self.longest:
            return text
        return str(self.tokenizer.convert_tokens_to_string(tokens[: self.longest]))

    def _text(self, table: TableOfText, query: str, options: TextToTextOptions) -> str:
        count = len(table.rows)
        if options.truncation in _CUTTING:
            count = self._fitting(table, query)
        return self._joined(table.first(count), query)

    def _joined(self, table: TableOfText, query: str) -> str:
        text = f"{query} {table.line()}"
        return text.lower() if self.lowers else text

    def _fitting(self, table: TableOfText, query: str) -> int:
        """Count the rows that fit, by halving."""
        low, high = 0, len(table.rows)
        while low < high:
            middle = (low + high + 1) // 2
            text = self._joined(table.first(middle), query)
            (row,) = self.reader.rows(self.reader.encode([text], Cut()))[0]
            if row.cost <= self.parts.limit:
                low = middle
            else:
                high = middle - 1
        return low
