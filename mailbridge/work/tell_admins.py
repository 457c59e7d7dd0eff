"""Admins are told by mail of what was set aside: quarantined messages, dead steps, mail that nobody took.

Promises: the first trouble is told at once, what follows at the earliest a day after the last mail, together;
each trouble once, until it was mended and comes again. The mail cannot start a loop: it has the null sender,
the marks of an automatic mail and our loop marker, answers go to the admins themselves, and its own failure
is told to nobody. Without [site] admins nothing is sent. Fails with StoreUnavailable, StoreFull.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from mailbridge import log
from mailbridge.config import Config
from mailbridge.mail.compose import Outgoing, compose
from mailbridge.mail.compose_parts import clean_line
from mailbridge.store.engine import Store
from mailbridge.store.trouble import AdminMail, Trouble, look, remember, tell

PAUSE = timedelta(days=1)
SHOWN = 40


def tell_admins(config: Config, store: Store, now: datetime) -> bool:
    """Look once, and tell where it is time; whether a mail was written."""
    if not config.site.admins:
        return False
    found, told = look(store)
    ids = [one.id for one in found]
    new = [one for one in found if one.id not in told.ids]
    if not new or (told.at is not None and now - told.at < PAUSE):
        still = told.ids.intersection(ids)  # what was mended and fails again is news
        if still != told.ids:
            remember(store, told, told.at, sorted(still))
        return False
    if not tell(store, told, ids, _mail(config, new, len(found) - len(new), now), now):
        return False
    log.event("admins_told", to=[one.key for one in config.site.admins], count=len(new))
    return True


def _mail(config: Config, new: Sequence[Trouble], older: int, now: datetime) -> AdminMail:
    site = config.site
    admins = tuple(site.admins)
    unique = hashlib.sha256(f"{now.isoformat()} {[one.id for one in new]}".encode()).hexdigest()[:24]
    ref = f"<admins.{unique}@{site.sender.domain}>"
    count = f"{len(new)} things need" if len(new) > 1 else "1 thing needs"
    subject = f"{site.name}: {count} an admin"
    raw = compose(
        Outgoing(
            sender=site.sender,
            to=admins,
            subject=subject,
            text=_text(config, new, older),
            message_id=ref,
            sent_at=now,
            reply_to=admins[0].address,
            auto_submitted="auto-generated",
            loop_marker=f"{site.host_name} {site.support[0].key}",
            language="en",
        )
    )
    return AdminMail(tuple(one.address for one in admins), subject, ref, raw)


def _text(config: Config, new: Sequence[Trouble], older: int) -> str:
    lines = [f"mailbridge on {config.site.host_name} has set aside what it cannot do by itself:", ""]
    for one in new[:SHOWN]:
        lines += [f"  {one.id}: {clean_line(one.what, 300)}"]
        lines += [f"      {clean_line(one.reason, 300)}"] if one.reason else []
    if len(new) > SHOWN:
        lines += [f"  and {len(new) - SHOWN} more"]
    lines += [""]
    if older:
        lines += [f"Told before, and still there: {older}.", ""]
    lines += [
        "Nothing of it is lost. To see why, try again, or give it up:",
        "",
        "  mailbridge queue list",
        f"  mailbridge queue show {new[0].id}",
        f"  mailbridge queue retry {new[0].id}",
        f"  mailbridge queue drop {new[0].id}",
        "",
        "What else is set aside within a day is told in one mail tomorrow.",
    ]
    return "\n".join(lines) + "\n"
