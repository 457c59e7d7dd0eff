"""Whether a notice to staff that waited in the outbox still says something true.

While the relay is away for days, warnings pile up about moments that pass meanwhile; when it is back, staff
are told what is overdue, and not once more what was due soon. Mail to customers always goes: what was decided
for them stands. Pure; fails never.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from mailbridge.model.case import Case, DeadlineState, Status
from mailbridge.model.notice import NoticeKind

WAITED = timedelta(minutes=10)
"""A notice younger than this is on its usual way and is not looked at again."""
KINDS = frozenset({NoticeKind.DEADLINE_WARNING, NoticeKind.STATUS_UPDATE_DUE})


def stale(kind: NoticeKind, case: Case, made_at: datetime, now: datetime) -> str:
    """Why the notice is not worth sending any more; "" where it is."""
    if kind not in KINDS or now - made_at <= WAITED:
        return ""
    if case.status is Status.CLOSED:
        return "the case was closed before it could be sent"
    if case.last_staff_at is not None and case.last_staff_at > made_at:
        return "staff answered before it could be sent"
    if kind is NoticeKind.DEADLINE_WARNING and not _ahead(case, now):
        return "the moment that it warns of has passed"
    return ""


def _ahead(case: Case, now: datetime) -> bool:
    pending = case.deadline_state is DeadlineState.PENDING
    return pending and case.respond_by is not None and now < case.respond_by
