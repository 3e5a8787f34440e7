"""Vectors of texts: feature-extraction as TEI's clients ask for it, and OpenAI's embeddings."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from reprise.base.errors import InvalidField
from reprise.tasks.sentence_similarity import SentenceSimilarity
from reprise.worker.inside.faces.accepted import EMBEDDING, check_fields
from reprise.worker.inside.fields import Fields
from reprise.worker.inside.requests import Options, Request

_ENCODINGS = ("float", "base64")
_WIDEST = 1 << 20


def pools(folder: Path | None) -> bool:
    """Tell whether a repo says how sentences become vectors."""
    return folder is not None and (folder / "modules.json").is_file()


def read_states(body: Fields) -> Request:
    """Read feature-extraction of a model without a pooling of its own: [1, T, C] per text."""
    texts = _texts(body, "inputs")
    _plain_numbers(body)
    cut = body.flag("truncate") or body.object("parameters").flag("truncation")
    single = isinstance(body.raw("inputs"), str)
    return Request(texts, {"truncation": True} if cut else {},
                   lambda results: results[0] if single else results)  # fmt: skip


def read_features(pipe: SentenceSimilarity, body: Fields) -> Request:
    """Read feature-extraction of a model that says how sentences become vectors: [C] per text."""
    texts = _texts(body, "inputs")
    _plain_numbers(body)
    prompt = body.text("prompt_name")
    if prompt is not None:
        raise body.wrong("prompt_name", "absent: put the prompt before your texts")
    width, single = _dimensions(pipe, body), isinstance(body.raw("inputs"), str)
    scaled = body.flag("normalize")

    def show(vectors: list[Any]) -> Any:
        found = [_shaped(vector, width, scaled=scaled or width is not None) for vector in vectors]
        listed = [vector.tolist() for vector in found]
        return listed[0] if single else listed

    return Request(texts, {}, show, _encoding(pipe))


def _plain_numbers(body: Fields) -> None:
    """Refuse what huggingface_hub's client can ask for beside, and is not done here."""
    if body.choice("encoding_format", _ENCODINGS) == "base64":
        raise body.wrong("encoding_format", '"float"')
    if (body.text("truncation_direction") or "right").lower() != "right":
        raise body.wrong("truncation_direction", '"right": the end is what is cut off')


def read_embeddings(pipe: SentenceSimilarity, body: Any, model: str) -> Request:
    """Read a body of `/v1/embeddings`."""
    fields = Fields(body)
    check_fields(fields, EMBEDDING)
    texts = _texts(fields, "input")
    encode = _in_base64 if fields.choice("encoding_format", _ENCODINGS) == "base64" else _in_json
    width = _dimensions(pipe, fields)

    def show(vectors: list[Any]) -> Any:
        data = [{"object": "embedding", "index": number,
                 "embedding": encode(_shaped(vector, width, scaled=width is not None))}
                for number, vector in enumerate(vectors)]  # fmt: skip
        tokens = count_tokens(pipe, texts)
        return {"object": "list", "data": data, "model": model,
                "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}  # fmt: skip

    return Request(texts, {}, show, _encoding(pipe))


def count_tokens(pipe: SentenceSimilarity, texts: list[str]) -> int:
    """Count the tokens that the model reads of texts."""
    most = pipe.pooling.max_tokens or (pipe.parts.limit if pipe.parts.bounded else None)
    cut = {"truncation": True, "max_length": most} if most else {}
    prompted = [pipe.pooling.prompt + text for text in texts]
    return sum(map(len, pipe.tokenizer(prompted, **cut)["input_ids"]))


def _encoding(pipe: SentenceSimilarity) -> Callable[[list[Any], Options], list[Any]]:
    return lambda items, options: list(pipe.encode(items, **options))


def _texts(body: Fields, name: str) -> list[str]:
    value = body.raw(name)
    if isinstance(value, list) and value and not isinstance(value[0], str):
        raise InvalidField(f"{name} must be a text or a list of texts; numbers of tokens are not "
                           "taken.", field=name)  # fmt: skip
    found = body.texts(name)
    if found is None:
        raise body.wrong(name, "a text or a list of texts")
    for number, text in enumerate(found):
        if not text:
            where = name if isinstance(value, str) else f"{name}.{number}"
            raise InvalidField(f"{where} is empty.", field=where)
    return found


def _dimensions(pipe: SentenceSimilarity, body: Fields) -> int | None:
    wanted = body.whole("dimensions", 1, _WIDEST)
    width = pipe.model.plan.spec.width * len(pipe.pooling.modes)
    if wanted is not None and wanted > width:
        raise body.wrong("dimensions", f"at most {width}, what this model's vectors have")
    return wanted


def _shaped(vector: Any, width: int | None, *, scaled: bool) -> Any:
    """Keep the first numbers of a vector [C], and bring it to length 1."""
    kept = vector[:width]
    if not scaled:
        return kept
    return kept / max(float(np.linalg.norm(kept)), 1e-12)


def _in_json(vector: Any) -> list[float]:
    found: list[float] = vector.tolist()
    return found


def _in_base64(vector: Any) -> str:
    return base64.b64encode(np.asarray(vector, "<f4").tobytes()).decode()
