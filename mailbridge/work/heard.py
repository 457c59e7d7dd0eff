"""What comes of a recording that was listened to: the transcript's row, its place, and who is told.

Promises: writing comes before telling, and both may happen twice: the row is replaced, a notice has its key.
Card numbers are taken out before anything is stored. A case number that the caller says moves the voicemail
only into a case of his own account or contact; anybody else's is a hint to staff, since a number proves
nothing; so does a telephone number, which only names a caller whose line told none. Staff are told at once;
the caller, where his address is known, reads what was understood and may put it right. A later run that staff
asked for changes the text alone, and says on the case in what it differs.
Fails with Clash, StoreUnavailable, StoreFull.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from mailbridge import log
from mailbridge.errors import NotFound, Permanent
from mailbridge.model.case import Case, Status
from mailbridge.model.customer import Contact
from mailbridge.model.decision import Decision, Facts
from mailbridge.policy import command
from mailbridge.policy.draft import Draft
from mailbridge.policy.thread import reopen_within
from mailbridge.store.lookups import Lookup
from mailbridge.store.transcripts import TranscriptRow, Transcripts, counting
from mailbridge.work.desk import Desk
from mailbridge.work.facts import entitled
from mailbridge.work.recordings import Recording, model_of
from transcription.engine import Transcript
from transcription.evaluate import compare
from transcription.numbers import case_numbers, phone_numbers
from transcription.redact import redact_text, redact_words
from transcription.text import find_in, write

POOR = 0.6  # below this mean confidence the log says so
MOST_CHANGES = 200
_BY_MACHINE = "mailbridge"
_WHY = "the transcript of a voicemail"


class Heard:
    """Writes down and tells, for one desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._rows = Transcripts(desk.store)

    # --- a transcript --------------------------------------------------------------------------------------

    def write(self, recording: Recording, heard: Transcript) -> None:
        """Store what was heard, and tell the case."""
        row = self._row(recording, heard)
        before = self._before(recording)
        self._rows.put(row, self._desk.clock.now())
        if recording.run:
            self._told_again(recording, row, before)
        else:
            self._told(recording, row)
        poor = heard.state != "speech" or heard.confidence < POOR
        log.event(
            "transcript_poor" if poor else "transcribed",
            message=row.message_id,
            case=recording.case.number,
            state=row.state,
            confidence=heard.confidence,
            seconds=heard.duration_s,
        )

    def _row(self, recording: Recording, heard: Transcript) -> TranscriptRow:
        region = self._desk.config.region
        words = redact_words(heard.words)
        names = (recording.case.account, recording.case.requester_name)
        found = find_in(words, region)
        written = redact_text(write(words, region, [name for name in names if name]))
        numbers = {"phone_numbers": phone_numbers(found), "case_numbers": case_numbers(found)}
        return TranscriptRow(
            message_id=recording.received.id,
            part=recording.part,
            model=self._model(recording),
            state=heard.state,
            text=written if heard.state == "speech" else heard.said(),
            confidence=heard.confidence if heard.state == "speech" else None,
            duration_s=heard.duration_s,
            words=[asdict(word) for word in words],
            data={"notes": list(heard.notes), **numbers},
            run=recording.run,
        )

    def _model(self, recording: Recording) -> str:
        """The model's folder name, as it stands on the transcript."""
        path = model_of(self._desk, recording)
        return path.name if path else ""

    def _before(self, recording: Recording) -> Mapping[str, Any] | None:
        """The transcript that counted until now."""
        rows = counting(self._rows.of(recording.received.id))
        return next((row for row in rows if row["part"] == recording.part), None)

    # --- the first time ------------------------------------------------------------------------------------

    def _told(self, recording: Recording, row: TranscriptRow) -> None:
        spoken = self._spoken_cases(row)
        case = self._placed(recording, spoken)
        strangers = [one for one in spoken if one.id != case.id]
        speaker = self._speaker(case, row)

        def decide(facts: Facts, case: Case, now: datetime) -> Decision:
            draft = Draft(case, facts.policy, now)
            draft.record("transcript_ready", **_data(row))
            for other in strangers:
                draft.record("may_belong_to", number=other.number, by="a case number that the caller said")
            if speaker is not None:
                _name_caller(draft, speaker, now)
            self._tell_staff(draft, facts, recording, row.text, _hint(strangers))
            if row.state == "speech" and speaker is None and not recording.told:
                draft.send_customer(
                    facts, "transcript", f"heard:{row.message_id}:{row.part}", event="transcript_sent"
                )
            return draft.decision("transcript", f"{row.state}, by {row.model}")

        hand = replace(recording.hand, transcript=row.text, duration_s=row.duration_s)
        self._desk.on_case(case.number, decide, job=recording.job, hand=hand)

    def _tell_staff(self, draft: Draft, facts: Facts, recording: Recording, text: str, why: str = "") -> None:
        once = f"transcript:{recording.received.id}:{recording.part}"
        draft.tell_staff(facts, "staff_notice", once, text=text, why=why or _WHY)

    # --- which case ----------------------------------------------------------------------------------------

    def _spoken_cases(self, row: TranscriptRow) -> tuple[Case, ...]:
        numbers = [int(text) for text in row.data["case_numbers"] if len(text) < 10]
        with self._desk.store.read() as connection:
            return tuple(Lookup(connection).numbers(numbers).values())

    def _placed(self, recording: Recording, spoken: Sequence[Case]) -> Case:
        """The case that the voicemail belongs to in the end: the caller's own one that he named."""
        case = recording.case
        target = next((one for one in spoken if one.id != case.id and _same_customer(case, one)), None)
        if target is None or not self._only_this(case):
            return case
        try:
            return self._moved(recording, target)
        except (NotFound, Permanent) as error:  # staff were quicker to close or to merge one of the two
            log.event("retried", case=case.number, error=error)
            return case

    def _moved(self, recording: Recording, target: Case) -> Case:
        if target.status is Status.CLOSED:
            if not reopen_within(target, self._desk.policy, self._desk.clock.now()):
                return recording.case
            why = "the customer called about it"
            target = self._desk.on_case(
                target.number,
                lambda facts, case, now: command.reopen(facts, case, now, author=_BY_MACHINE, reason=why),
            )
        self._desk.on_case(
            recording.case.number,
            self._desk.merging(
                target.number, _BY_MACHINE, "the caller said its number", recording.received.id
            ),
        )
        return self._desk.cases.get(target.number)

    def _only_this(self, case: Case) -> bool:
        """Whether the case is one voicemail and our automatic mail, nothing else."""
        rows = self._desk.cases.entries(case.id)
        incoming = [row for row in rows if row["direction"] == "in"]
        worked_on = any(row["direction"] == "note" or row["kind"] == "staff_answer" for row in rows)
        return len(incoming) == 1 and not worked_on and case.duplicate_of is None

    # --- which caller --------------------------------------------------------------------------------------

    def _speaker(self, case: Case, row: TranscriptRow) -> Contact | None:
        """The contact whose telephone number the caller says, where his line told none."""
        if case.contact_id is not None or case.requester:
            return None
        with self._desk.store.read() as connection:
            lookup = Lookup(connection)
            known = (lookup.contact_by_phone(number) for number in row.data["phone_numbers"])
            found = {one.id: one for one in known if one is not None and not one.provisional}
        return next(iter(found.values())) if len(found) == 1 else None

    # --- once more -----------------------------------------------------------------------------------------

    def _told_again(self, recording: Recording, row: TranscriptRow, before: Mapping[str, Any] | None) -> None:
        old = _plain(before["words"] or ()) if before else ""
        changes = [{"old": was, "new": now} for was, now in compare(old, _plain(row.words))]

        def decide(facts: Facts, case: Case, now: datetime) -> Decision:
            draft = Draft(case, facts.policy, now)
            was = (
                {"model_before": before["model"], "confidence_before": before["confidence"]} if before else {}
            )
            draft.record("transcribed_again", **_data(row), **was, changes=changes[:MOST_CHANGES])
            return draft.decision("transcribed_again", f"{row.state}, by {row.model}")

        self._desk.on_case(recording.case.number, decide, job=recording.job, hand=recording.hand)

    # --- no transcript -------------------------------------------------------------------------------------

    def set_aside(self, recording: Recording, state: str, text: str) -> None:
        """Say on the case that there is no text, and why; the recording is still there.

        A later run that fails leaves the transcript that there is.
        """
        known = self._before(recording) if recording.run else None
        if known is None:
            row = TranscriptRow(recording.received.id, recording.part, self._model(recording), state, text)
            self._rows.put(row, self._desk.clock.now())

        def decide(facts: Facts, case: Case, now: datetime) -> Decision:
            draft = Draft(case, facts.policy, now)
            # events stay when a case's words are forgotten, and who has the link has the sound
            why = text.replace(recording.link, "the link") if recording.link else text
            draft.record("transcript_failed", part=recording.part, state=state, reason=why)
            if not recording.run:
                self._tell_staff(draft, facts, recording, text)
            return draft.decision("transcript_failed", text)

        self._desk.on_case(recording.case.number, decide, job=recording.job, hand=recording.hand)


