"""Heads as plain data: what stands on a body, the same for every family.

A head reads the hidden states [B, T, C], picks what it needs (`pool`), may pass it through a
dense layer, and ends in an output layer. Its canonical names are `head.dense`, `head.norm` and
`head.out`; a second head beside it (next sentence, multiple choice) is `second`.
"""

from dataclasses import dataclass, replace
from typing import Literal

from reprise.models.spec import Norm

Kind = Literal[
    "causal_lm", "masked_lm", "seq2seq_lm", "sequence", "token", "question_answering",
    "beam_question_answering", "multiple_choice", "next_sentence", "pretraining", "discriminator",
    "double_heads", "image", "image_with_teacher", "masked_image", "projected", "speech", "body",
    "adaptive_lm", "ctc",
]  # fmt: skip
Pool = Literal["all", "pooler", "first", "last", "last_unpadded", "mean", "chosen", "eos",
               "mean_all", "class_and_mean", "second", "patches_mean"]  # fmt: skip
Out = Literal["vocab", "labels", "one", "two", "width", "none"]
ONLY = ("encoder", "decoder", "vision")  # towers that a head may stand on alone


@dataclass(frozen=True, kw_only=True)
class Head:
    """What stands on a body.

    `pool` says which states are read; `dense` that a layer of the model's width comes first
    (`dense_width` when another); `tied` that the output layer is the token table.
    """

    kind: Kind
    out: Out
    pool: Pool = "all"
    dense: bool = False
    dense_width: int = 0
    dense_bias: bool = True
    act: str = ""  # after `dense`; empty: none
    norm: Norm | None = None  # after `act`
    norm_first: bool = False  # before it (ViLT)
    bias: bool = True  # of the output layer
    tied: bool = False
    tied_if_absent: bool = False  # the output layer is the token table when a file has no other
    scale: float = 1.0  # of the states before the output layer
    softcap: float = 0.0  # logits become cap * tanh(logits / cap)
    logits_bias: bool = False  # a stored row [1, V] added to the logits (BART)
    projections: tuple[int, ...] = ()  # clusters with a projection of the head's own (adaptive)
    out_width: int = 0  # rows of the output layer, with `out="width"`
    keeps_pooler: bool = False  # the file has the body's pooler, though the head reads it not
    only: str = ""  # the tower it stands on, when not on all
    second: "Head | None" = None
    names: str = ""  # table of its stored names
    body: str = ""  # what stands before the body's names, when not what the family says; -: nothing

    def rows(self, vocab: int, labels: int) -> int:
        """How many numbers the output layer gives; 0 when there is none."""
        known = {"vocab": vocab, "labels": labels, "one": 1, "two": 2, "width": self.out_width}
        return known.get(self.out, 0)

    @property
    def reads_pooler(self) -> bool:
        """Whether the body has to compute its pooled output."""
        return (
            self.pool == "pooler"
            or self.keeps_pooler
            or (self.second is not None and self.second.reads_pooler)
        )


def lm(kind: Kind = "causal_lm", names: str = "", **more: object) -> Head:
    """Make a head that predicts tokens, tied and without bias unless said otherwise."""
    head = Head(kind=kind, out="vocab", tied=True, bias=False, names=names)
    return replace(head, **more)  # type: ignore[arg-type]


def sequence(names: str, pool: Pool = "pooler", **more: object) -> Head:
    """Make a head that gives one row of label scores per input."""
    return replace(Head(kind="sequence", out="labels", pool=pool, names=names), **more)  # type: ignore[arg-type]


def token(names: str, **more: object) -> Head:
    """Make a head that gives label scores per token."""
    return replace(Head(kind="token", out="labels", names=names), **more)  # type: ignore[arg-type]


def question_answering(names: str, **more: object) -> Head:
    """Make a head that scores each token as the start and as the end of the answer."""
    # The reference sizes this layer by the number of labels, which is two for it.
    return replace(Head(kind="question_answering", out="two", names=names), **more)  # type: ignore[arg-type]


def multiple_choice(names: str, pool: Pool = "pooler", **more: object) -> Head:
    """Make a head that scores each choice [B, choices, T] by one number."""
    return replace(Head(kind="multiple_choice", out="one", pool=pool, names=names), **more)  # type: ignore[arg-type]


def next_sentence(names: str) -> Head:
    """Make a head that tells whether the second sentence follows the first."""
    return Head(kind="next_sentence", out="two", pool="pooler", names=names)
