"""Bodies of tasks as huggingface_hub's InferenceClient sends them, and answers as it reads them."""

from collections.abc import Callable, Mapping
from typing import Any

from reprise.base.errors import NotSupported
from reprise.models.generate.settings import NAMES as SETTINGS
from reprise.tasks.base import Pipeline
from reprise.tasks.sentence_similarity import SentenceSimilarity
from reprise.worker.inside import inputs
from reprise.worker.inside.clients import reads_columns
from reprise.worker.inside.fields import MOST_TEXTS, Fields
from reprise.worker.inside.requests import Options, Request
from reprise.worker.inside.vectors import read_features, read_states

_TOP = 1000  # results that anybody may ask for
_LONGEST = 3600.0  # seconds of a piece of sound
_MANY = 32  # beams, and answers of one text
_STRATEGIES = ("none", "simple", "first", "average", "max")
_FUNCTIONS = ("sigmoid", "softmax", "none")
# What a client may not decide about another's machine, or what needs objects of Python.
_CLOSED = frozenset({"return_dict_in_generate", "output_scores", "output_logits", "max_time",
                     "stop_strings"})  # fmt: skip


def read_request(pipe: Pipeline, body: Any, client: str = "") -> Request:
    """Read the body of a job for a pipeline.

    Args:
        pipe: What will run it.
        body: What the client sent.
        client: What the client says it is; some read answers of another shape.

    Raises:
        InvalidField: Naming the field that cannot be.
        NotSupported: The task is not served.
    """
    fields = Fields(body)
    if pipe.task == "feature-extraction":
        return read_states(fields)
    if isinstance(pipe, SentenceSimilarity) and not isinstance(fields.raw("inputs"), Mapping):
        return read_features(pipe, fields)
    if pipe.task not in _TASKS:
        raise NotSupported(f"Workers do not serve the task {pipe.task!r} yet.",
                           hint="Run it where you are: reprise run.")  # fmt: skip
    read, options, show = _TASKS[pipe.task]
    items, single = read(fields)
    given = options(fields.object("parameters"))
    if show is _by_label and reads_columns(client):
        show = _in_columns
    return Request(items, given, lambda results: show(results, single))


# -- parameters ---------------------------------------------------------------------------------


def _present(**given: Any) -> Options:
    return {name: value for name, value in given.items() if value is not None}


def _classes(p: Fields) -> Options:
    return {
        "top_k": p.whole("top_k", 1, _TOP),  # absent: all labels
        **_present(function_to_apply=p.choice("function_to_apply", _FUNCTIONS),
                   truncation=p.flag("truncation") or None),
    }  # fmt: skip


def _tokens(p: Fields) -> Options:
    strategy = p.choice("aggregation_strategy", _STRATEGIES, "simple")
    return {"aggregation_strategy": strategy,
            **_present(ignore_labels=p.texts("ignore_labels") if p.raw("ignore_labels") else
                       p.raw("ignore_labels"), stride=p.whole("stride", 1, 1 << 20))}  # fmt: skip


def _answers(p: Fields) -> Options:
    return _present(
        top_k=p.whole("top_k", 1, _TOP), doc_stride=p.whole("doc_stride", 1, 1 << 20),
        max_answer_len=p.whole("max_answer_len", 1, _TOP),
        max_seq_len=p.whole("max_seq_len", 1, 1 << 20),
        handle_impossible_answer=p.flag("handle_impossible_answer"),
        align_to_words=p.flag("align_to_words", default=True),
    )  # fmt: skip


def _masks(p: Fields) -> Options:
    return _present(top_k=p.whole("top_k", 1, _TOP), targets=p.texts("targets"))


def _labels(p: Fields) -> Options:
    found = p.texts("candidate_labels")
    if found is None:
        raise p.wrong("candidate_labels", "a list of labels")
    labels = p.raw("candidate_labels") if len(found) == 1 else found
    template = p.text("hypothesis_template")
    if template is not None and template.count("{}") != 1:
        raise p.wrong("hypothesis_template", "a text with one {} for the label")
    return _present(candidate_labels=labels, hypothesis_template=template)


