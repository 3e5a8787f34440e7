"""From a SentencePiece model to a spec, by the rules of a family."""

from reprise.base.errors import EntryNotFound, InvalidFormat
from reprise.tokenizers.added import AddedToken, with_added
from reprise.tokenizers.legacy import spm_templates
from reprise.tokenizers.legacy.recipe import Converted, Source
from reprise.tokenizers.legacy.sentencepiece import (
    MAX_FILE,
    Kind,
    Piece,
    SentencePiece,
    read,
)
from reprise.tokenizers.legacy.spm_style import STYLES, model_of
from reprise.tokenizers.spec import TokenizerSpec
from reprise.tokenizers.templates import token_ids

NAMES = ("spiece.model", "sentencepiece.bpe.model", "tokenizer.model", "spm.model")
_MAX_EXTRA = 10_000
_LOW = -100.0  # a score that keeps a piece from being chosen


def convert(source: Source) -> Converted:
    """Convert a `.model`, see `reprise.tokenizers.legacy.convert`."""
    name = source.folder.first(*NAMES) or next(iter(source.folder.matching("*.model")), None)
    if name is None:
        raise EntryNotFound(f"{source.folder.name} has no SentencePiece model.")
    model = read(source.folder.read(name, limit=MAX_FILE), f"{source.folder.name}: {name}")
    return Converted(build(model, source), {"extra_special_tokens": _extra_ids(source)})


def build(model: SentencePiece, source: Source) -> TokenizerSpec:
    """Return the spec of a model."""
    rules = source.family.rules
    pieces = _pieces(model, source)
    style = STYLES[rules.get("style", "own")]
    wanted = rules.get("unk", model.pieces[model.unk_id].text)
    flags = {key: value for key, value in source.settings.items() if isinstance(value, bool)}
    parts = style(model, {**rules.get("flags", {}), **flags})
    spec = TokenizerSpec({"model": model_of(model, pieces, wanted), **parts})
    listed = [
        AddedToken(piece.text, normalized=False, special=piece.kind == Kind.CONTROL)
        for piece in pieces
        if piece.kind in {Kind.CONTROL, Kind.USER_DEFINED}
    ]
    spec, _ = with_added(spec, listed)
    spec, _ = with_added(spec, source.added())
    template = spm_templates.template_of(source, token_ids(spec))
    return spec.with_data(post_processor=template)


def _pieces(model: SentencePiece, source: Source) -> list[Piece]:
    """Return the pieces in the order of the family's ids, which may differ from the file's."""
    rules = source.family.rules
    head = [Piece(text, 0.0, Kind.CONTROL) for text in rules.get("head", ())]
    head += [Piece(text, _LOW, Kind.CONTROL) for text in rules.get("unused", ())]
    rest = list(model.pieces[rules.get("skip", 0) :])
    if rules.get("comma"):  # digits and their comma are kept apart, whatever was learned
        rest = [_apart(piece) for piece in rest]
    if rules.get("tab"):
        rest = _with_tab(rest)
    last = [*_extra_ids(source)[::-1], *rules.get("tail", ())]
    tail = [Piece(text, 0.0, Kind.CONTROL) for text in last]
    return head + rest + tail


def _extra_ids(source: Source) -> list[str]:
    """Return T5's tokens for what is left out of a text; its models say how many."""
    count = source.settings.get("extra_ids", source.family.rules.get("extra_ids", 0))
    if type(count) is not int or not 0 <= count <= _MAX_EXTRA:
        raise InvalidFormat(f"extra_ids is {count!r:.40}; use 0 to {_MAX_EXTRA}.")
    return [f"<extra_id_{number}>" for number in range(count)]


def _apart(piece: Piece) -> Piece:
    text = piece.text
    ends = len(text) > 1 and text[-1] == "," and text[-2].isdigit()
    return Piece(text, piece.score + _LOW, piece.kind) if ends else piece


def _with_tab(pieces: list[Piece]) -> list[Piece]:
    """Let the tabulator take the place of its byte, which older files of Gemma lack."""
    if any(piece.text == "\t" for piece in pieces):
        return pieces
    return [Piece("\t", 0.0) if piece.text == "<0x09>" else piece for piece in pieces]
