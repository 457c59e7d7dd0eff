"""What runs in the processes behind the intake: worker, relay, transcriber. Each opens its own desk.

Promises: a database that is away when the process starts is waited for; hostile input is parsed under a limit
of memory here, and under a limit of time that the master keeps. Fails by what Desk.open raises for a wrong
policy or template: the process ends, and its master starts it again later.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from mailbridge import log
from mailbridge.config import Config, Relay, Voicemail
from mailbridge.config.credentials import password, token
from mailbridge.errors import Temporary
from mailbridge.outgoing.relay import Relay as RelayClient
from mailbridge.outgoing.session import RelaySettings, Tls
from mailbridge.work.deliver import Deliverer
from mailbridge.work.desk import Desk
from mailbridge.work.process import Start
from mailbridge.work.worker import Worker

if TYPE_CHECKING:
    from transcription.pool import Pool

RETRY_S = 2.0


def worker(start: Start, config: Config) -> None:
    """Main of a worker process."""
    limit_memory(config.worker.memory_mb)
    start.ready()
    with patient_desk(start, config) as desk:
        if desk is not None:
            Worker(desk, hand=start.hand, on_done=start.ring("relay")).serve(start.line)


def relay(start: Start, config: Config) -> None:
    """Main of the delivering process."""
    assert config.relay is not None
    client = RelayClient(relay_settings(config.relay, config.source, config.site.host_name))
    start.ready()
    with patient_desk(start, config) as desk:
        if desk is not None:
            Deliverer(desk, client, hand=start.hand).serve(start.line)


def relay_settings(section: Relay, source: str, hostname: str) -> RelaySettings:
    """The client's settings from [relay]. Raises ConfigInvalid for a password file that cannot be read."""
    return RelaySettings(
        host=section.host,
        port=section.port,
        tls=Tls(section.tls),
        user=section.user,
        password=password(section, source),
        token=token(section),
        ca=str(section.ca) if section.ca else "",
        timeout_s=float(section.timeout_s),
        hostname=hostname,
    )


def limit_memory(megabytes: int) -> None:
    """Most memory that this process may fill; beyond it a message gets a MemoryError, not the machine.

    RLIMIT_DATA, not RLIMIT_AS: address space that libraries reserve and never touch is no harm.
    """
    size = megabytes << 20
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    limit = size if hard == resource.RLIM_INFINITY else min(size, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


@contextmanager
def patient_desk(start: Start, config: Config) -> Iterator[Desk | None]:
    """The desk, as soon as its database answers; None where the process is told to stop before."""
    trouble = False
    while not start.line.stopped:
        start.hand.beat()
        stack = ExitStack()
        try:
            desk = stack.enter_context(Desk.open(config))
        except Temporary as error:
            if not trouble:
                log.event("store_unavailable", error=error)
            trouble = True
            start.line.wait(RETRY_S)
            continue
        if trouble:
            log.event("store_recovered")
        with stack:
            desk.warm()
            start.hand.beat()
            yield desk
        return
    yield None


def pool_of(voicemail: Voicemail) -> Pool:
    """The recognisers as [voicemail] wants them."""
    from transcription.pool import Pool

    assert voicemail.model is not None
    most = voicemail.memory_mb << 20
    return Pool(voicemail.model, voicemail.processes, float(voicemail.timeout_s), max_rss_bytes=most or None)


def transcriber(start: Start, config: Config) -> None:
    """Main of the process that hands recordings to the transcribers and writes down what they say."""
    # these load numpy and a media library: half a second that no other process needs to spend
    from mailbridge.work.listen import Listener

    assert config.voicemail is not None
    pool = pool_of(config.voicemail)
    start.ready()
    try:
        with patient_desk(start, config) as desk:
            if desk is not None:
                Listener(desk, pool, hand=start.hand, on_done=start.ring("relay")).serve(start.line)
    finally:
        pool.close()
