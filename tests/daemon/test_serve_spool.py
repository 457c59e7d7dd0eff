"""The daemon beside a telephone system: a recording in its spool becomes a case, then a transcript, once."""

from __future__ import annotations

import shutil
from pathlib import Path

from mailbridge.model.case import Channel
from mailbridge.store.cases import Cases
from mailbridge.store.customers import Customers
from mailbridge.store.engine import Store
from mailbridge.store.inbox import Inbox
from mailbridge.store.migrate import upgrade
from mailbridge.store.outbox import Outbox
from tests.daemon.running import capturing, running, write_site
from tests.daemon.test_serve import until
from tests.transcription.recordings import SAMPLES, TINY

PAT = {"name": "Pat Carver", "phones": ["+13125550100"], "addresses": ["pat@acme.example"]}
VOICEMAIL = """
[voicemail]
model = {model}
spool = {spool}
spool_after = move
spool_move_to = {done}
"""
INFO = """;
; Message Information file
;
[message]
origmailbox=100
context=macro-vm
callerid="Pat Carver" <+13125550100>
origdate=Tue Mar  5 09:12:33 PM UTC 2024
origtime=1709673153
category=
msg_id=1709673153-00000001
flag=
duration=12
"""


def test_a_recording_in_the_spool_becomes_a_case_with_its_words(tmp_path: Path) -> None:
    spool, done = tmp_path / "voicemail", tmp_path / "done"
    inbox = spool / "default" / "100" / "INBOX"
    inbox.mkdir(parents=True)
    done.mkdir()
    (tmp_path / "state").mkdir()
    store = Store(f"sqlite:///{tmp_path / 'state' / 'mailbridge.db'}")
    upgrade(store)
    Customers(store).put_batch([PAT])
    with capturing() as relay:
        more = VOICEMAIL.format(model=TINY, spool=spool, done=done)
        config = write_site(tmp_path, relay=relay.port, more=more)
        with running(config) as daemon:
            shutil.copy(SAMPLES / "vm04-pcm16.wav", inbox / "msg0000.wav")
            (inbox / "msg0000.txt").write_text(INFO)
            until(lambda: _transcribed(store), 90)
            until(lambda: Outbox(store).count("waiting") + Outbox(store).count("sending") == 0)
            assert "spool_stored message=1" in daemon.text
        with running(config):  # what was moved or seen before is not taken again
            until(lambda: not list(inbox.glob("msg*")))
    (case,) = Cases(store).listing()
    assert (case.channel, case.requester) == (Channel.VOICEMAIL, "pat@acme.example")
    assert Inbox(store).waiting() == 0
    kinds = [row["kind"] for row in Outbox(store).listing(["sent"])]
    assert kinds.count("acknowledgement") == 1
    assert "staff_notice" in kinds
    assert [path.name for path in sorted(done.rglob("*.wav"))] != []
    (entry,) = [row for row in Cases(store).entries(case.id) if row["direction"] == "in"]
    said = set((SAMPLES / "vm04-pcm16.txt").read_text().lower().split())
    assert len(said & set(entry["text"].lower().split())) > len(said) / 2
    store.close()


def _transcribed(store: Store) -> bool:
    cases = Cases(store)
    events = [row["event"] for case in cases.listing() for row in cases.events(case.id)]
    return "transcript_ready" in events
