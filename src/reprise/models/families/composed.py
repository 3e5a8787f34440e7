"""An image model and a language model as one: the first reads, the second writes what it sees.

The configuration holds those of both, and so do the names in its file: `encoder.` and `decoder.`
before the names that each has alone.
"""

from dataclasses import replace

from reprise.base.errors import NotSupported
from reprise.models import heads
from reprise.models.config import Config
from reprise.models.families import fairseq, family_of
from reprise.models.family import Family
from reprise.models.spec import ModelSpec, Norm, Positions
from reprise.models.tasks import head_for

_READERS = ("vit", "deit", "dinov2")
_WRITERS = ("gpt2", "bert", "roberta", "xlm-roberta", "camembert", "trocr")
_BETWEEN = "    encoder.project         enc_to_dec_proj"


def _part(config: Config, side: str, known: tuple[str, ...]) -> tuple[Family, Config]:
    """Read the family and the configuration of one side."""
    given = config[side]
    kind = str(given["model_type"])
    if kind not in known:
        raise NotSupported(
            f"The {side} of this model is of type {kind!r}; {', '.join(known)} can be one here."
        )
    family = family_of(kind)
    more = {} if side == "encoder" else {"is_decoder": True, "add_cross_attention": True}
    return family, Config({**given, **more}, family.defaults)


def _spec(config: Config) -> ModelSpec:
    reader, seen = _part(config, "encoder", _READERS)
    writer, told = _part(config, "decoder", _WRITERS)
    image, text = reader.spec(seen).vision, writer.spec(told)
    tower = text.decoder or text.encoder
    assert image is not None
    assert tower is not None
    width, wanted = image.stack.width, tower.stack.width
    asked = told.get("cross_attention_hidden_size")
    image = replace(image, pooler=None)
    if asked is None and width != wanted:
        image = replace(image, project=wanted, project_bias=True)
    assert tower.stack.cross is not None
    cross = replace(tower.stack.cross, memory=0 if asked in {None, wanted} else asked)
    stack = replace(tower.stack, cross=cross)
    start = config.get("decoder_start_token_id")
    return ModelSpec(
        encoder=image, decoder=replace(tower, stack=stack, pooler=None), shared_embedding=False,
        start=told.get("bos_token_id") or 0 if start is None else start, dropout=text.dropout,
    )  # fmt: skip


def _before(word: str, table: str, stored: str = "") -> str:
    """Put a side's name before the names of a table."""
    lines = (line.split("#")[0].split() for line in table.splitlines())
    return "\n".join(
        " ".join((f"{word}{words[0]}", f"{stored or word}{words[1]}", *words[2:]))
        for words in lines if words
    )  # fmt: skip


def _names(config: Config) -> str:
    reader, seen = _part(config, "encoder", _READERS)
    writer, told = _part(config, "decoder", _WRITERS)
    body = f"decoder.{writer.body}"
    parts = (_before("encoder.", reader.table(seen)), _BETWEEN,
             _before("decoder.", writer.table(told), body))  # fmt: skip
    return "\n".join(parts)


def _head(config: Config) -> heads.Head:
    writer, told = _part(config, "decoder", _WRITERS)
    head = writer.head(head_for("AutoModelForCausalLM", writer), told)
    assert head is not None
    return replace(head, kind="seq2seq_lm", tied=False, tied_if_absent=True, body="-",
                   names=_before("", head.names, "decoder."))  # fmt: skip


COMPOSED = Family(
    model_type="vision-encoder-decoder",
    prefix="VisionEncoderDecoder",
    spec=_spec,
    names=_names,
    body="",
    heads={"Model": _head},
    ignored=(
        r"\.(cross)?att(n|ention)\.(masked_)?bias$", r"embeddings\.position_ids",
        r"cls\.predictions\.decoder\.bias", r"lm_head\.decoder\.bias",
    ),
    renamed=((r"\.gamma$", ".weight"), (r"\.beta$", ".bias")),
)  # fmt: skip


def _trocr(config: Config) -> ModelSpec:
    if not config.use_learned_position_embeddings:
        raise NotSupported("TrOCR models whose positions are computed are not known here.",
                           hint="Those of base and large size learn them.")  # fmt: skip
    rows = Positions(rows=config.max_position_embeddings + 2, offset=2)
    tower = fairseq.tower(
        config, "decoder", positions=rows, placement="post",
        embed_norm=Norm() if config.layernorm_embedding else None)  # fmt: skip
    return ModelSpec(decoder=tower, dropout=fairseq.dropout(config), start=2)


TROCR = Family(
    model_type="trocr",
    prefix="TrOCR",
    spec=_trocr,
    names=fairseq.ALONE,
    body="model.decoder.",
    heads={"ForCausalLM": lambda config: heads.lm(
        "causal_lm", "head.out output_projection", body="model.decoder.",
        tied=bool(config.get("tie_word_embeddings", True)))},
    defaults=fairseq.DEFAULTS | {
        "max_position_embeddings": 512, "use_learned_position_embeddings": True,
        "layernorm_embedding": True, "cross_attention_hidden_size": None,
    },
)  # fmt: skip

FAMILIES = {family.model_type: family for family in (COMPOSED, TROCR)}
