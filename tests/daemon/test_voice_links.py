"""A voicemail whose recording is behind a link: the whole way, and each way that ends before it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mailbridge.cli.main import execute
from mailbridge.clock import VirtualClock
from mailbridge.model.envelope import Envelope, Way
from mailbridge.policy import command
from mailbridge.store.cases import Cases
from mailbridge.store.engine import Store
from mailbridge.store.fetched import Fetched
from mailbridge.store.transcripts import Transcripts
from mailbridge.work import recordings
from mailbridge.work.desk import Desk
from mailbridge.work.fetch import Fetcher
from mailbridge.work.listen import Listener
from mailbridge.work.schedule import Bellringer
from mailbridge.work.worker import Worker
from tests.daemon.links import HOST, LINK, Provider, gives, provider, status
from tests.daemon.running import running as serving
from tests.daemon.running import send, write_site
from tests.daemon.site import MONDAY, SITE, open_desk
from tests.daemon.test_listen import Scripted, said
from tests.daemon.test_serve import until
from tests.daemon.voice import VOICEMAIL, call, happened, incoming, known, sample, shown
from transcription.errors import TranscriberCrashed
from transcription.pool import Pool

TRUSTED = "trusted_authserv = mx.desk.example\n"
LISTED = f"{TRUSTED}{VOICEMAIL}link_senders = pbx.example\n"
PASSED = "Authentication-Results: mx.desk.example; dkim=pass header.d=pbx.example\r\n"
MINUTE = timedelta(minutes=1)


def linked(link: str = LINK, results: str = PASSED, number: int = 1) -> bytes:
    """A mail of a telephone system that says where the recording is."""
    return (
        f"{results}From: PBX <voicemail@pbx.example>\r\nTo: support@desk.example\r\n"
        f"Subject: New voicemail from 20255501{42 + number}\r\nMessage-ID: <{number}@pbx.example>\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nYou were called.\r\nListen: {link}\r\n"
    ).encode()


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture
def place(running: Provider) -> Provider:
    """The one server, as if it were new."""
    running.server.answers.clear()
    running.server.asked.clear()
    running.resolved.clear()
    return running


@contextmanager
def desk_of(folder: Path, more: str = LISTED, clock: VirtualClock | None = None) -> Iterator[Desk]:
    with open_desk(folder, more, clock or VirtualClock(MONDAY)) as desk:
        known(desk)
        yield desk


def take(desk: Desk, raw: bytes, way: Way = Way.SMTP) -> None:
    """Mail comes in and is decided."""
    envelope = Envelope(way, "voicemail@pbx.example", ("support@desk.example",), desk.clock.now())
    desk.inbox.put_batch([(envelope, raw)])
    Worker(desk).drain()


def text_of(desk: Desk) -> str:
    text: str = incoming(desk, 1)[0]["text"]
    return text


# --- the way -----------------------------------------------------------------------------------------------


def test_the_case_is_there_at_once_and_the_words_behind_the_link_follow(
    tmp_path: Path, pool: Pool, place: Provider
) -> None:
    place.server.answers["/vm/msg0001.wav"] = gives(sample("vm14"))
    with desk_of(tmp_path) as desk:
        take(desk, linked())
        assert shown(desk, 1)["channel"] == "voicemail"
        assert LINK in text_of(desk)
        assert [one["kind"] for one in desk.outbox.listing(["waiting"])].count("acknowledgement") == 1
        assert place.resolved == [], "who decides fetches nothing"
        Listener(desk, pool, fetcher=place.fetcher()).drain()
        assert len(place.server.asked) == 1
        (message,) = incoming(desk, 1)
        assert message["transcript"]["state"] == "speech"
        assert message["text"] == message["transcript"]["text"] != ""
        (file,) = message["attachments"]
        assert (file["filename"], file["size"]) == ("msg0001.wav", len(sample("vm14")))
        assert happened(desk, 1, "transcript_ready")[0]["part"] == "link"
        assert desk.jobs.count("transcribe") == 0


def test_what_was_fetched_is_given_out_and_heard_again_without_its_server(
    tmp_path: Path, pool: Pool, place: Provider, capfd: pytest.CaptureFixture[str]
) -> None:
    place.server.answers["/vm/msg0001.wav"] = gives(sample("vm14"))
    with desk_of(tmp_path) as desk:
        take(desk, linked())
        Listener(desk, pool, fetcher=place.fetcher()).drain()
    config, out = tmp_path / "config.ini", tmp_path / "out.wav"
    config.write_text(SITE.format(state=tmp_path / "state") + LISTED)
    shell = ["-c", str(config), "case"]
    assert execute([*shell, "show", "1", "--attachment", "msg0001.wav", "--out", str(out)]) == 0
    assert out.read_bytes() == sample("vm14")
    assert execute([*shell, "retranscribe", "1"]) == 0
    assert "the same words" in capfd.readouterr().out
    assert len(place.server.asked) == 1


def test_staff_may_have_a_link_tried_again(tmp_path: Path, place: Provider) -> None:
    clock = VirtualClock(MONDAY)
    with desk_of(tmp_path, clock=clock) as desk:
        take(desk, linked())
        listener = Listener(desk, Scripted(said("hello")), fetcher=place.fetcher())
        listener.drain()
        assert "404 Not Found" in text_of(desk)
        place.server.answers["/vm/msg0001.wav"] = gives(sample("vm14"))
        (kept,) = recordings.kept(desk, 1)
        key = Transcripts(desk.store).ask(kept.message_id, kept.part, kept.case.id, "", clock.now())
        assert listener.listen_to([key]) == 1
        assert text_of(desk) == "Hello."
        assert [one["filename"] for one in incoming(desk, 1)[0]["attachments"]] == ["msg0001.wav"]


def test_a_link_that_is_refused_again_leaves_the_case_as_it_is(
    tmp_path: Path, place: Provider, capfd: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.ini"
    config.write_text(SITE.format(state=tmp_path / "state") + LISTED)
    with desk_of(tmp_path) as desk:
        take(desk, linked("https://127.0.0.1/a.wav"))
        Listener(desk, Scripted(said("hello"))).drain()
        before = text_of(desk)
        assert execute(["-c", str(config), "case", "retranscribe", "1"]) == 0
        assert "the recording cannot be heard; the case says why" in capfd.readouterr().out
        assert text_of(desk) == before
        failed = happened(desk, 1, "transcript_failed")
        assert len(failed) == 2
        assert not any("https://" in row["reason"] for row in failed), "events outlive a case's words"


def test_a_recording_that_killed_its_transcriber_is_not_fetched_twice(
    tmp_path: Path, place: Provider
) -> None:
    place.server.answers["/vm/msg0001.wav"] = gives(sample("vm14"))
    clock = VirtualClock(MONDAY)
    with desk_of(tmp_path, clock=clock) as desk:
        take(desk, linked())
        listener = Listener(
            desk, Scripted(TranscriberCrashed("it died"), said("hello")), fetcher=place.fetcher()
        )
        listener.drain()
        clock.advance(MINUTE)
        listener.drain()
        assert text_of(desk) == "Hello."
        assert len(place.server.asked) == 1


def test_a_server_that_comes_back_is_asked_again(tmp_path: Path, place: Provider) -> None:
    clock = VirtualClock(MONDAY)
    with desk_of(tmp_path, clock=clock) as desk:
        take(desk, linked())
        listener = Listener(desk, Scripted(said("hello")), fetcher=place.fetcher())
        place.server.answers["/vm/msg0001.wav"] = status(503)
        assert listener.drain() == 1
        assert listener.drain() == 0, "not at once"
        place.server.answers["/vm/msg0001.wav"] = gives(sample("vm14"))
        clock.advance(MINUTE)
        listener.drain()
        assert text_of(desk) == "Hello."


# --- what ends before it -----------------------------------------------------------------------------------


def test_a_server_that_stays_away_is_given_up_after_three_tries(tmp_path: Path, place: Provider) -> None:
    clock = VirtualClock(MONDAY)
    with desk_of(tmp_path, clock=clock) as desk:
        take(desk, linked())
        place.server.answers["/vm/msg0001.wav"] = status(503)
        listener = Listener(desk, Scripted(said("hello")), fetcher=place.fetcher())
        for _ in range(5):
            listener.drain()
            clock.advance(5 * MINUTE)
        assert len(place.server.asked) == 3
        said_so = f"The recording at {LINK} could not be fetched in 3 tries: its server answered 503"
        assert text_of(desk).startswith(said_so)
        assert happened(desk, 1, "transcript_failed")[0]["state"] == "failed"
        assert desk.jobs.count("transcribe") == 0


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (f"https://{HOST}/vm/gone.wav", "404 Not Found"),
        (f"http://{HOST}/vm/msg0001.wav", "does not begin with https"),
        ("https://inner.example/vm/msg0001.wav", "10.0.0.1, which is not a public one"),
        (f"https://{HOST}/vm/large.wav", "larger than 1 MiB (max_mb of [voicemail])"),
        (f"https://{HOST}/vm/login", "a web page"),
    ],
)
def test_what_cannot_be_heard_is_said_at_once(
    tmp_path: Path, pool: Pool, place: Provider, link: str, words: str
) -> None:
    place.server.answers["/vm/large.wav"] = gives(b"RIFF" + bytes(1 << 20))
    place.server.answers["/vm/login"] = gives(b"<!DOCTYPE html><html>Log in</html>", "audio/wav")
    with desk_of(tmp_path) as desk:
        take(desk, linked(link))
        Listener(desk, pool, fetcher=place.fetcher()).drain()
        assert text_of(desk).startswith(f"The recording at {link} ")
        assert words in text_of(desk)
        assert desk.jobs.count("transcribe") == 0
        assert Fetched(desk.store).get(1, "link") is None
        assert incoming(desk, 1)[0]["attachments"] == []
        staff = [row["subject"] for row in desk.outbox.listing(["waiting"]) if row["kind"] == "staff_notice"]
        assert len(staff) >= 2


def test_as_it_is_delivered_the_listener_never_goes_to_this_machine(
    tmp_path: Path, pool: Pool, place: Provider
) -> None:
    with desk_of(tmp_path) as desk:
        take(desk, linked("https://127.0.0.1/a.wav"))
        Listener(desk, pool).drain()
        assert "127.0.0.1, which is not a public one" in text_of(desk)


class Forbidden(Fetcher):
    """A fetcher that must not be asked."""

    def __init__(self) -> None:
        super().__init__(1, resolver=self._asked)
        self.asked: list[str] = []

    def _asked(self, host: str) -> list[str]:
        self.asked.append(host)
        return []


@pytest.mark.parametrize(
    ("more", "results", "way", "why"),
    [
        (TRUSTED + VOICEMAIL, PASSED, Way.SMTP, ""),
        (LISTED.replace("pbx.example", "other.example"), PASSED, Way.SMTP, ""),
        (LISTED, "", Way.SMTP, "no DKIM signature of pbx.example"),
        (LISTED, PASSED.replace("pass", "fail"), Way.SMTP, "no DKIM signature of pbx.example"),
        (LISTED, PASSED.replace("mx.desk", "mx.evil"), Way.SMTP, "no result of a trusted server"),
        (LISTED, PASSED, Way.INGEST, "the way that the mail came proves nothing"),
        (LISTED.removeprefix(TRUSTED), PASSED, Way.SMTP, "no authserv-id is configured"),
    ],
    ids=["no list", "another list", "no verdict", "failed", "their verdict", "a file", "no server of ours"],
)
def test_nothing_is_fetched_for_anybody_else(
    tmp_path: Path, more: str, results: str, way: Way, why: str
) -> None:
    fetcher = Forbidden()
    with desk_of(tmp_path, more) as desk:
        take(desk, linked(results=results), way)
        assert desk.jobs.count("transcribe") == 0
        Listener(desk, Scripted(said("hello")), fetcher=fetcher).drain()
        assert fetcher.asked == []
        assert LINK in text_of(desk)
        assert [why in one["reason"] for one in happened(desk, 1, "link_not_fetched")] == ([True] * bool(why))


def test_a_mail_with_sound_never_fetches(tmp_path: Path) -> None:
    fetcher = Forbidden()
    raw = PASSED.encode() + call(1, b"RIFF", text=f"Listen: {LINK}")
    with desk_of(tmp_path) as desk:
        take(desk, raw)
        Listener(desk, Scripted(said("hello")), fetcher=fetcher).drain()
        assert (fetcher.asked, text_of(desk)) == ([], "Hello.")


def test_a_sender_who_was_taken_off_the_list_meanwhile_is_not_followed(tmp_path: Path) -> None:
    fetcher = Forbidden()
    with desk_of(tmp_path) as desk:
        take(desk, linked())
    with desk_of(tmp_path, LISTED.replace("pbx.example", "other.example")) as desk:
        Listener(desk, Scripted(said("hello")), fetcher=fetcher).drain()
        assert fetcher.asked == []
        assert "the sender of its link is no longer on the list of [voicemail] link_senders" in text_of(desk)


# --- removed -----------------------------------------------------------------------------------------------


def forget(config: Path) -> None:
    assert execute(["-c", str(config), "case", "forget", "1", "--recordings"]) == 0


def test_what_was_fetched_is_removed_with_its_mail(
    tmp_path: Path, place: Provider, capfd: pytest.CaptureFixture[str]
) -> None:
    place.server.answers["/vm/msg0001.wav"] = gives(sample("vm14"))
    config = tmp_path / "config.ini"
    config.write_text(SITE.format(state=tmp_path / "state") + LISTED)
    with desk_of(tmp_path) as desk:
        take(desk, linked())
        Listener(desk, Scripted(said("hello")), fetcher=place.fetcher()).drain()
        assert Fetched(desk.store).get(1, "link") is not None
        forget(config)
        assert Fetched(desk.store).get(1, "link") is None
        (event,) = happened(desk, 1, "removed")
        assert event["files"] == ["msg0001.wav"]
        assert incoming(desk, 1)[0]["attachments"][0]["removed_at"]
    shell = ["-c", str(config), "case", "show", "1", "--attachment", "msg0001.wav", "--out", "x"]
    assert execute(shell) == 65
    assert "is not there any more" in capfd.readouterr().err


def test_by_the_days_of_voicemail_too(tmp_path: Path, place: Provider) -> None:
    place.server.answers["/vm/msg0001.wav"] = gives(sample("vm14"))
    clock = VirtualClock(MONDAY)
    with desk_of(tmp_path, f"{LISTED}retention_days = 10\n", clock) as desk:
        take(desk, linked())
        Listener(desk, Scripted(said("hello")), fetcher=place.fetcher()).drain()
        desk.on_case(1, lambda facts, case, now: command.close(facts, case, now, author="ann@desk.example"))
        clock.advance(timedelta(days=11))
        Bellringer(desk.config, desk.store, lambda: None, clock).hourly()
        assert Fetched(desk.store).get(1, "link") is None


def test_what_is_fetched_of_a_mail_that_was_removed_meanwhile_is_not_kept(
    tmp_path: Path, place: Provider
) -> None:
    config = tmp_path / "config.ini"
    config.write_text(SITE.format(state=tmp_path / "state") + LISTED)

    def removed_first(handler: Any) -> None:
        forget(config)
        gives(sample("vm14"))(handler)

    place.server.answers["/vm/msg0001.wav"] = removed_first
    with desk_of(tmp_path) as desk:
        take(desk, linked())
        Listener(desk, Scripted(said("hello")), fetcher=place.fetcher()).drain()
        assert Fetched(desk.store).get(1, "link") is None


# --- served ------------------------------------------------------------------------------------------------


def test_a_served_daemon_follows_a_link_of_the_list_alone_and_never_to_itself(tmp_path: Path) -> None:
    """The daemon as it is delivered: whom the list names leads it nowhere near its own machine."""
    config = write_site(tmp_path, more=f"{VOICEMAIL}link_senders = pbx.example\n")
    config.write_text(config.read_text().replace("[site]\n", f"[site]\n{TRUSTED}", 1))
    store = Store(f"sqlite:///{tmp_path / 'state' / 'mailbridge.db'}")
    with serving(config) as daemon:
        send(daemon.address(), "voicemail@pbx.example", linked(results="", number=1))
        send(daemon.address(), "voicemail@pbx.example", linked("https://localhost/a.wav", number=2))
        cases = Cases(store)
        until(lambda: any(row["event"] == "transcript_failed" for row in cases.events(2)), 90)
        assert "which is not a public one" in cases.entries(2)[0]["text"]
        assert [row["event"] for row in cases.events(1)].count("link_not_fetched") == 1
        assert "message=1" not in " ".join(line for line in daemon.text.splitlines() if " link_" in line)
    store.close()
