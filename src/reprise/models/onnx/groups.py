"""Which linear layers are one matrix in 8 or 4 bits, and what its tensors are called.

Layers that read the same states (queries, keys and values; gate and up) are one matrix, so that a
token passes them in one product. The numbers lie in a safetensors file, in the cache or in a folder
that `quantize` wrote:

    packed.layers.0.attn.q+k+v.numbers   8 bits: I8 [in, out]; 4: U8 [out, blocks, block / 2]
    packed.layers.0.attn.q+k+v.scales    8 bits: F32 [out];    4: F32 [out, blocks]
    packed.layers.0.attn.q+k+v.bias      F32 [out], where the layers have one

Of 8 bits a number stands for number * scale; of 4 for (number - 8) * scale, and of two in one byte
the first has the low bits.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reprise.base.errors import InvalidInput
from reprise.models import spec
from reprise.models.onnx.tables import token_table
from reprise.models.plan import Plan
from reprise.models.weights.stored import StoredTensor

BITS = {"int8": 8, "int4": 4}
BLOCK = 32  # numbers of 4 bits that share a scale
PREFIX = "packed."
_PARTS = {
    "attn": (("q", "k", "v"), ("o",)),
    "cross": (("q",), ("k", "v"), ("o",)),
    "ff": (("gate", "up"), ("up",), ("down",)),
}


@dataclass(frozen=True)
class Group:
    """Linear layers that are one matrix.

    Attributes:
        modules: Canonical names, without `.weight`.
        rows: Outputs of each.
        into: Inputs.
        bias: Whether any has a bias; the others' are zeros.
        bits: Of a number.
    """

    modules: tuple[str, ...]
    rows: tuple[int, ...]
    into: int
    bias: bool
    bits: int

    @property
    def name(self) -> str:
        """What its tensors begin with: `packed.layers.0.attn.q+k+v`."""
        first, *others = self.modules
        return PREFIX + "+".join([first, *(module.rpartition(".")[2] for module in others)])

    @property
    def weights(self) -> tuple[str, ...]:
        """Canonical names of its matrices."""
        return tuple(f"{module}.weight" for module in self.modules)

    @property
    def out(self) -> int:
        """Outputs of all."""
        return sum(self.rows)

    @property
    def blocks(self) -> int:
        """Blocks of one row, in 4 bits."""
        return -(-self.into // BLOCK)

    def shapes(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Type and shape of its tensors by name."""
        found: dict[str, tuple[str, tuple[int, ...]]]
        if self.bits == BITS["int8"]:
            found = {"numbers": ("I8", (self.into, self.out)), "scales": ("F32", (self.out,))}
        else:
            found = {"numbers": ("U8", (self.out, self.blocks, BLOCK // 2)),
                     "scales": ("F32", (self.out, self.blocks))}  # fmt: skip
        if self.bias:
            found["bias"] = ("F32", (self.out,))
        return {f"{self.name}.{part}": told for part, told in found.items()}


def groups(plan: Plan, bits: int) -> tuple[Group, ...]:
    """Find the matrices of a plan that can be in few bits: its layers', and a language head.

    Tables, norms and other heads stay as they are, and so does everything where keys are also made
    of positions (DeBERTa).
    """
    towers = plan.spec.towers.values()
    if any(isinstance(t.stack.attention.score_bias, spec.Disentangled) for t in towers):
        return ()
    found = [_group(plan, modules, bits) for modules in _layers(plan)]
    head = plan.head
    if head is not None and head.out == "vocab":
        module = token_table(plan).removesuffix(".weight") if head.tied else "head.out"
        found.append(_group(plan, (module,), bits))
    return tuple(found)


def _layers(plan: Plan) -> Iterator[tuple[str, ...]]:
    parents = dict.fromkeys(name.rpartition(".")[0].rpartition(".")[0]
                            for name in plan.shapes if "layers." in name)  # fmt: skip
    for parent in parents:
        taken: set[str] = set()
        for parts in _PARTS.get(parent.rpartition(".")[2], ()):
            modules = tuple(f"{parent}.{part}" for part in parts)
            if taken.isdisjoint(modules) and all(f"{m}.weight" in plan.shapes for m in modules):
                taken.update(modules)
                yield modules


def _group(plan: Plan, modules: tuple[str, ...], bits: int) -> Group:
    shapes = [plan.shapes[f"{module}.weight"] for module in modules]
    # The bias of a tied head is added by the head.
    own = any(f"{module}.bias" in plan.shapes for module in modules)
    return Group(modules, tuple(shape[0] for shape in shapes), shapes[0][1], own, bits)


def covered(plan: Plan, chosen: tuple[Group, ...]) -> set[str]:
    """Name the stored tensors that are of no use when these groups are in few bits."""
    inside = {name for group in chosen for name in group.weights}
    inside -= {name for name in inside if name.endswith("tokens.weight") or name == "shared.weight"}
    places = {plan.places[name].stored: plan.places[name] for name in inside}
    return {stored for stored, place in places.items() if inside.issuperset(place.canonical)}


def present(plan: Plan, stored: Mapping[str, StoredTensor], bits: int) -> tuple[Group, ...]:
    """Find the groups whose tensors a file holds.

    Raises:
        InvalidInput: One has another type or shape than this model's.
    """
    found = []
    for group in groups(plan, bits):
        wanted = group.shapes()
        there = [name for name in wanted if name in stored]
        if not there:
            continue
        for name, (dtype, shape) in wanted.items():
            got = (stored[name].dtype, stored[name].shape) if name in stored else "missing"
            if got != (dtype, shape):
                raise InvalidInput(
                    f"{name} must be {dtype} {list(shape)} for this model in {bits} bits: {got}.",
                    hint="Make the folder again with `reprise quantize`.",
                )
        found.append(group)
    return tuple(found)