def _zero_shot(p: Fields) -> Options:
    return _labels(p) | {"multi_label": p.flag("multi_label")}


def _images(p: Fields) -> Options:
    return _present(top_k=p.whole("top_k", 1, _TOP),
                    function_to_apply=p.choice("function_to_apply", _FUNCTIONS))  # fmt: skip


def _top(p: Fields) -> Options:
    return _present(top_k=p.whole("top_k", 1, _TOP))


def _pool(p: Fields) -> Options:
    return _present(pool=p.flag("pool") or None)


def _ranking(p: Fields) -> Options:
    return _present(top_k=p.whole("top_k", 1, MOST_TEXTS))


def _nothing(p: Fields) -> Options:
    del p
    return {}


def _writing(p: Fields) -> Options:
    """Read the parameters of tasks from text to text; those of generation also stand beside."""
    truncation = p.raw("truncation")
    if truncation is not None and not isinstance(truncation, str | bool):
        raise p.wrong("truncation", "a strategy")
    told = p.object("generate_parameters" if "generate_parameters" in p else
                    "generation_parameters")  # fmt: skip
    return _present(
        clean_up=p.flag("clean_up_tokenization_spaces") or None, truncation=truncation,
        src_lang=p.text("src_lang"), tgt_lang=p.text("tgt_lang"),
        generate_kwargs=_generation(p) | _generation(told) or None,
    )  # fmt: skip


def _caption(p: Fields) -> Options:
    """Read the parameters of tasks that write of something that is no text."""
    told = p.object("generation_parameters")
    return _present(generate_kwargs=_generation(p) | _generation(told) or None)


def _table(p: Fields) -> Options:
    cut = p.raw("truncation")
    cuts = None if cut in (None, False, "do_not_truncate") else p.flag("truncation") if isinstance(
        cut, bool) else p.choice("truncation", ("drop_rows_to_fit", "do_not_truncate"))  # fmt: skip
    return _caption(p) | _present(truncation=cuts)


def _speech(p: Fields) -> Options:
    told = p.object("generation_parameters")
    return _present(
        return_timestamps=_times(p),
        chunk_length_s=p.number("chunk_length_s", 0, _LONGEST, above=True),
        stride_length_s=p.number("stride_length_s", 0, _LONGEST),
        language=told.text("language", p.text("language")), task=told.text("task", p.text("task")),
        generate_kwargs=_generation(told) or None,
    )  # fmt: skip


def _times(p: Fields) -> bool | str | None:
    """Read which times are wanted; the model says which of them it gives."""
    asked = p.raw("return_timestamps")
    if asked is not None and not isinstance(asked, bool) and asked not in ("word", "char"):
        raise p.wrong("return_timestamps", "true, false, word or char")
    return asked or None


def _generation(p: Fields) -> Options:
    """Pick the settings of generation; `generate` checks their values, and names them."""
    for name in ("num_beams", "num_return_sequences"):
        p.whole(name, 1, _MANY)
    return {name: p.raw(name) for name in sorted(SETTINGS - _CLOSED) if name in p}


# -- inputs -------------------------------------------------------------------------------------


def _one_image(body: Fields) -> tuple[list[Any], bool]:
    return [inputs.image(body)], True


def _asked(body: Fields) -> tuple[list[Any], bool]:
    """Read an image and what is asked about it; huggingface_hub sends both beside `inputs`."""
    if body.raw("question") is not None:
        beside = {name: body.raw(name) for name in ("image", "question")}
        body = Fields({"inputs": beside})
    found, single = inputs.mappings(body, "image", "question")
    return [{**one, "image": inputs.image(Fields({"inputs": one["image"]}))}
            for one in found], single  # fmt: skip


