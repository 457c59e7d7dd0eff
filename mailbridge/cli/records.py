"""The cases and mails of the site to look at: what a command needs that decides nothing.

Promises: no template and no rule is loaded, and of the policy only the zone is read, so that a list of cases
is there at once. Fails as `site_store`, and with ConfigInvalid where there is no such policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mailbridge.cli.context import Context
from mailbridge.cli.site_store import site_store

if TYPE_CHECKING:
    from mailbridge.config import Config
    from mailbridge.store.engine import Store


class Records:
    """The readers of one open store."""

    def __init__(self, config: Config, store: Store) -> None:
        from mailbridge.policy.library import zone_of
        from mailbridge.store.cases import Cases
        from mailbridge.store.fetched import Fetched
        from mailbridge.store.inbox import Inbox
        from mailbridge.store.outbox import Outbox

        self.cases = Cases(store)
        self.inbox = Inbox(store)
        self.fetched = Fetched(store)
        self.outbox = Outbox(store)
        named = zone_of(config.site.policy, config.source)
        self.zone: tzinfo = ZoneInfo(config.site.zone or named)
        """Of times for people: [site] zone, else that of the policy's calendar."""


@contextmanager
def records_of(context: Context) -> Iterator[Records]:
    """The records on the configured store. Raises ConfigInvalid, StoreUnavailable, CannotWrite."""
    with site_store(context) as store:
        yield Records(context.config(), store)
