"""Cases as JSON: the shapes of `case list --json` and `case show --json`, and a little more.

Times are ISO 8601 in UTC with offset. Reads only; raises what the store raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mailbridge.cli.records import Records
    from mailbridge.model.case import Case
    from mailbridge.work.desk import Desk

_FILE_KEYS = ("filename", "content_type", "size", "sha256")


def when(instant: datetime | None) -> str | None:
    """ISO 8601, UTC."""
    return instant.astimezone(UTC).isoformat() if instant else None


def list_row(case: Case) -> dict[str, Any]:
    """One row of `case list --json`."""
    return {
        "number": case.number,
        "subject": case.subject,
        "status": case.status.value,
        "channel": case.channel.value,
        "severity": case.severity,
        "plan": case.plan,
        "requester": case.requester,
        "requester_name": case.requester_name,
        "account": case.account,
        "entitled": case.entitled.value,
        "escalation_level": case.escalation_level,
        "assigned_to": case.assigned_to,
        "created_at": when(case.created_at),
        "respond_by": when(case.respond_by),
        "deadline_state": case.deadline_state.value,
        "auto_close_at": when(case.auto_close_at),
        "held": case.held,
        "hold_until": when(case.hold_until),
        "closed_at": when(case.closed_at),
        "duplicate_of": case.duplicate_of,
    }


def document(desk: Desk | Records, case: Case) -> dict[str, Any]:
    """`case show --json`."""
    return {
        **list_row(case),
        "follows": case.follows,
        "close_reason": case.close_reason,
        "update_due_at": when(case.update_due_at),
        "auto_close_warned_at": when(case.auto_close_warned_at),
        "participants": list(case.participants),
        "policy": case.policy,
        "policy_version": case.policy_version,
        "deadline": dict(case.proof) or None,
        "messages": messages(desk, case),
        "events": events(desk, case),
    }


def messages(desk: Desk | Records, case: Case) -> list[dict[str, Any]]:
    """The thread in order, each with its attachments and, of a voicemail, its transcript."""
    rows = desk.cases.entries(case.id)
    ids = [row["message_id"] for row in rows if row["direction"] == "in" and row["message_id"]]
    transcripts = desk.cases.transcripts(ids)
    came = {message_id: _came(desk, message_id) for message_id in set(ids)}
    gone = {
        event["message"]: event["at"]
        for event in events(desk, case)
        if event["event"] == "removed" and event.get("what") in ("recording", "mail")
    }
    return [
        _message(row, place, transcripts, gone) | _received(row, came)
        for place, row in enumerate(rows, start=1)
    ]


def _came(desk: Desk | Records, message_id: int) -> datetime | None:
    received = desk.inbox.load(message_id)
    return received.received_at if received else None


def _received(row: Mapping[str, Any], came: Mapping[int, datetime | None]) -> dict[str, Any]:
    """When we took the message, which after an outage is long before it stood on the case."""
    arrived = came.get(row["message_id"]) if row["direction"] == "in" else None
    return {"received_at": when(arrived or row["at"])}


def _message(
    row: Mapping[str, Any],
    place: int,
    transcripts: Mapping[int, Sequence[Mapping[str, Any]]],
    gone: Mapping[int, str],
) -> dict[str, Any]:
    from mailbridge.store.transcripts import counting

    incoming = row["direction"] == "in"
    found = transcripts.get(row["message_id"] or 0, ()) if incoming else ()
    now = counting(found)
    removed = gone.get(row["message_id"] or 0) if incoming else None
    return {
        "n": place,
        "direction": row["direction"],
        "kind": row["kind"],
        "author": row["author"],
        "from": row["from_"],
        "to": list(row["to"] or ()),
        "subject": row["subject"],
        "text": row["text"],
        "message_id": row["message_ref"] or None,
        "attachments": [_file(item, removed) for item in row["attachments"] or ()],
        "transcript": _transcript(next((one for one in now if one["state"] == "speech"), now[-1]))
        if now
        else None,
        "transcripts": [_made(one, one in now) for one in found],
    }


def _file(item: Mapping[str, Any], removed: str | None) -> dict[str, Any]:
    known = {key: item.get(key) for key in _FILE_KEYS}
    return (
        known
        | {"inline": bool(item.get("inline")), "dangerous": item.get("dangerous") or ""}
        | ({"removed_at": removed} if removed else {})
    )


def _transcript(row: Mapping[str, Any]) -> dict[str, Any]:
    more = {key: value for key, value in (row["data"] or {}).items() if key not in row}
    return more | {
        "state": row["state"],
        "text": row["text"],
        "confidence": row["confidence"],
        "duration": row["duration_s"],
        "model": row["model"],
        "words": row["words"] or [],
    }


def _made(row: Mapping[str, Any], counts: bool) -> dict[str, Any]:
    """One of the transcripts ever made of a recording; counts: it is the one that the case shows."""
    keys = ("part", "model", "state", "text", "confidence")
    return {key: row[key] for key in keys} | {"at": when(row["at"]), "counts": counts}


def events(desk: Desk | Records, case: Case) -> list[dict[str, Any]]:
    """What happened and why, in order."""
    return [
        {**(row["data"] or {}), "at": when(row["at"]), "event": row["event"]}
        for row in desk.cases.events(case.id)
    ]
