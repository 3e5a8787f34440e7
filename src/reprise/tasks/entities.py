"""From scores of tokens to entities, by the strategies that the field agreed on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reprise.tasks.rows import Array
from reprise.tasks.scores import name_of

Entity = dict[str, Any]
STRATEGIES = ("none", "simple", "first", "average", "max")
_BY_WORD = ("first", "average", "max")


@dataclass(frozen=True, eq=False)
class Token:
    """One token with the scores [labels] of its labels."""

    text: str
    scores: Array
    start: int  # in characters of the text
    end: int
    index: int  # in the row
    is_subword: bool  # it goes on with the word before it


@dataclass(frozen=True)
class Reading:
    """What is needed to name entities."""

    names: Mapping[int, str]
    join: Callable[[Sequence[str]], str]  # tokens to text


def read_entities(tokens: Sequence[Token], strategy: str, reading: Reading) -> list[Entity]:
    """Name the entities of one row."""
    if strategy == "none":
        return [_of_token(token, reading) for token in tokens]
    if strategy == "simple":
        return _grouped([_of_token(token, reading) for token in tokens], reading)
    words: list[list[Token]] = []
    for token in tokens:
        if words and token.is_subword:
            words[-1].append(token)
        else:
            words.append([token])
    return _grouped([_of_word(word, strategy, reading) for word in words], reading)


def merged(entities: Sequence[Entity]) -> list[Entity]:
    """Of entities that windows found in one place, keep the longest, then the likeliest."""
    kept: list[Entity] = []
    for entity in sorted(entities, key=lambda each: each["start"]):
        before = kept[-1] if kept else None
        if before is None or not before["start"] <= entity["start"] < before["end"]:
            kept.append(entity)
        elif _weight(entity) > _weight(before):
            kept[-1] = entity
    return kept


def _weight(entity: Entity) -> tuple[int, float]:
    return entity["end"] - entity["start"], entity["score"]


def _of_token(token: Token, reading: Reading) -> Entity:
    best = int(token.scores.argmax())
    return {"entity": name_of(reading.names, best), "score": float(token.scores[best]),
            "index": token.index, "word": token.text, "start": token.start,
            "end": token.end}  # fmt: skip


def _of_word(word: Sequence[Token], strategy: str, reading: Reading) -> Entity:
    if strategy == "average":
        scores = np.mean([token.scores for token in word], axis=0)
    elif strategy == "max":
        scores = max(word, key=lambda token: token.scores.max()).scores
    else:
        scores = word[0].scores
    best = int(scores.argmax())
    return {"entity": name_of(reading.names, best), "score": float(scores[best]),
            "word": reading.join([token.text for token in word]), "start": word[0].start,
            "end": word[-1].end}  # fmt: skip


def _grouped(entities: Sequence[Entity], reading: Reading) -> list[Entity]:
    """Join neighbours of one kind, unless the second begins an entity."""
    groups: list[list[Entity]] = []
    for entity in entities:
        begins, kind = _tag(entity["entity"])
        if groups and _tag(groups[-1][-1]["entity"])[1] == kind and not begins:
            groups[-1].append(entity)
        else:
            groups.append([entity])
    return [_group(group, reading) for group in groups]


def _group(group: Sequence[Entity], reading: Reading) -> Entity:
    return {"entity_group": group[0]["entity"].split("-", 1)[-1],
            "score": float(np.mean([entity["score"] for entity in group])),
            "word": reading.join([entity["word"] for entity in group]),
            "start": group[0]["start"], "end": group[-1]["end"]}  # fmt: skip


def _tag(name: str) -> tuple[bool, str]:
    """Split `B-PER`: whether it begins an entity, and its kind; other names go on with one."""
    if name.startswith(("B-", "I-")):
        return name[0] == "B", name[2:]
    return False, name
