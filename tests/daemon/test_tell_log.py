"""What happens to cases passes by in the log, one line each, and never with a customer's words."""

from __future__ import annotations

from pathlib import Path

from mailbridge import log
from mailbridge.clock import VirtualClock
from mailbridge.work.worker import Worker
from tests.daemon.site import MONDAY, mail, open_desk, put

GOVERNOR = "[governor]\nper_address_per_hour = 2\n"


def test_deadlines_and_escalations_pass_by_in_the_log(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, clock=clock) as desk, log.capture() as lines:
        put(desk, mail(1))
        Worker(desk).drain()
        while (due := desk.jobs.next_due(["due"])) is not None and "deadline_missed" not in _events(lines):
            clock.move_to(due)
            Worker(desk).drain()
        (missed,) = [line for line in lines if line.event == "deadline_missed"]
        assert missed.fields["case"] == 1
        assert _events(lines).index("deadline_warning") < _events(lines).index("deadline_missed")
        text = "\n".join(line.text for line in lines)
        assert "does not print" not in text
        assert "Printer 1" not in text


def test_a_limit_of_the_governor_is_a_warning(tmp_path: Path) -> None:
    with open_desk(tmp_path, GOVERNOR) as desk, log.capture() as lines:
        for number in range(4):
            put(desk, mail(number, text=f"Trouble {number} is another one."))
        Worker(desk).drain()
        closed = [line for line in lines if line.event == "governor_closed"]
        assert [line.fields["to"] for line in closed] == ["carla@customer.example"] * 2
        assert "within an hour" in closed[0].text


def test_a_broken_template_of_ones_own_is_told_and_the_shipped_one_used(tmp_path: Path) -> None:
    own = tmp_path / "own" / "acknowledgement"
    own.mkdir(parents=True)
    (own / "text.j2").write_text("{{ no_such_name }}")
    site = "templates = " + str(tmp_path / "own") + "\n"
    with open_desk(tmp_path, site) as desk, log.capture() as lines:
        put(desk, mail(1))
        Worker(desk).drain()
        (failed,) = [line for line in lines if line.event == "template_failed"]
        assert failed.fields["case"] == 1
        assert "no_such_name" in failed.text
        assert desk.outbox.count("waiting") == 3


def _events(lines: list[log.Line]) -> list[str]:
    return [line.event for line in lines]
