"""question-answering: the part of a context that answers a question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.tasks.base import Done, Options, Pipeline
from reprise.tasks.rows import Row
from reprise.tasks.scores import check_count
from reprise.tasks.spans import best_spans
from reprise.tasks.text import Cut, Reader, check_text
from reprise.tokenizers.options import Want

_COLUMNS = ("offsets", "sequence_ids", "word_ids")


@dataclass(frozen=True)
class _Asked:
    """A question as far as it is read, and where its answer is."""

    question: str
    context: str
    stride: int


@dataclass(frozen=True)
class AnswerOptions(Options):
    """Parameters of question-answering.

    Attributes:
        top_k: How many answers to give; 1 gives it alone, more a list.
        doc_stride: Tokens that windows of a long context share; None: 128, or half a window, or
            half of what a long question leaves of it.
        max_answer_len: Tokens of an answer.
        max_seq_len: Tokens of a window, question included; None: 384, or what the model takes.
        max_question_len: Tokens of a question, behind which it is cut; None: it is not.
        handle_impossible_answer: Whether "no answer" is one, as an empty text.
        align_to_words: Whether answers begin and end with words.
    """

    top_k: int = 1
    doc_stride: int | None = None
    max_answer_len: int = 15
    max_seq_len: int | None = None
    max_question_len: int | None = None
    handle_impossible_answer: bool = False
    align_to_words: bool = True


class QuestionAnswering(Pipeline):
    """Gives answers with their places and scores."""

    options_type = AnswerOptions
    fields = ("start_logits", "end_logits")
    by_token = True
    takes_mapping = True

    def prepare(self) -> None:
        """Make what reads text."""
        self.reader = Reader(self.parts)
        self.question_first = not self.parts.pad.left

    def __call__(self, inputs: Any = None, second: Any = None, /, *, question: Any = None,
                 context: Any = None, **given: Any) -> Any:  # fmt: skip
        """Answer questions.

        Args:
            inputs: A mapping with `question` and `context`, or several; or a question, with its
                context as the second argument. Also called `data`.
            second: See `inputs`.
            question: A question, or a list of them.
            context: Where the answer is; one for all questions, or as many.
            **given: See `AnswerOptions` and `Pipeline`.

        Returns:
            `{"score", "start", "end", "answer"}`, places in characters of the context; a list of
            them with `top_k` above 1. A list of one gives the result of that one, as in
            transformers.
        """
        for name in ("data", "X"):
            inputs = given.pop(name, inputs)
        if second is not None:
            question, context = inputs, second
        if question is not None or context is not None:
            inputs = _paired(question, context)
        if "topk" in given:
            given["top_k"] = given.pop("topk")
        found = super().__call__(inputs, **given)
        is_one = isinstance(inputs, list | tuple) and len(found) == 1
        return found[0] if is_one else found

    def typed(self, words: list[str]) -> Any:
        """Answer the first text from the second."""
        if len(words) != 2:  # noqa: PLR2004 - question and context
            raise InvalidInput("Type a question and a context.")
        return self(question=words[0], context=words[1])

    def read(self, item: Any, options: AnswerOptions) -> _Asked:
        """Accept a question and its context; look at the parameters."""
        check_count("top_k", options.top_k)
        check_count("max_answer_len", options.max_answer_len)
        check_count("max_seq_len", options.max_seq_len, optional=True)
        check_count("max_question_len", options.max_question_len, optional=True)
        if not isinstance(item, Mapping) or not {"question", "context"} <= set(item):
            raise InvalidInput("An input is a mapping with question and context.")
        question = check_text(item["question"], "The question")
        context = check_text(item["context"], "The context")
        if not question.strip() or not context.strip():
            raise InvalidInput("Question and context must not be empty.")
        question, count = self._shortened(question, options.max_question_len)
        return _Asked(question, context, self._stride(count, options))

    def _shortened(self, question: str, most: int | None) -> tuple[str, int]:
        """Cut a question behind so many tokens; gives how many it has."""
        batch = self.reader.encode([question], Cut(special=False), Want.OFFSETS)
        if most is None or len(batch.ids) <= most:
            return question, len(batch.ids)
        assert batch.offsets is not None
        return question[: int(batch.offsets[most - 1][1])], most

    def _stride(self, question: int, options: AnswerOptions) -> int:
        """Choose how many tokens windows share, behind a question of so many tokens."""
        length, stride = self._length(options), options.doc_stride
        room = length - question - self.tokenizer.num_special_tokens_to_add(pair=True)
        if room < 1:
            raise InvalidInput(
                f"Its question has {question} tokens, which leave none of a window's {length} for "
                "the context.", hint="Give max_question_len to cut it, or a larger max_seq_len.",
            )  # fmt: skip
        if stride is None:
            usual = min(length // 2, 128)
            return usual if usual < room else room // 2
        if isinstance(stride, bool) or not isinstance(stride, int) or not 0 <= stride < room:
            raise InvalidInput(
                f"doc_stride is {stride!r}; with a question of {question} tokens and max_seq_len "
                f"{length} it must be a whole number from 0 to {room - 1}."
            )
        return stride

    def _length(self, options: AnswerOptions) -> int:
        length = options.max_seq_len or min(self.parts.limit, 384)
        if length > self.parts.limit:
            raise InvalidInput(f"max_seq_len is {length}; this model takes {self.parts.limit}.")
        return length

    def rows(self, items: Sequence[_Asked], options: AnswerOptions) -> list[list[Row]]:
        """Encode pairs; a long context becomes windows that overlap."""
        found: dict[int, list[Row]] = {}
        for stride in {item.stride for item in items}:
            at = [number for number, item in enumerate(items) if item.stride == stride]
            own = [(items[n].question, items[n].context) for n in at]
            pairs = own if self.question_first else [(c, q) for q, c in own]
            cut = Cut(truncation="only_second" if self.question_first else "only_first",
                      max_length=self._length(options), stride=stride)  # fmt: skip
            want = Want.OFFSETS | Want.SEQUENCE_IDS | Want.WORD_IDS
            rows = self.reader.rows(self.reader.encode(pairs, cut, want), _COLUMNS)
            found |= dict(zip(at, rows, strict=True))
        return [found[number] for number in range(len(items))]

    def check(self, row: Row) -> None:
        """Refuse what has no tokens or too many."""
        self.reader.check(row)

    def result(self, done: Done, options: AnswerOptions) -> Any:
        """Choose the best answers over all windows of one context."""
        context = done.item.context
        found: dict[str, dict[str, Any]] = {}
        nothing = 1.0
        for row, answer in zip(done.rows, done.answers, strict=True):
            spans, null = best_spans(answer, self._allowed(row), _considered(options),
                                     options.max_answer_len)  # fmt: skip
            nothing = min(nothing, null)
            for first, last, score in spans:
                start, end = self._place(row, first, last, options)
                text = context[start:end]
                # An answer that several windows or tokens give counts once, with all its scores.
                known = found.setdefault(
                    text.lower(), {"score": 0.0, "start": start, "end": end, "answer": text}
                )
                known["score"] += score
        answers = list(found.values())
        if options.handle_impossible_answer:
            answers.append({"score": nothing, "start": 0, "end": 0, "answer": ""})
        answers = sorted(answers, key=lambda each: -each["score"])[: options.top_k]
        return answers[0] if len(answers) == 1 else answers

    def _allowed(self, row: Row) -> Any:
        """Say where an answer may be: in the context, or at the class token, which means none."""
        inside = row.note["sequence_ids"] == (1 if self.question_first else 0)
        return inside | (row.features["input_ids"] == (self.tokenizer.cls_token_id or -1))

    def _place(self, row: Row, first: int, last: int, options: AnswerOptions) -> tuple[int, int]:
        """Give the characters of a span, widened to whole words."""
        offsets, words = row.note["offsets"], row.note["word_ids"]
        start, end = int(offsets[first][0]), int(offsets[last][1])
        if not options.align_to_words or words[first] < 0 or words[last] < 0:
            return start, end
        inside = row.note["sequence_ids"] == row.note["sequence_ids"][first]
        of_first, of_last = inside & (words == words[first]), inside & (words == words[last])
        return int(offsets[of_first][0][0]), int(offsets[of_last][-1][1])


def _considered(options: AnswerOptions) -> int:
    """Count the spans to look at: several may be one answer once they are widened to words."""
    wider = options.align_to_words and options.top_k > 1
    return options.top_k * 2 + 10 if wider else options.top_k


def _paired(question: Any, context: Any) -> Any:
    if isinstance(question, str):
        return {"question": question, "context": context}
    if not isinstance(question, list | tuple):
        raise InvalidInput("question must be a text or a list of texts.")
    contexts = [context] * len(question) if isinstance(context, str) else context
    if not isinstance(contexts, list | tuple) or len(contexts) != len(question):
        raise InvalidInput("context must be one text, or as many as there are questions.")
    return [{"question": q, "context": c} for q, c in zip(question, contexts, strict=True)]
