"""From a configuration to what an engine builds: spec, head, names and shapes; no tensors yet."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.models import names, shapes
from reprise.models.config import Config
from reprise.models.families import family_of
from reprise.models.family import Family
from reprise.models.heads import ONLY, Head
from reprise.models.limits import MAX_LAYERS
from reprise.models.spec import Attention, ModelSpec, Patches, Tower


@dataclass(frozen=True)
class Plan:
    """What a model is made from, known before any memory is taken."""

    family: Family
    config: Config
    spec: ModelSpec
    head: Head | None
    head_name: str  # the rest of the class name: `Model`, `ForMaskedLM`

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Canonical names and shapes of all parameters."""
        return shapes.parameters(self.spec, self.head, self.config.num_labels)

    @property
    def body(self) -> str:
        """What stands before the body's stored names in a file of this very model."""
        if self.head is None or self.head.body == "-":
            return ""
        return self.head.body or self.family.body

    @cached_property
    def places(self) -> Mapping[str, names.Place]:
        """Where each parameter is stored, by the names of a file of this very model."""
        body = names.parse_table(self.family.table(self.config))
        if self.head is None:
            return names.places(body, self.shapes)
        rules = [replace(rule, stored=self.body + rule.stored) for rule in body]
        return names.places(rules + head_rules(self.head), self.shapes)

    def settled(self, stored: Collection[str]) -> "Plan":
        """Decide what depends on the names in the file: whether the output layer is tied."""
        if self.head is None or self.head.tied or not self.head.tied_if_absent:
            return self
        if self.places["head.out.weight"].stored in stored:
            return self
        return replace(self, head=replace(self.head, tied=True))

    def is_head(self, name: str) -> bool:
        """Whether a canonical name belongs to a head: a checkpoint of a body may lack it."""
        return name.partition(".")[0] in {"head", "second"}


def head_rules(head: Head, name: str = "head") -> list[names.Rule]:
    """Read the tables of a head and of the one beside it."""
    rules = list(names.parse_table(head.names))
    if name != "head":
        renamed = (tuple(n.replace("head.", f"{name}.", 1) for n in r.canonical) for r in rules)
        rules = [replace(rule, canonical=new) for rule, new in zip(rules, renamed, strict=True)]
    return rules + (head_rules(head.second, "second") if head.second else [])


def make_plan(config: Config, head_name: str = "Model", *, pooler: bool | None = None) -> Plan:
    """Plan a model.

    Args:
        config: The configuration; its `model_type` chooses the family.
        head_name: The rest of the reference's class name: `Model`, `ForMaskedLM`, …
        pooler: Whether the bare body computes its pooled output; None: as the family says.

    Raises:
        InvalidInput: No family of that name, no such head, or a configuration that cannot be.
    """
    family = family_of(config.model_type)
    full = config.over(family.defaults)
    if head_name != "Model" and head_name not in family.heads:
        raise InvalidInput(
            f"{family.model_type} models have no {family.prefix}{head_name}; "
            f"known: {', '.join(f'{family.prefix}{name}' for name in ('Model', *family.heads))}."
        )
    spec, head = _read(family, full), family.head(head_name, full)
    spec = _pruned(_only(spec, head.only if head else ""), full)
    if head and head.kind == "masked_image":
        spec = _with_mask_token(spec)
    wanted = head.reads_pooler if head else pooler is not False
    return Plan(family, full, spec if wanted else _without_pooler(spec), head, head_name)


# A configuration that lacks something, or has it in another type, fails in one of these ways.
_BROKEN = (KeyError, AttributeError, TypeError, ZeroDivisionError, ValueError, IndexError)
_COUNTS = ("layers", "layer", "groups", "group_num")


def _read(family: Family, config: Config) -> ModelSpec:
    for key in config:
        # Families spell layers out one by one, so their number is checked before.
        if key.endswith(_COUNTS) and isinstance(config[key], int) and config[key] > MAX_LAYERS:
            raise InvalidInput(f"The configuration gives {key} = {config[key]}: no model has.")
    try:
        return family.spec(config)
    except _BROKEN as error:
        raise InvalidInput(
            f"This configuration describes no {family.model_type} model: {error}."
        ) from error


def _only(spec: ModelSpec, tower: str) -> ModelSpec:
    """Keep one tower, for a head that stands on it alone."""
    if not tower:
        return spec
    gone: dict[str, Any] = {name: None for name in ONLY if name != tower}
    return replace(spec, **gone, projection=0)


def _with_mask_token(spec: ModelSpec) -> ModelSpec:
    """Give an image model the vector that stands for hidden patches."""
    tower = spec.vision
    if tower is None or not isinstance(tower.input, Patches):
        return spec
    return replace(spec, vision=replace(tower, input=replace(tower.input, mask_token=True)))


def _without_pooler(spec: ModelSpec) -> ModelSpec:
    if len(spec.towers) > 1:
        return spec
    return replace(
        spec,
        encoder=replace(spec.encoder, pooler=None) if spec.encoder else None,
        vision=replace(spec.vision, pooler=None) if spec.vision else None,
    )


def _pruned(spec: ModelSpec, config: Config) -> ModelSpec:
    """Take out the heads that `pruned_heads` names: {layer: [head, …]}."""
    gone = config.get("pruned_heads") or {}
    tower = spec.encoder or spec.decoder
    if not gone or tower is None:
        return spec
    try:
        by_layer = {int(n): tuple(sorted(int(h) for h in heads)) for n, heads in gone.items()}
    except _BROKEN:
        raise InvalidInput(f"pruned_heads must map layers to heads, unlike {gone!r}.") from None
    layers = tower.stack.layers
    attention = replace(
        tower.stack.attention, pruned=tuple(by_layer.get(i, ()) for i in range(layers))
    )
    return _with_attention(spec, tower, attention)


def _with_attention(spec: ModelSpec, tower: Tower, attention: Attention) -> ModelSpec:
    changed = replace(tower, stack=replace(tower.stack, attention=attention))
    if spec.encoder is tower:
        return replace(spec, encoder=changed)
    return replace(spec, decoder=changed)