def _data(row: TranscriptRow) -> dict[str, Any]:
    """What an event says of a transcript."""
    numbers = {key: row.data[key] for key in ("phone_numbers", "case_numbers") if row.data.get(key)}
    return {
        "part": row.part,
        "state": row.state,
        "confidence": row.confidence,
        "duration": row.duration_s,
        "model": row.model,
        **numbers,
    }


def _plain(words: Sequence[Mapping[str, Any]]) -> str:
    return " ".join(str(word["word"]) for word in words)


def _same_customer(case: Case, other: Case) -> bool:
    """The same account, or the same contact; a caller unknown to us is nobody's."""
    by_account = case.account_id is not None and case.account_id == other.account_id
    return by_account or (case.contact_id is not None and case.contact_id == other.contact_id)


def _name_caller(draft: Draft, speaker: Contact, now: datetime) -> None:
    """The case becomes the contact's, with his account's plan; nothing is mailed on a number's word alone."""
    account = speaker.account
    plans = {plan.name for plan in draft.policy.plans}
    plan = account.plan if account and account.plan in plans else draft.case.plan
    draft.change(
        contact_id=speaker.id,
        account_id=account.id if account else None,
        account=account.name if account else "",
        requester=next(iter(speaker.addresses), ""),
        requester_name=speaker.name,
        entitled=entitled(draft.policy, speaker, account, now),
        plan=plan,
    )
    draft.record("caller_identified", name=speaker.name, by="a telephone number that the caller said")
    draft.renew_promise()


def _hint(others: Sequence[Case]) -> str:
    named = ", ".join(f"case {one.number}" for one in others)
    return f"{_WHY}; it may belong to {named}" if named else ""
