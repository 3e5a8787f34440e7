"""The line in which jobs wait: callers in turn, models that are loaded first, nobody forever."""

from reprise.server.inference.jobs import Asked, Job, Kind
from reprise.server.inference.line import Line


def job(caller: str, model: str = "m") -> Job:
    return Job(Asked(Kind.TASK, None, model, "0" * 40, caller, b"{}"), 0.0, 60.0)


def drain(line: Line, *, loaded: str = "") -> list[str]:
    """Empty a line for a worker that has a model loaded; tell whose jobs came, in order."""
    taken = []
    while found := line.take(lambda _: True, lambda it: it.asked.repo == loaded):
        taken.append(f"{found.asked.caller} {found.asked.repo}")
    return taken


def filled(*pairs: tuple[str, str]) -> tuple[Line, list[Job]]:
    line, jobs = Line(), [job(*pair) for pair in pairs]
    for it in jobs:
        line.add(it)
    return line, jobs


def test_callers_take_turns() -> None:
    line, _ = filled(("a", "1"), ("a", "2"), ("a", "3"), ("b", "1"), ("c", "1"))
    assert (len(line), line.of("a"), line.of("x")) == (5, 3, 0)
    assert drain(line) == ["a 1", "b 1", "c 1", "a 2", "a 3"]


def test_a_loaded_model_goes_first_but_not_forever() -> None:
    line, _ = filled(("a", "cold"), *[("b", "warm")] * 12)
    assert drain(line, loaded="warm") == ["b warm"] * 8 + ["a cold"] + ["b warm"] * 4


def test_what_a_worker_cannot_do_is_passed_over() -> None:
    line, _ = filled(("a", "other"), ("a", "mine"), ("b", "other"))
    found = line.take(lambda it: it.asked.repo == "mine", lambda _: False)
    assert found is not None
    assert (found.asked.repo, len(line)) == ("mine", 2)
    assert line.take(lambda it: it.asked.repo == "mine", lambda _: False) is None


def test_a_job_can_leave_and_can_come_back_to_the_front() -> None:
    line, jobs = filled(("a", "1"), ("b", "1"), ("b", "2"))
    assert [line.remove(jobs[0]), line.remove(jobs[0])] == [True, False]
    line.add_first(jobs[0])
    assert drain(line) == ["a 1", "b 1", "b 2"]
