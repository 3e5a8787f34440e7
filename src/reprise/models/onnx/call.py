"""What a graph is asked for, and what one pass carries through the layers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reprise.models.spec import Rope

Rotation = tuple[str, str]  # cosines and sines [B, T, width / 2]


@dataclass(frozen=True)
class Request:
    """One variant of a model's graph; each is made when a call first needs it.

    Attributes:
        part: Which graph: the only tower is ``""``; else `encoder`, `memory` (the encoder's keys
            and values for cross attention), `decoder`, `vision`.
        inputs: Arguments that the call gives, by transformers' names.
        cache: Whether keys and values of earlier tokens come in and go out.
        crosses: Whether those of an encoder come in; a decoder that stands alone may do without.
        states: Whether all hidden states are given.
        attentions: Layers whose attention weights are given.
        buffered: Whether keys and values stay in buffers that the graph writes into, see `fast.py`.
        packed: Whether weights are laid out anew in memory: several rows and long texts repay it.
    """

    part: str = ""
    inputs: frozenset[str] = frozenset()
    cache: bool = False
    crosses: bool = False
    states: bool = False
    attentions: tuple[int, ...] = ()
    buffered: bool = False
    packed: bool = False


@dataclass
class Call:
    """One pass through one stack; values are names in the graph, empty ones are absent."""

    rows: str  # B, as a value [1]
    length: str  # T
    keys: str  # S
    masks: Mapping[int, str] = field(default_factory=dict)  # [B or 1, H or 1, T, S] by window
    rotations: Mapping[Rope, Rotation] = field(default_factory=dict)
    shared: object = None  # what the stack's score bias computed for all layers
    padding: str = ""
    places: str = ""  # of keys in their own rows [B, S]; -1: no token
    crosses: bool = False  # an encoder's keys and values come in
    memory_mask: str = ""  # [B, 1, T, S]
    cached: bool = False
    ends: str = ""  # the column of each row's last key [B], where keys stay in buffers
    reach: str = ""  # how many columns of the buffers are in use [1]
    gates: str = ""  # [layers, H]
    cross_gates: str = ""
    recorded: frozenset[int] = frozenset()
    states: list[str] = field(default_factory=list)
    attentions: dict[int, str] = field(default_factory=dict)
    cross_attentions: dict[int, str] = field(default_factory=dict)
    present: dict[int, tuple[str, str]] = field(default_factory=dict)