def _one_sound(body: Fields) -> tuple[list[Any], bool]:
    return [inputs.sound(body)], True


def _pairs_or_texts(body: Fields) -> tuple[list[Any], bool]:
    """Read texts, or objects with `text` and `text_pair`."""
    value = body.raw("inputs")
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, Mapping):
        return inputs.texts(body)
    names = ("text", "text_pair") if "text_pair" in first else ("text",)
    return inputs.mappings(body, *names)


def _questions(body: Fields) -> tuple[list[Any], bool]:
    return inputs.mappings(body, "question", "context")


def _compared(body: Fields) -> tuple[list[Any], bool]:
    found, single = inputs.mappings(body, "source_sentence", "sentences")
    return [_checked(one, "sentences", "source_sentence") for one in found], single


def _tables(body: Fields) -> tuple[list[Any], bool]:
    found, single = inputs.mappings(body, "query", "table")
    for one in found:
        if not isinstance(one["table"], Mapping | list):
            raise Fields(one, "inputs").wrong("table", "columns by name, or a list of rows")
    return found, single


def _ranked(body: Fields) -> tuple[list[Any], bool]:
    found, single = inputs.mappings(body, "query", "texts")
    return [_checked(one, "texts", "query") for one in found], single


def _checked(one: dict[str, Any], many: str, text: str) -> dict[str, Any]:
    """Look at the types of an object with a text and a list of texts."""
    fields = Fields(one, "inputs")
    if not isinstance(one[many], list):
        raise fields.wrong(many, "a list of texts")
    return {text: fields.text(text), many: fields.texts(many)}


# -- answers ------------------------------------------------------------------------------------


def _listed(results: list[Any], single: bool) -> Any:
    """Give a list of results also for a single input (text-classification)."""
    del single
    return results


def _plain(results: list[Any], single: bool) -> Any:
    """Give the result of a single input alone."""
    return results[0] if single else results


def _joined(results: list[Any], single: bool) -> Any:
    """Give one list of texts: writing tasks give several per input."""
    del single
    return [one for own in results for one in own]


def _by_label(results: list[Any], single: bool) -> Any:
    """Give `{"label", "score"}` per label (zero-shot-classification)."""
    found = [[{"label": label, "score": score}
              for label, score in zip(one["labels"], one["scores"], strict=True)]
             for one in results]  # fmt: skip
    return found[0] if single else found


def _in_columns(results: list[Any], single: bool) -> Any:
    """Give `{"sequence", "labels", "scores"}`, as clients before huggingface_hub 1.0 read it."""
    return _plain(results, single)


_Read = Callable[[Fields], tuple[list[Any], bool]]
_Show = Callable[[list[Any], bool], Any]
_TASKS: dict[str, tuple[_Read, Callable[[Fields], Options], _Show]] = {
    "text-classification": (_pairs_or_texts, _classes, _listed),
    "token-classification": (inputs.texts, _tokens, _plain),
    "question-answering": (_questions, _answers, _plain),
    "fill-mask": (inputs.texts, _masks, _plain),
    "sentence-similarity": (_compared, _nothing, _plain),
    "text-ranking": (_ranked, _ranking, _plain),
    "zero-shot-classification": (inputs.texts, _zero_shot, _by_label),
    "text2text-generation": (inputs.texts, _writing, _joined),
    "summarization": (inputs.texts, _writing, _joined),
    "translation": (inputs.texts, _writing, _joined),
    "table-question-answering": (_tables, _table, _plain),
    "image-to-text": (_one_image, _caption, _joined),
    "automatic-speech-recognition": (_one_sound, _speech, _plain),
    "image-classification": (_one_image, _images, _plain),
    "image-feature-extraction": (_one_image, _pool, _plain),
    "visual-question-answering": (_asked, _top, _plain),
    "zero-shot-image-classification": (_one_image, _labels, _plain),
}
