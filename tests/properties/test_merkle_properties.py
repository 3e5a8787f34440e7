"""The log of verdicts: proofs hold for what is there, and for nothing else."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.base.errors import InvalidInput
from reprise.formats import merkle_nodes
from reprise.formats.merkle import (
    consistency_proof,
    extends,
    head,
    includes,
    inclusion_proof,
    leaf_hash,
)

LOGS = st.integers(1, 40).map(lambda n: [leaf_hash(b"%d" % i) for i in range(n)])
# The entries and heads of RFC 6962's reference implementation (certificate-transparency).
ENTRIES = [bytes.fromhex(it) for it in
           ["", "00", "10", "2021", "3031", "40414243", "5051525354555657",
            "606162636465666768696a6b6c6d6e6f"]]  # fmt: skip
HEADS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def test_heads_are_those_of_the_reference_implementation() -> None:
    leaves = [leaf_hash(entry) for entry in ENTRIES]
    assert {size: head(leaves[:size]).hex() for size in HEADS} == HEADS
    assert head([]) == sha256(b"").digest()


@given(LOGS, st.data())
def test_every_entry_is_proven_at_its_place_and_at_no_other(leaves, data) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof, root = inclusion_proof(leaves, index), head(leaves)
    assert includes(root, len(leaves), index, leaves[index], proof)
    assert len(proof) <= (len(leaves) - 1).bit_length()
    other = data.draw(st.integers(0, len(leaves)))
    assert includes(root, len(leaves), other, leaves[index], proof) == (other == index)
    assert not includes(root, len(leaves), index, leaf_hash(b"forged"), proof)


@given(LOGS, st.data())
def test_an_older_log_is_proven_to_be_the_beginning(leaves, data) -> None:
    old = data.draw(st.integers(0, len(leaves)))
    proof = consistency_proof(leaves, old)
    assert extends(head(leaves[:old]), old, head(leaves), len(leaves), proof)


@given(LOGS, st.data())
def test_a_log_that_was_rewritten_has_no_proof(leaves, data) -> None:
    old = data.draw(st.integers(1, len(leaves)))
    place = data.draw(st.integers(0, old - 1))
    forged = [*leaves[:place], leaf_hash(b"forged"), *leaves[place + 1 :]]
    for proof in (consistency_proof(leaves, old), consistency_proof(forged, old)):
        assert not extends(head(leaves[:old]), old, head(forged), len(forged), proof)


@given(LOGS, st.data())
def test_proofs_that_were_changed_prove_nothing(leaves, data) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof = list(inclusion_proof(leaves, index))
    change = data.draw(st.sampled_from(["longer", "shorter", "other"]))
    if change == "longer" or not proof:
        proof.append(bytes(32))
    elif change == "shorter":
        proof.pop(data.draw(st.integers(0, len(proof) - 1)))
    else:
        proof[data.draw(st.integers(0, len(proof) - 1))] = bytes(32)
    assert not includes(head(leaves), len(leaves), index, leaves[index], proof)


def test_places_that_are_not_there_are_refused() -> None:
    with pytest.raises(InvalidInput, match="has 2 entries and no entry 2"):
        inclusion_proof([b"a", b"b"], 2)
    with pytest.raises(InvalidInput, match="has 2 entries and never had 3"):
        consistency_proof([b"a", b"b"], 3)
    assert not extends(b"", 3, b"", 2, [])
    assert not includes(b"", 1, 0, b"", [b""] * 65)


@given(st.integers(0, 70), st.data())
def test_subtrees_answer_as_the_whole_log_does(size: int, data) -> None:
    leaves = [leaf_hash(bytes([number])) for number in range(size)]
    nodes: dict[tuple[int, int], bytes] = {}

    def node(level: int, position: int) -> bytes:
        return nodes[level, position]

    for index, leaf in enumerate(leaves):
        for level, position, value in list(merkle_nodes.appended(index, leaf, node)):
            nodes[level, position] = value
    assert merkle_nodes.root(size, node) == head(leaves)
    old = data.draw(st.integers(0, size))
    assert merkle_nodes.consistency(old, size, node) == consistency_proof(leaves, old)
    if old < size:
        assert merkle_nodes.inclusion(size, old, node) == inclusion_proof(leaves, old)
        assert len(merkle_nodes.needed(lambda n: merkle_nodes.inclusion(size, old, n))) < 30
    with pytest.raises(InvalidInput):
        merkle_nodes.inclusion(size, size, node)
    with pytest.raises(InvalidInput):
        merkle_nodes.consistency(size + 1, size, node)
