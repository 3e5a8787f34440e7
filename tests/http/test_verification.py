"""The whole story: train, publish, claim; somebody else verifies, and every way it can go wrong."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from huggingface_hub import parse_eval_result_entries

import reprise
from reprise.base.errors import NotFound, OfflineMiss
from reprise.cli.main import run
from reprise.formats import claim, pylock, verdict
from reprise.formats.verdict import Level, Outcome
from reprise.isolate.limits import Level as Isolated
from reprise.isolate.requirements import Sources
from reprise.verify.running import Report, verify
from tests.factories import Hub, make_token, make_user
from tests.sandboxes import skip_unless_available
from tests.verification import how, publish_both, sound, write_tagger, write_tags
from tests.wheelhouse import lock_of, make_wheel

pytestmark = pytest.mark.once  # one kind of database is enough: what is tested is the client

SLUG = "intents-accuracy"
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def folder(online, tmp_path) -> Path:  # noqa: ARG001 - the hub to publish on
    """The folder of ada/net with a claim in it, all published."""
    skip_unless_available(Isolated.RULES)
    made = publish_both(tmp_path)
    assert claim_it(made) == 0
    reprise.publish(made, "ada/net", lock=None)
    return made


@pytest.fixture
def shelf(tmp_path) -> Path:
    return make_wheel(tmp_path / "shelf", "base")


def claim_it(folder: Path, *more: str) -> int:
    return run([
        "claim", "ada/net", SLUG, "--data", "ada/rows", "--split", "test", "--metric", "accuracy",
        "--task", "text-classification", "--into", str(folder), "--worker-environment",
        sys.executable, *more,
    ])  # fmt: skip


def change(folder: Path, old: str, new: str) -> None:
    """Change the text of the published claim."""
    path = folder / claim.FOLDER / f"{SLUG}.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    reprise.publish(folder, "ada/net", lock=None)


def only(reports: list[Report]) -> verdict.Verdict:
    (report,) = reports
    return sound(report).verdict


def test_a_second_account_verifies_a_claim(folder, online, tmp_path, client_home) -> None:
    make_user(online.registry, "eve")
    (client_home / "token").write_text(make_token(online.registry, "eve"))
    made = claim.read((folder / claim.FOLDER / f"{SLUG}.toml").read_text())
    assert (made.pins, made.result.n, made.metric.unit) == ("full", 200, "fraction")
    found = only(verify("ada/net", SLUG, how(tmp_path)))
    assert (found.outcome, found.claimed, found.claim) == (Outcome.EXACT, "0.9050", made.digest)
    assert (found.flips.count, found.pins, found.n) == (0, {}, 200)
    again = only(verify("ada/net", SLUG, how(tmp_path, level=Level.RECOMPUTED)))
    assert (again.outcome, again.level) == (Outcome.REPRODUCED, Level.RECOMPUTED)


def test_a_second_account_posts_its_verdicts_and_the_hub_shows_them(
    folder, online, tmp_path, client_home, capsys
) -> None:
    made = claim.read((folder / claim.FOLDER / f"{SLUG}.toml").read_text())
    post = ["verify", "ada/net", "--post", "--worker-environment", sys.executable, "--evidence",
            str(tmp_path / "evidence")]  # fmt: skip
    make_user(online.registry, "eve")
    (client_home / "token").write_text(make_token(online.registry, "eve"))
    assert run(post) == 1
    assert "Register it: reprise key add" in capsys.readouterr().err
    assert (run(["key", "add"]), run(post), run(["log", "check"])) == (0, 0, 0)
    found = online.client().get(f"/api/claims/{made.digest}").json()
    assert found["standing"] == {
        "level": "rerun", "outcome": "exact", "verified": True, "wasRun": True,
        "contradicted": False, "verifiers": ["eve"], "value": "0.905",
        "ci": found["standing"]["ci"], "at": found["standing"]["at"],
    }  # fmt: skip
    (posted,) = online.client().get(f"/api/claims/{made.digest}/verdicts").json()
    assert (posted["account"], posted["independent"], posted["logIndex"]) == ("eve", True, 0)
    kept = online.client().get(f"/api/claims/{made.digest}/verdicts/{posted['id']}/evidence").json()
    assert sorted(kept) == ["claim.toml", "environment.json", "examples.jsonl"]
    assert run(["log", "export", str(tmp_path / "mirror")]) == 0
    (row,) = map(json.loads, (tmp_path / "mirror" / "verdicts.jsonl").read_text().splitlines())
    assert (row["model"], row["outcome"], row["claimed"]) == ("ada/net", "exact", "0.9050")
    assert run(["key", "revoke", posted["key"], "--reason", "lost"]) == 0
    after = online.client().get(f"/api/claims/{made.digest}").json()["standing"]
    assert (after["verified"], after["verifiers"]) == (False, [])
    assert (run(post), run(["log", "check"])) == (1, 0)
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    contradict_and_answer(folder, online, client_home, [*post, "--claim", SLUG])


def contradict_and_answer(folder: Path, online: Hub, home: Path, post: list[str]) -> None:
    """The author overstates; eve contradicts with an SSH key; the author answers."""
    (home / "token").write_text(online.token)
    change(folder, 'value = "0.9050"', 'value = "0.9900"')
    made = claim.read((folder / claim.FOLDER / f"{SLUG}.toml").read_text())
    key = home / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    (home / "token").write_text(make_token(online.registry, "eve", name="again"))
    assert run(["key", "add", "--ssh-key", str(key)]) == 0
    assert run([*post, "--ssh-key", str(key)]) == 3
    eve = online.client((home / "token").read_text())
    (posted,) = eve.get(f"/api/claims/{made.digest}/verdicts").json()
    assert (posted["outcome"], posted["keyKind"], posted["value"]) == (
        "contradicted", "ssh", "0.905",
    )  # fmt: skip
    said = ["verdict", "answer", made.digest, str(posted["id"]), "A typing error: 0.905."]
    assert run(said) == 1  # eve is no author
    (home / "token").write_text(online.token)
    assert (run(said), run(["verdict", "list", made.digest[:10]])) == (0, 0)
    (posted,) = eve.get(f"/api/claims/{made.digest}/verdicts").json()
    assert [(it["author"], it["text"]) for it in posted["answers"]] == [
        ("ada", "A typing error: 0.905."),
    ]  # fmt: skip
    old = next(it for it in eve.get("/api/models/ada/net/claims").json()["claims"]
               if it["withdrawnAt"])  # fmt: skip
    assert (old["value"], old["verdicts"]) == ("0.9050", 1)


def test_changed_weights_contradict_and_the_examples_are_listed(folder, tmp_path) -> None:
    old = claim.read((folder / claim.FOLDER / f"{SLUG}.toml").read_text())
    weights = json.loads((folder / "weights.json").read_text())
    weights["activate_my_card"] = dict.fromkeys(weights["activate_my_card"], 0.0)
    (folder / "weights.json").write_text(json.dumps(weights))
    commit = reprise.publish(folder, "ada/net", lock=None).commit
    moved = replace(old.model, commit=commit, tree_sha256=None)
    lying = replace(old, model=moved)
    (folder / claim.FOLDER / f"{SLUG}.toml").write_text(claim.write(lying))
    reprise.publish(folder, "ada/net", lock=None)
    found = only(verify("ada/net", SLUG, how(tmp_path)))
    assert (found.outcome, found.flips.better, found.flips.count > 20) == (
        Outcome.CONTRADICTED, found.flips.better, True,
    )  # fmt: skip
    assert float(found.value) < float(found.claimed)
    assert len(found.flips.examples) == found.flips.count
    assert f"{found.flips.count} examples differ" in found.reason


def test_files_other_than_the_pinned_ones_are_not_run(folder, tmp_path) -> None:
    made = claim.read((folder / claim.FOLDER / f"{SLUG}.toml").read_text())
    change(folder, made.model.tree_sha256, "0" * 64)
    found = only(verify("ada/net", SLUG, how(tmp_path)))
    assert (found.outcome, found.value) == (Outcome.NOT_RUNNABLE, None)
    assert found.reason.endswith("are not those claimed (model.tree-sha256)")


def test_another_version_of_the_metric_is_not_comparable(folder, tmp_path) -> None:
    change(folder, "accuracy@1.0", "accuracy@2.0")
    found = only(verify("ada/net", SLUG, how(tmp_path)))
    assert (found.outcome, found.reason) == (
        Outcome.NOT_COMPARABLE, "not comparable: version: 2.0 or 1.0",
    )  # fmt: skip


def test_data_that_is_gone_makes_a_claim_not_runnable(folder, online, tmp_path) -> None:
    online.api().delete_repo("ada/rows", repo_type="dataset")
    shutil.rmtree(tmp_path / "home" / "snapshots", ignore_errors=True)
    found = only(verify("ada/net", SLUG, how(tmp_path)))
    assert (found.outcome, "the data ada/rows is not there" in found.reason) == (
        Outcome.NOT_RUNNABLE, True,
    )  # fmt: skip
    assert folder.is_dir()


def test_code_that_fails_is_not_runnable_and_leaves_its_log(folder, tmp_path) -> None:
    text = (folder / "hubconf.py").read_text()
    (folder / "hubconf.py").write_text(text.replace("scores = {", "scores = 1 / 0 or {"))
    commit = reprise.publish(folder, "ada/net", lock=None).commit
    old = claim.read((folder / claim.FOLDER / f"{SLUG}.toml").read_text())
    change(folder, old.model.commit, commit)
    (report,) = verify("ada/net", SLUG, how(tmp_path))
    assert report.verdict.outcome is Outcome.NOT_RUNNABLE
    assert "ZeroDivisionError" in (report.folder / "log.txt").read_text()


def test_an_environment_that_cannot_be_built_is_not_runnable(folder, tmp_path) -> None:
    broken = replace(how(tmp_path).isolation, environment=None, packages=tmp_path / "pylock.toml")
    (tmp_path / "pylock.toml").write_text("lock-version = 1")
    found = only(verify("ada/net", SLUG, replace(how(tmp_path), isolation=broken)))
    assert (found.outcome, found.reason.startswith("its environment cannot be built")) == (
        Outcome.NOT_RUNNABLE, True,
    )  # fmt: skip
    assert folder.is_dir()


def test_packages_that_cannot_be_fetched_from_here_are_no_verdict(folder, tmp_path, shelf) -> None:
    lock = tmp_path / "pylock.toml"
    lock.write_text(pylock.write(lock_of(shelf)))
    shelf.unlink()
    sources = Sources(offline=True)
    isolation = replace(how(tmp_path).isolation, environment=None, packages=lock, sources=sources)
    with pytest.raises(OfflineMiss):
        verify("ada/net", SLUG, replace(how(tmp_path), isolation=isolation))
    assert folder.is_dir()


def test_gated_data_cannot_be_verified(folder, online, tmp_path, client_home) -> None:
    online.api().update_repo_settings("ada/rows", repo_type="dataset", private=True)
    make_user(online.registry, "eve")
    (client_home / "token").write_text(make_token(online.registry, "eve"))
    shutil.rmtree(client_home / "snapshots", ignore_errors=True)
    found = only(verify("ada/net", SLUG, how(tmp_path)))
    assert (found.outcome.is_answer, found.value) == (False, None)
    assert folder.is_dir()


def test_the_command_says_it_in_its_exit_code(folder, tmp_path, capsys) -> None:
    command = ["verify", "ada/net", "--worker-environment", sys.executable, "--evidence",
               str(tmp_path / "evidence")]  # fmt: skip
    assert run(command) == 0
    change(folder, 'value = "0.9050"', 'value = "0.9900"')
    capsys.readouterr()
    assert run([*command, "--json"]) == 3
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["outcome"], row["claimed"]) == ("contradicted", "0.9900")
    evidence = Path(row["evidence"])
    assert {path.name for path in evidence.iterdir()} == {
        "claim.toml", "environment.json", "examples.jsonl", "predictions.jsonl", "verdict.json",
    }  # fmt: skip
    change(folder, 'split = "test"', 'split = "dev"')
    assert run(command) == 1
    assert run(["verify", "ada/rows-that-are-not"]) == 1


def test_a_verdict_is_signed_and_anybody_can_check_it(folder, tmp_path) -> None:
    pytest.importorskip("cryptography")
    from reprise.formats import dsse, sshsig
    from reprise.verify import keys
    from reprise.verify.evidence import ENVELOPE

    public = sshsig.public_key(keys.make())
    (report,) = verify("ada/net", SLUG, how(tmp_path, key=keys.read()))
    envelope = dsse.decode((report.folder / ENVELOPE).read_bytes())
    assert dsse.verify(envelope, [public]) == (dsse.key_id(public),)
    statement = dsse.decode_statement(envelope.payload)
    assert verdict.from_dict(statement.predicate) == report.verdict
    assert sorted(statement.subjects) == ["claim", "data:ada/rows", "lock", "model:ada/net"]
    assert keys.key_file().stat().st_mode & 0o077 == 0
    assert folder.is_dir()


def test_a_score_on_a_card_is_verified_and_its_missing_pins_are_found(online, tmp_path) -> None:
    skip_unless_available(Isolated.RULES)
    for name, kind in (("banking-intents", "model"), ("banking77", "dataset")):
        shutil.copytree(EXAMPLES / name, tmp_path / name)
        card = tmp_path / name / "README.md"
        card.write_text(card.read_text().replace("demo/", "ada/"))
        reprise.publish(tmp_path / name, f"ada/{name}", repo_type=kind)
    command = ["verify", "ada/banking-intents", "--post", "--worker-environment", sys.executable]
    assert (run(["key", "add"]), run([*command, "--evidence", str(tmp_path / "e")])) == (0, 0)
    (file,) = (tmp_path / "e").glob("*/verdict.json")
    found = verdict.from_dict(json.loads(file.read_text()))
    assert (found.outcome, found.claimed, found.value) == (
        Outcome.REPRODUCED, "0.9146", "0.9146103896103897",
    )  # fmt: skip
    assert found.pins["run.args"] == {
        "name": "intent_classifier", "input": "text", "label": "category",
    }  # fmt: skip
    assert found.reason == "the value agrees; the claim names no unit, fraction was assumed"
    (kept,) = online.client().get("/api/models/ada/banking-intents/claims").json()["claims"]
    assert (kept["source"], kept["verdicts"], kept["standing"]["outcome"]) == (
        "model-index", 1, "reproduced",
    )  # fmt: skip
    assert kept["standing"]["verified"] is False  # by its own author


def test_a_tagger_is_claimed_and_verified(online, tmp_path) -> None:
    skip_unless_available(Isolated.RULES)
    reprise.publish(write_tags(tmp_path / "tags"), "ada/tags", repo_type="dataset")
    made = write_tagger(tmp_path / "tagger")
    reprise.publish(made, "ada/tagger", lock=None)
    done = run([
        "claim", "ada/tagger", "tags-f1", "--data", "ada/tags", "--split", "test", "--metric",
        "seqeval", "-o", "scheme=IOB2", "-o", "mode=conlleval", "--value", "overall_f1", "--task",
        "token-classification", "--into", str(made), "--worker-environment", sys.executable,
        "--eval-results", "ner",
    ])  # fmt: skip
    assert done == 0
    reprise.publish(made, "ada/tagger", lock=None)
    found = only(verify("ada/tagger", "tags-f1", how(tmp_path)))
    assert (found.outcome, found.claimed, found.n) == (Outcome.EXACT, "0.8571", 3)
    entries = parse_eval_result_entries(
        yaml.safe_load((made / ".eval_results" / "tags-f1.yaml").read_text())
    )
    assert [(it.dataset_id, it.task_id, it.value, it.notes) for it in entries] == [
        ("ada/tags", "ner", 0.8571, found.signature),
    ]  # fmt: skip
    assert online.url


def test_a_repo_without_claims_says_where_they_stand(online, tmp_path) -> None:
    publish_both(tmp_path)
    with pytest.raises(NotFound, match="claims nothing that could be verified"):
        verify("ada/net", None, how(tmp_path))
    assert online.url
