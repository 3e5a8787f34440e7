"""What all bodies that ask for a text have in common: how long, how chosen, when to stop."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from reprise.base.errors import InvalidField, InvalidInput
from reprise.models.generate.history import History
from reprise.models.generate.rules import Rule
from reprise.models.generate.settings import FILE_NAME, stored_settings
from reprise.tasks.files import read_object
from reprise.tasks.rows import Array
from reprise.tasks.text import Cut, check_text
from reprise.tasks.text_generation import TextGeneration
from reprise.worker.inside.fields import Fields
from reprise.worker.inside.voices import Said, Voice

MOST_ANSWERS = 32
_MOST_STOPS, _LONGEST_STOP = 16, 1000  # texts, and characters of one
_HOTTEST = 100.0
_SEEDS = 1 << 64
_UNBOUNDED = 1 << 17  # tokens of a model that states no limit
_CONTEXT = ("max_position_embeddings", "n_positions", "n_ctx")


class Form(Protocol):
    """How an answer is written for the client that asked."""

    stream: bool

    def begin(self) -> bytes:
        """Begin a stream."""

    def say(self, said: Said) -> bytes:
        """Write what one step added to a stream; nothing when there is nothing to show."""

    def end(self, voices: list[Voice]) -> bytes:
        """End a stream, or write the whole answer."""


@dataclass(frozen=True)
class Wish:
    """What a job asks a model to write.

    Attributes:
        prompts: Tokens [T] of each prompt.
        settings: Of generation, by transformers' names.
        form: Writes the answer.
        copies: Answers to each prompt.
        stops: Texts that end an answer.
        keep_stop: Whether the text that ended it belongs to it.
        logprobs: How many likeliest tokens are wanted at each place; None: no tokens at all.
        penalties: For presence, and for each time.
        rule: Makes what keeps an answer in its shape; each answer has its own.
    """

    prompts: list[Array]
    settings: Mapping[str, Any]
    form: Form
    copies: int = 1
    stops: tuple[str, ...] = ()
    keep_stop: bool = False
    logprobs: int | None = None
    penalties: tuple[float, float] = (0.0, 0.0)
    rule: Callable[[], Rule] | None = None


@dataclass(frozen=True)
class Penalties:
    """A rule: tokens that were written lose something once, and something for each time."""

    presence: float
    frequency: float

    def __call__(self, scores: Array, history: History) -> None:
        """Change scores [V] in place."""
        tokens, counts = np.unique(history.new, return_counts=True)
        scores[tokens] -= np.float32(self.presence) + np.float32(self.frequency) * counts


def encode(pipe: TextGeneration, text: str, field: str, *, special: bool = True) -> Array:
    """Give the tokens [T] of a prompt.

    Raises:
        InvalidField: It has none.
    """
    try:
        check_text(text, field)
    except InvalidInput as error:
        raise InvalidField(error.message, field=field) from None
    (rows,) = pipe.reader.rows(pipe.reader.encode([text], Cut(special=special))) or [[]]
    if not rows or not rows[0].cost:
        raise InvalidField(f"{field} is empty: there is nothing to go on from.", field=field)
    found: Array = rows[0].features["input_ids"]
    return found


def context(pipe: TextGeneration) -> int:
    """Tell how many tokens a text of this model may have."""
    config = pipe.model.config
    stated = [config.get(name) for name in _CONTEXT]
    known = [number for number in stated if isinstance(number, int) and number > 0]
    return min([pipe.parts.positions, _UNBOUNDED, *known])


def length(pipe: TextGeneration, prompts: list[Array], body: Fields, *, names: tuple[str, ...],
           default: int, field: str) -> int:  # fmt: skip
    """Read how many tokens to write: what is asked for, else what fits of a usual number.

    Raises:
        InvalidField: A prompt, or what is asked for beside it, is too long for the model.
    """
    most, longest = context(pipe), max(map(len, prompts))
    if longest >= most:
        raise InvalidField(
            f"{field} has {longest} tokens; this model reads and writes {most} in all.",
            field=field, hint="Shorten it.",
        )  # fmt: skip
    name = next((name for name in names if name in body), names[0])
    asked = body.whole(name, 1, _UNBOUNDED)
    if asked is not None and longest + asked > most:
        raise InvalidField(
            f"{body.at(name)} is {asked}, behind {longest} tokens of {field}; this model reads and "
            f"writes {most} in all.", field=body.at(name), hint=f"Ask for {most - longest}.",
        )  # fmt: skip
    if asked is not None:
        return asked
    stored = stored_settings(pipe.model.config, pipe.parts.folder).max_new_tokens
    return min(stored or default, most - longest)


def choosing(pipe: TextGeneration, body: Fields) -> dict[str, Any]:
    """Read how tokens are chosen; what nobody says the model's own settings say.

    Any number that only means something for sampling asks for it; a temperature of 0, or
    `do_sample` false, forbids it.
    """
    heat = body.number("temperature", 0, _HOTTEST)
    found: dict[str, Any] = {
        "top_p": body.number("top_p", 0, 1, above=True),
        "top_k": body.whole("top_k", 0, 1 << 28),
        "min_p": body.number("min_p", 0, 1),
        "typical_p": body.number("typical_p", 0, 1, above=True),
        "temperature": heat or None,
    }
    asked = any(value is not None for value in found.values())
    sampled = body.flag("do_sample", default=asked) if "do_sample" in body else asked or None
    found["do_sample"] = False if heat == 0 else sampled
    found["repetition_penalty"] = body.number("repetition_penalty", 0, _HOTTEST, above=True)
    if found["top_k"] is None and "top_k" not in _stated(pipe):
        found["top_k"] = 0  # transformers' 50 is nothing that a client of this kind expects
    seed = body.whole("seed", -(_SEEDS >> 1), _SEEDS - 1)
    found["seed"] = None if seed is None else seed % _SEEDS
    return {name: value for name, value in found.items() if value is not None}


def penalties(body: Fields) -> tuple[float, float]:
    """Read what repeating costs: once, and for each time."""
    presence = body.number("presence_penalty", -2, 2, 0.0)
    frequency = body.number("frequency_penalty", -2, 2, 0.0)
    return presence or 0.0, frequency or 0.0


def biases(pipe: TextGeneration, body: Fields) -> dict[str, Any]:
    """Read `logit_bias`: what is added to the scores of tokens."""
    given = body.raw("logit_bias")
    if not isinstance(given, Mapping) or not given:
        return {}  # a list is what huggingface_hub's client may send, and nobody uses
    told = body.object("logit_bias")
    vocabulary = pipe.tokenizer.vocab_size + len(pipe.tokenizer.get_added_vocab())
    found = {}
    for name in given:
        if not str(name).isdecimal() or int(name) >= vocabulary:
            raise InvalidField(f"logit_bias names {name!r:.40}, which is no number of a token.",
                               field="logit_bias")  # fmt: skip
        bias = told.number(name, -100, 100)
        if bias is not None:
            found[(int(name),)] = bias
    return {"sequence_bias": found} if found else {}


def stop_texts(body: Fields, *names: str) -> tuple[str, ...]:
    """Read the texts that end an answer."""
    name = next((name for name in names if body.raw(name)), names[0])
    found = body.texts(name, _MOST_STOPS) if body.raw(name) else None
    if any(not text or len(text) > _LONGEST_STOP for text in found or ()):
        raise body.wrong(name, f"texts of 1 to {_LONGEST_STOP} characters")
    return tuple(found or ())


def copies(pipe: TextGeneration, body: Fields, settings: Mapping[str, Any]) -> int:
    """Read `n`, how many answers are wanted."""
    count = body.whole("n", 1, MOST_ANSWERS, 1) or 1
    stored = stored_settings(pipe.model.config, pipe.parts.folder).do_sample
    if count > 1 and not settings.get("do_sample", stored):
        raise InvalidField("n is above 1, and without sampling all answers are the same.",
                           field="n", hint="Give a temperature above 0.")  # fmt: skip
    return count


def _stated(pipe: TextGeneration) -> Mapping[str, Any]:
    folder = pipe.parts.folder
    return read_object(folder / FILE_NAME) if folder else {}
