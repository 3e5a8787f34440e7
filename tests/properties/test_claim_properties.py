"""What is written is read alike: TOML, claims, locks, verdicts, envelopes, whatever they hold."""

import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from reprise.base.errors import RepriseError
from reprise.formats import claim, dsse, reprise_lock, toml_text, verdict
from reprise.formats.claim import Claim, DataPin, MetricPin, ModelPin, Setup, Stated
from reprise.formats.dsse import Envelope, Signature, Statement
from reprise.formats.lock_diff import differences
from reprise.formats.reprise_lock import LockedMetric, LockedModel, RepriseLock
from reprise.formats.trees import TreeFile, digest_of
from reprise.formats.verdict import Flips, Level, Outcome, Verdict

TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
KEY = st.text(st.characters(codec="utf-8"), max_size=6)
DIGEST = st.binary(min_size=32, max_size=32).map(bytes.hex)
COMMIT = st.binary(min_size=20, max_size=20).map(bytes.hex)
NUMBER = st.decimals(-1000, 1000, places=3).map(lambda it: f"{it:.3f}")
WHOLE = st.integers(0, 2**63 - 1)
SCALAR = (
    st.booleans() | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(codec="utf-8"))
)  # fmt: skip
PLAIN = st.dictionaries(
    KEY,
    st.recursive(
        SCALAR,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)
MAYBE = st.none()
CLAIMS = st.builds(
    Claim,
    task=TEXT,
    model=st.builds(ModelPin, st.just("ada/net"), MAYBE | COMMIT, MAYBE | DIGEST, MAYBE | TEXT),
    data=st.builds(
        DataPin, st.just("hub.example:ada/data"), MAYBE | COMMIT, MAYBE | TEXT, MAYBE | TEXT,
        MAYBE | WHOLE, MAYBE | DIGEST, st.lists(TEXT, max_size=3).map(tuple), MAYBE | WHOLE,
    ),
    metric=st.builds(
        MetricPin, st.just("f1@1.0"), MAYBE | TEXT, PLAIN, MAYBE | TEXT,
        MAYBE | st.sampled_from(claim.UNITS), MAYBE | st.booleans(),
    ),
    result=st.builds(Stated, NUMBER, MAYBE | WHOLE, st.just(()), MAYBE | NUMBER, MAYBE | DIGEST),
    run=st.builds(
        Setup, entry=MAYBE | TEXT, args=PLAIN, batch=MAYBE | WHOLE,
        seeds=st.lists(WHOLE, max_size=3).map(tuple), lock=MAYBE | DIGEST,
    ),
    hardware=PLAIN,
)  # fmt: skip
FILES = st.lists(
    st.builds(TreeFile, st.sampled_from(["a.bin", "b/c.json", "d.txt"]), WHOLE, DIGEST),
    unique_by=lambda file: file.path,
).map(tuple)
MODELS = st.builds(
    lambda name, commit, files: LockedModel(
        name, "ada/net", commit, digest_of(files), None, None, files
    ),
    TEXT, COMMIT, FILES,
)  # fmt: skip
LOCKS = st.builds(
    RepriseLock,
    model=st.lists(MODELS, max_size=2, unique_by=lambda it: it.name).map(tuple),
    metric=st.lists(
        st.builds(LockedMetric, TEXT, TEXT, TEXT), max_size=2, unique_by=lambda it: it.id
    ).map(tuple),
    determinism=PLAIN,
    hardware=PLAIN,
)
VERDICTS = st.builds(
    Verdict,
    DIGEST,
    st.just(Level.RERUN),
    st.sampled_from([Outcome.EXACT, Outcome.REPRODUCED, Outcome.CLOSE, Outcome.CONTRADICTED]),
    NUMBER,
    NUMBER,
    reason=TEXT,
    n=MAYBE | WHOLE,
    flips=MAYBE | st.builds(Flips, WHOLE, WHOLE, WHOLE, NUMBER),
    subjects=st.dictionaries(TEXT, DIGEST, max_size=2),
    environment=PLAIN,
)


@given(PLAIN)
def test_toml_is_read_back_alike(value) -> None:
    assert tomllib.loads(toml_text.write(value)) == value


@given(CLAIMS)
@settings(deadline=None)
def test_claims_survive_writing_and_keep_their_digest(found) -> None:
    again = claim.read(claim.write(found))
    assert (again, again.digest) == (found, found.digest)


@given(LOCKS)
@settings(deadline=None)
def test_locks_survive_writing_and_keep_their_digest(lock) -> None:
    again = reprise_lock.read(reprise_lock.write(lock))
    assert (again, again.digest) == (reprise_lock.ordered(lock), lock.digest)
    assert differences(lock, again) == []


@given(VERDICTS)
@settings(deadline=None)
def test_verdicts_survive_writing(found) -> None:
    assert verdict.from_dict(verdict.to_dict(found)) == found
    statement = Statement(found.subjects, verdict.to_dict(found))
    assert dsse.decode_statement(dsse.encode_statement(statement)) == statement


@given(st.binary(), TEXT, st.lists(st.builds(Signature, TEXT, st.binary()), min_size=1, max_size=4))
def test_envelopes_survive_writing(payload, kind, signatures) -> None:
    envelope = Envelope(payload, kind, tuple(signatures))
    assert dsse.decode(dsse.encode(envelope)) == envelope


@given(st.text(), st.binary())
def test_anything_else_is_a_named_error(text, data) -> None:
    for read, value in ((claim.read, text), (reprise_lock.read, text), (dsse.decode, data)):
        try:
            read(value)
        except RepriseError:
            continue
        raise AssertionError(f"{value!r} was read")
