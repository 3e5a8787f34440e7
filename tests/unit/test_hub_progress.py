import io

import pytest

from reprise.hub.progress import Meter, byte_meter


def test_a_meter_adds_up_files_in_flight_and_files_that_were_cached() -> None:
    seen: list[int] = []
    meter = Meter(seen.append)
    first, cached = meter.file(), meter.file()
    with first(total=10) as bar:
        bar.update(4)
        bar.update(6)
        bar.update_transfer(99)
        bar.set_postfix_str("9 kB/s", refresh=False)
    meter.finish(first, 10)
    meter.finish(cached, 7)
    assert sum(seen) == 17


def test_a_transfer_that_starts_again_is_not_counted_twice() -> None:
    seen: list[int] = []
    meter = Meter(seen.append)
    bar = meter.file()
    bar().update(8)
    bar().update(-8)
    bar().update(10)
    meter.finish(bar, 10)
    assert sum(seen) == 10


@pytest.mark.parametrize(("total", "shown"), [(5_000_000, True), (1000, False)])
def test_a_bar_is_drawn_on_a_terminal_when_it_is_worth_it(
    monkeypatch, total: int, *, shown: bool
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with byte_meter("Fetching ada/net", total) as meter:
        meter.finish(meter.file(), total)
    assert ("Fetching ada/net" in terminal.getvalue()) == shown


def test_nothing_is_drawn_when_nobody_is_watching(capsys) -> None:
    with byte_meter("Fetching ada/net", 5_000_000) as meter:
        meter.finish(meter.file(), 5_000_000)
    assert capsys.readouterr() == ("", "")
