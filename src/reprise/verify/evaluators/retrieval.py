"""retrieval: documents ranked for a query, by how alike their vectors are.

The documents are those of each row, or, where a row has one document, all of the split: each
different text once, in the order in which they come.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.base.errors import InvalidInput
from reprise.verify.evaluators import columns
from reprise.verify.evaluators.evaluator import ENGINE, Answers, Arg, Evaluator, Examples
from reprise.verify.rows import Rows

if TYPE_CHECKING:
    from reprise.tasks.rows import Array

_QUERIES = ("query", "question", "anchor")
_DOCUMENTS = ("documents", "candidates", "context", "document", "passage", "positive")
_LABELS = ("relevant", "labels", "label")


def read(rows: Rows, args: Mapping[str, Any]) -> Examples:
    """Read queries, the documents to rank, and which of them are relevant."""
    query = columns.column(rows, args["query"], _QUERIES, "query")
    named = columns.column(rows, args["documents"], _DOCUMENTS, "documents")
    queries, documents = columns.texts(rows, query), columns.text_or_texts(rows, named)
    used = {"query": query, "documents": named}
    if all(isinstance(item, str) for item in documents):
        numbers = {text: at for at, text in enumerate(dict.fromkeys(documents))}
        right = [[numbers[text]] for text in documents]
        return Examples(list(queries), right, used, {"corpus": list(numbers)})
    label = columns.column(rows, args["label"], _LABELS, "label")
    asked = [{"query": q, "documents": d} for q, d in zip(queries, documents, strict=True)]
    right = [_relevant(item, asked[at], at) for at, item in enumerate(rows.columns[label])]
    return Examples(asked, right, {**used, "label": label})


def make(folder: Path, args: Mapping[str, Any]) -> Answers:
    """Load the model, and make the vectors of documents that all queries share."""
    from reprise.tasks import pipeline

    pipe: Any = pipeline("sentence-similarity", folder, engine=args["engine"],
                         threads=args["threads"], progress=False)  # fmt: skip
    corpus = args.get("corpus")
    shared = None if corpus is None else pipe.encode(_behind(args["document_prefix"], corpus))

    def answer(inputs: list[Any]) -> list[Any]:
        texts = [item if isinstance(item, str) else item["query"] for item in inputs]
        queries = pipe.encode(_behind(args["query_prefix"], texts))
        found = []
        for vector, item in zip(queries, inputs, strict=True):
            others = shared
            if others is None:
                others = pipe.encode(_behind(args["document_prefix"], item["documents"]))
            found.append(_ranked(vector, others, pipe.pooling.similarity)[: args["depth"]])
        return found

    return answer


def _ranked(query: "Array", documents: "Array", how: str) -> list[int]:
    """Rank documents, the most alike first; those that are alike to the same degree by number."""
    import numpy as np

    from reprise.tasks.sentences import similarities

    scores = similarities(query, documents, how)
    order: list[int] = np.argsort(-scores, kind="stable").tolist()
    return order


def _behind(prefix: str, texts: list[str]) -> list[str]:
    return [prefix + text for text in texts]


def _relevant(item: Any, asked: Mapping[str, Any], at: int) -> list[int]:
    """Read which documents of a row are relevant: their numbers, or 0 and 1 for each."""
    count = len(asked["documents"])
    found = [item] if isinstance(item, int) and not isinstance(item, bool) else item
    if not isinstance(found, list) or not all(type(one) in {int, bool} for one in found):
        raise InvalidInput(f"Row {at} does not say which documents are relevant.")
    if len(found) == count and count > 1 and {int(one) for one in found} <= {0, 1}:
        return [number for number, one in enumerate(found) if one]
    if not all(0 <= one < count for one in found):
        raise InvalidInput(f"Row {at} has {count} documents, and names {found[:5]} as relevant.")
    return found


EVALUATOR = Evaluator(
    name="retrieval",
    version=1,
    summary="Documents ranked for a query.",
    task="sentence-similarity",
    metric="ndcg",
    args=(
        Arg("query", (str,)),
        Arg("documents", (str,)),
        Arg("label", (str,)),
        Arg("query_prefix", (str,), ""),
        Arg("document_prefix", (str,), ""),
        Arg("depth", (int,), 100, least=1),
        *ENGINE,
    ),
    read=read,
    make=make,
)
