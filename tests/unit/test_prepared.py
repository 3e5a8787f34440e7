"""Queries run past SQLAlchemy say what SQLAlchemy would have said."""

from sqlalchemy import bindparam, select

from reprise.registry.db.prepared import Prepared
from reprise.registry.db.schema import git_ref, repo
from reprise.registry.registry import Registry
from tests.factories import make_repo, make_user

BY_NAME = select(repo).where(repo.c.name == bindparam("name"))


def test_rows_are_those_of_sqlalchemy(registry: Registry) -> None:
    make_user(registry, "ada")
    for name, private in (("bert", True), ("gpt", False)):
        make_repo(registry, f"ada/{name}", private=private)
    with registry.db.read() as conn:
        for name in ("bert", "gpt"):
            expected = conn.execute(BY_NAME, {"name": name}).one()
            found = Prepared(BY_NAME).first(conn, name=name)
            assert found is not None
            assert (found._asdict(), type(found.private)) == (expected._asdict(), bool)
        assert Prepared(BY_NAME).first(conn, name="nobody's") is None


def test_bytes_are_bytes(registry: Registry) -> None:
    make_user(registry, "ada")
    made = make_repo(registry, "ada/bert")
    query = select(git_ref.c.repo_id, git_ref.c.oid).where(git_ref.c.repo_id == bindparam("id"))
    with registry.db.read() as conn:
        [row] = Prepared(query).all(conn, id=made.id)
        assert (row.repo_id, type(row.oid), len(row.oid)) == (made.id, bytes, 20)
        by_oid = Prepared(select(git_ref.c.name).where(git_ref.c.oid == bindparam("oid")))
        assert [it.name for it in by_oid.all(conn, oid=row.oid)] == ["refs/heads/main"]


def test_queries_of_one_block_see_one_snapshot(registry: Registry) -> None:
    make_user(registry, "ada")
    with registry.db.read() as conn:
        assert Prepared(BY_NAME).first(conn, name="late") is None
        make_repo(registry, "ada/late")
        assert Prepared(BY_NAME).first(conn, name="late") is None
    with registry.db.read() as conn:
        assert Prepared(BY_NAME).first(conn, name="late") is not None


def test_what_a_transaction_wrote_it_sees_itself(registry: Registry) -> None:
    make_user(registry, "ada")
    make_repo(registry, "ada/bert")
    with registry.db.write() as conn:
        conn.execute(repo.update().values(name="other"))
        assert Prepared(BY_NAME).first(conn, name="bert") is None
