"""The layers of a head, how it picks what it reads, and the fields it answers."""

from collections.abc import Callable, Mapping

from reprise.models import shapes
from reprise.models.heads import Head
from reprise.models.onnx import proto
from reprise.models.onnx.attention import softcapped
from reprise.models.onnx.graph import Graph
from reprise.models.onnx.layers import activate, in_few_bits, linear, norm, times_turned
from reprise.models.onnx.tables import token_table
from reprise.models.onnx.tower import Passed, row_of
from reprise.models.plan import Plan
from reprise.models.spec import Patches

Fields = dict[str, str]


class Answer:
    """One head over what a tower gave.

    Args:
        g: The graph.
        plan: Whose head.
        passed: What the tower gave.
        given: Inputs by the call's own names.
    """

    def __init__(self, g: Graph, plan: Plan, passed: Passed, given: Mapping[str, str]) -> None:
        self.g, self.plan, self.passed, self.given = g, plan, passed, given

    def fields(self) -> Fields:
        """Emit the head; gives values by the names of the answer's fields."""
        head = self.plan.head
        assert head is not None
        return KINDS[head.kind](self, head)

    def scores(self, head: Head, name: str = "head") -> str:
        """Emit the layers of a head over the states it reads."""
        return self.layers(head, self._picked(head), name)

    def layers(self, head: Head, x: str, name: str = "head") -> str:
        """Emit the layers of a head over states x [..., C]."""
        g = self.g
        width = shapes.pooled_width(head, self.plan.spec.width)
        first = head.norm if head.norm_first else None
        if head.dense:
            (x,) = linear(g, x, f"{name}.dense")
            width = head.dense_width or self.plan.spec.width
            x = norm(g, x, f"{name}.norm", first, width) if first else x
            x = activate(g, x, head.act)
        x = norm(g, x, f"{name}.norm", head.norm, width) if head.norm and not first else x
        x = g.scaled(x, head.scale)
        if head.out == "none":
            return x
        x = self._out(head, x, name)
        if head.logits_bias:
            x = g.add(x, g.weight(f"{name}.logits_bias"))
        return softcapped(g, x, head.softcap) if head.softcap else x

    def _out(self, head: Head, x: str, name: str) -> str:
        if not head.tied:
            return linear(self.g, x, f"{name}.out")[0]
        table = token_table(self.plan)
        modules = (table.removesuffix(".weight"),)
        if modules in self.g.weights.rounded:
            x = in_few_bits(self.g, x, modules)
        else:
            x = times_turned(self.g, x, self.g.weight(table))
        bias = f"{name}.out.bias"
        return self.g.add(x, self.g.weight(bias)) if head.bias else x

    def _picked(self, head: Head) -> str:
        if head.pool == "pooler":
            return self.passed.pooled
        states = _POOLS[head.pool](self)
        if "picked" in self.given:
            places = self.g.unsqueeze(self.given["picked"], 2)
            return self.g.op("GatherND", states, places, batch_dims=1)
        keep = self.given.get("logits_to_keep")
        if keep and head.out == "vocab":
            start = self.g.op("Neg", keep)
            return self.g.slice(states, start, self.g.side(states, 1), 1)
        return states

    def row(self, there: str) -> str:
        """Take each row's last state where `there` [B, T] is true."""
        g = self.g
        places = g.range(g.constant([0]), g.side(there, 1))
        marked = g.mul(places, g.cast(there, proto.INT64))
        return row_of(g, self.passed.last, g.op("ArgMax", marked, axis=1, keepdims=0))


def _last_unpadded(answer: Answer) -> str:
    """Each row's last token that is not padding, by its id, as the reference finds it."""
    pad, ids, g = answer.plan.config.get("pad_token_id"), answer.given.get("input_ids"), answer.g
    if pad is None or not ids:
        return g.at(answer.passed.last, -1, 1)
    return answer.row(g.op("Not", g.op("Equal", ids, g.constant(pad))))


def _eos(answer: Answer) -> str:
    """Each row's last end-of-sequence token."""
    eos = answer.g.constant(answer.plan.config["eos_token_id"])
    return answer.row(answer.g.op("Equal", answer.given["input_ids"], eos))


def _chosen(answer: Answer) -> str:
    places = answer.given.get("mc_token_ids")
    if not places:
        return answer.g.at(answer.passed.last, -1, 1)
    return row_of(answer.g, answer.passed.last, answer.g.reshape(places, -1))


