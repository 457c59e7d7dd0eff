"""The store of the site, for commands that need no policy and no templates.

Promises: an admin sees and steers the queue also where the policy file is broken; the schema is brought up
first. Fails with ConfigInvalid (78), CannotWrite (73), StoreUnavailable (75).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mailbridge.cli.context import Context

if TYPE_CHECKING:
    from mailbridge.store.engine import Store


@contextmanager
def site_store(context: Context, *, migrate: bool = True) -> Iterator[Store]:
    """The open store; closed at the end. migrate: bring the schema up first."""
    from mailbridge.store.engine import Store
    from mailbridge.store.migrate import upgrade

    config = context.config()
    config.prepare_state()
    store = Store.of(config.store)
    try:
        if migrate:
            upgrade(store)
        yield store
    finally:
        store.close()