def _mean(answer: Answer) -> str:
    g, last, padding = answer.g, answer.passed.last, answer.given.get("attention_mask")
    if not padding:
        return g.op("ReduceMean", last, g.constant([1]), keepdims=0)
    weights = g.unsqueeze(g.cast(padding, proto.FLOAT), 2)
    summed = g.op("ReduceSum", g.mul(last, weights), g.constant([1]), keepdims=0)
    return g.op("Div", summed, g.op("ReduceSum", weights, g.constant([1]), keepdims=0))


def _class_and_mean(answer: Answer) -> str:
    g, last = answer.g, answer.passed.last
    return g.concat(g.at(last, 0, 1), _patches_mean(answer), axis=1)


def _patches_mean(answer: Answer) -> str:
    patches = _behind(answer.g, answer.passed.last, 1)
    return answer.g.op("ReduceMean", patches, answer.g.constant([1]), keepdims=0)


def _behind(g: Graph, x: str, tokens: int) -> str:
    """Leave out the first tokens of x [B, T, C]."""
    return g.slice(x, g.constant([tokens]), g.side(x, 1), 1)


_POOLS: dict[str, Callable[[Answer], str]] = {
    "all": lambda answer: answer.passed.last,
    "first": lambda answer: answer.g.at(answer.passed.last, 0, 1),
    "last": lambda answer: answer.g.at(answer.passed.last, -1, 1),
    "last_unpadded": _last_unpadded, "eos": _eos, "chosen": _chosen, "mean": _mean,
    "class_and_mean": _class_and_mean, "patches_mean": _patches_mean,
    "mean_all": lambda answer: answer.g.op(
        "ReduceMean", answer.passed.last, answer.g.constant([1]), keepdims=0),
    "second": lambda answer: answer.g.at(answer.passed.last, 1, 1),
}  # fmt: skip


def _logits(answer: Answer, head: Head) -> Fields:
    return {"logits": answer.scores(head)}


def _question(answer: Answer, head: Head) -> Fields:
    scores = answer.scores(head)
    return {"start_logits": answer.g.at(scores, 0, -1), "end_logits": answer.g.at(scores, 1, -1)}


def _discriminator(answer: Answer, head: Head) -> Fields:
    return {"logits": answer.g.op("Squeeze", answer.scores(head), answer.g.constant([-1]))}


def _pretraining(answer: Answer, head: Head) -> Fields:
    assert head.second is not None
    albert = answer.plan.family.model_type == "albert"
    field = "sop_logits" if albert else "seq_relationship_logits"
    return {"prediction_logits": answer.scores(head), field: answer.scores(head.second, "second")}


def _double(answer: Answer, head: Head) -> Fields:
    assert head.second is not None
    return {"logits": answer.scores(head), "mc_logits": answer.scores(head.second, "second")}


def _teacher(answer: Answer, head: Head) -> Fields:
    assert head.second is not None
    own, taught = answer.scores(head), answer.scores(head.second, "second")
    both = answer.g.scaled(answer.g.add(own, taught), 0.5)
    return {"logits": both, "cls_logits": own, "distillation_logits": taught}


def _masked_image(answer: Answer, head: Head) -> Fields:
    (tower,) = answer.plan.spec.towers.values()
    assert isinstance(tower.input, Patches)
    g, given, stride = answer.g, tower.input, answer.plan.config["encoder_stride"]
    sides = [side // patch for side, patch in zip(given.image, given.patch, strict=True)]
    states = _behind(g, answer.passed.last, given.tokens)
    pixels = g.transpose(answer.layers(head, states), 0, 2, 1)
    grid = g.reshape(pixels, 0, 0, *sides)
    return {"reconstruction": g.op("DepthToSpace", grid, blocksize=int(stride), mode="CRD")}


def _projected(answer: Answer, head: Head) -> Fields:
    field = "text_embeds" if answer.plan.spec.encoder else "image_embeds"
    return {field: answer.scores(head), "last_hidden_state": answer.passed.last}


def _body(answer: Answer, _: Head) -> Fields:
    pooled = {"pooler_output": answer.passed.pooled} if answer.passed.pooled else {}
    return {"last_hidden_state": answer.passed.last} | pooled


KINDS: Mapping[str, Callable[[Answer, Head], Fields]] = dict.fromkeys(
    ("causal_lm", "masked_lm", "seq2seq_lm", "speech", "sequence", "image", "token",
     "multiple_choice", "next_sentence", "ctc"), _logits,
) | {"question_answering": _question, "pretraining": _pretraining, "double_heads": _double,
     "discriminator": _discriminator, "image_with_teacher": _teacher,
     "masked_image": _masked_image, "projected": _projected, "body": _body}  # fmt: skip
