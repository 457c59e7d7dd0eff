"""The daemon: builds its parts from the configuration, starts the roles, answers to signals.

This is the master process. Promises: it binds the addresses, brings the database up, starts and watches the
processes (work.supervise), and parses no mail. SIGTERM and SIGINT drain and stop with exit 0; SIGHUP reads
configuration, policy, templates and certificates, and takes the new ones over only when all of them are
right; whoever is not concerned by the change runs on. READY, STOPPING and WATCHDOG tell systemd the truth:
the watchdog is fed only while every role works.
How it fails: ConfigInvalid (78), Unavailable (69) for an address in use, CannotWrite (73); a database that is
away at the start is waited for: the intake answers 451 meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import FrameType

from mailbridge import __version__, log
from mailbridge.clock import SystemClock
from mailbridge.config import Config
from mailbridge.config.files import NO_MODEL, file_problems
from mailbridge.errors import (
    CannotWrite,
    ConfigInvalid,
    MailbridgeError,
    Problem,
    SchemaUnknown,
    Temporary,
    Unavailable,
)
from mailbridge.store.engine import Store
from mailbridge.store.leases import give_back_job, give_back_mail
from mailbridge.work import back, front
from mailbridge.work.desk import Desk
from mailbridge.work.held import HeldFile, left_behind
from mailbridge.work.notify import activated, notify, watchdog_s
from mailbridge.work.places import Places
from mailbridge.work.process import Spec
from mailbridge.work.supervise import Death, Supervisor

ROLES = ("smtp", "lmtp", "imap", "spool", "scheduler", "worker", "relay", "transcriber")
STEP_S = 1.0
RELAY_SILENT_S = 900.0  # a slow relay may take minutes for each of the steps of one mail
BIND_S = 5.0
MODEL_S = 420.0  # a big model may take minutes to load
_SLACK_S = 2.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A configuration that was found right, and the processes that it asks for."""

    config: Config
    specs: tuple[Spec, ...]


class Daemon:
    """One `serve`. load reads the configuration (again at each SIGHUP); roles: those to run here."""

    def __init__(self, load: Callable[[], Config], roles: Iterable[str] = ROLES) -> None:
        self._load = load
        self._roles = frozenset(roles)
        unknown = self._roles - frozenset(ROLES)
        if unknown:
            raise ConfigInvalid([Problem("--role", "", "", f"unknown: {', '.join(sorted(unknown))}")])
        self._woken, self._wakes = socket.socketpair()
        self._signals: list[int] = []
        self._places = Places()
        self._told_ready = False
        self._fed_s = 0.0

    def run(self) -> int:
        """Serve until told to stop; the exit code. Raises MailbridgeError where it cannot start."""
        config = self._load()
        log.setup(config.site.log_level)
        log.event("starting", version=__version__, roles=sorted(self._roles), store=config.store.shown_url)
        with self._listening_to_signals():
            self._places = Places(activated())
            try:
                return self._serve(self._first_plan(config))
            finally:
                self._places.close()

    # --- what is to run ------------------------------------------------------------------------------------

    def _first_plan(self, config: Config) -> Plan:
        """The children of a master that was killed hold its addresses for a moment longer: wait for them."""
        ends_s = time.monotonic() + BIND_S
        while True:
            try:
                return self._plan(config)
            except SchemaUnknown:
                raise
            except Unavailable:
                if time.monotonic() > ends_s or self._signals:
                    raise
                select.select([self._woken], [], [], 0.2)

    def _plan(self, config: Config) -> Plan:
        """Prove the configuration, then bind. Raises MailbridgeError, with nothing changed."""
        prove(config)
        return Plan(config, tuple(self._specs(config, self._places.use(config, self._roles))))

    def _specs(self, config: Config, sockets: dict[str, list[socket.socket]]) -> Iterable[Spec]:
        level, worker = config.site.log_level, config.worker
        fronts = self._roles & frozenset(front.INTAKES)
        if fronts:
            bound = {way: tuple(found) for way, found in sockets.items()}
            yield Spec("intake", front.intake, (config, fronts, bound), log_level=level)
        if "worker" in self._roles:
            step_s = worker.message_timeout_s + _SLACK_S
            yield Spec("worker", back.worker, (config,), _workers(config), step_s=step_s, log_level=level)
        if "relay" in self._roles and config.relay is None:
            log.event("relay_missing", reason="there is no [relay]: outgoing mail waits in the outbox")
        elif "relay" in self._roles:
            yield Spec("relay", back.relay, (config,), silent_s=RELAY_SILENT_S, log_level=level)
        voicemail = config.voicemail
        if "transcriber" in self._roles and voicemail is not None and voicemail.model is not None:
            if not voicemail.model.is_dir():
                log.event("model_missing", reason=f"{voicemail.model} is not there: recordings wait for it")
            silent_s = 2 * voicemail.timeout_s + MODEL_S
            yield Spec("transcriber", back.transcriber, (config,), silent_s=silent_s, log_level=level)
        elif "transcriber" in self._roles and voicemail is not None:
            log.event("model_missing", reason=f"[voicemail] model {NO_MODEL}")

    # --- the loop ------------------------------------------------------------------------------------------

    def _serve(self, plan: Plan) -> int:
        threading.Thread(target=_take_over, args=(plan.config,)).start()
        held = HeldFile(plan.config.site.state)
        try:
            return self._watch(plan, held)
        finally:
            held.close()

    def _watch(self, plan: Plan, held: HeldFile) -> int:
        supervisor = Supervisor(plan.specs, on_death=lambda death: _give_back(plan.config, death), held=held)
        supervisor.start()
        while True:
            supervisor.step(STEP_S, [self._woken])
            self._hush()
            self._tell_systemd(supervisor)
            for number in self._take_signals():
                if number == signal.SIGHUP:
                    plan = self._reload(plan, supervisor)
                else:
                    return self._stop(plan, supervisor)

    def _stop(self, plan: Plan, supervisor: Supervisor) -> int:
        log.event("draining")
        notify("STOPPING=1")
        clean = supervisor.stop(plan.config.worker.stop_s)
        log.event("stopped", clean=clean)
        return 0

    def _reload(self, plan: Plan, supervisor: Supervisor) -> Plan:
        """The new configuration where it is right; else the old one goes on and the reason is logged."""
        log.event("reloading")
        notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            new = self._plan(self._load())
        except MailbridgeError as error:
            problems = error.problems if isinstance(error, ConfigInvalid) else (error,)
            for problem in problems:
                log.event("reload_refused", reason=str(problem))
            notify("READY=1", "STATUS=the new configuration is wrong; the old one is in use")
            return plan
        log.setup(new.config.site.log_level)
        same_intake = _of(new, "intake") == _of(plan, "intake")
        # policy and templates are files that the desks have read: their processes start anew in any case
        supervisor.replace(new.specs, renew=("worker", "relay", "transcriber"))
        if same_intake:
            supervisor.tell("intake", "reload")
        log.event("reloaded")
        notify("READY=1")
        return new

    def _tell_systemd(self, supervisor: Supervisor) -> None:
        if not self._told_ready and supervisor.ready:
            self._told_ready = True
            log.event("ready")
            notify("READY=1", f"MAINPID={os.getpid()}")
        within_s, now_s = watchdog_s(), time.monotonic()
        unwell = supervisor.unwell()
        if unwell:
            log.event("watchdog_late", roles=unwell)
        if within_s and not unwell and now_s - self._fed_s > within_s / 4:
            notify("WATCHDOG=1")
            self._fed_s = now_s

    # --- signals -------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _listening_to_signals(self) -> Iterator[None]:
        def note(number: int, _frame: FrameType | None) -> None:
            self._signals.append(number)

        self._woken.setblocking(False)
        self._wakes.setblocking(False)
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = {number: signal.signal(number, note) for number in numbers}
        fd = signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(fd)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hush(self) -> None:
        with contextlib.suppress(OSError):
            self._woken.recv(4096)

    def _take_signals(self) -> list[int]:
        taken, self._signals = self._signals, []
        return taken


def prove(config: Config) -> None:
    """Read everything that the processes will read: policy, templates, certificate, logins, database.

    Raises ConfigInvalid, NotFound, CannotWrite. A database that is away is no mistake of the configuration.
    """
    front.certificate_of(config)
    front.logins_of(config)
    for problem in file_problems(config, SystemClock().now()):
        log.event("config_invalid", reason=str(problem))
    try:
        with Desk.open(config):
            pass
    except Temporary as error:
        log.event("store_unavailable", error=error)


def _workers(config: Config) -> int:
    """SQLite has one write lock, and it is not fair: a second worker would only wait for the first."""
    if config.worker.processes:
        return config.worker.processes
    return 1 if config.store.file is not None else max(1, (os.cpu_count() or 2) - 1)


def _of(plan: Plan, role: str) -> Spec | None:
    return next((spec for spec in plan.specs if spec.role == role), None)


def _give_back(config: Config, death: Death) -> None:
    """Give the rows of a dead process back, in a thread: only the end of the master waits for it."""
    if death.held:
        threading.Thread(target=_quietly, args=(config, death)).start()


def _quietly(config: Config, death: Death) -> None:
    with contextlib.suppress(Temporary):
        _give_rows_back(config, death)


def _take_over(config: Config) -> None:
    """Give back what dead daemons had in hand: whoever was killed with its master could tell nobody."""
    with contextlib.suppress(Temporary), left_behind(config.site.state) as left:
        for one in left:
            rows = _give_rows_back(config, Death(one.role, "the daemon was killed", one.step, one.held))
            log.event("leases_taken_over", role=one.role, rows=rows)


def _give_rows_back(config: Config, death: Death) -> int:
    """How many were given back; the others were finished, or somebody else holds them. Raises Temporary."""
    store, now, count = Store.of(config.store), SystemClock().now(), 0
    try:
        for row in death.held:
            guilty = row == death.step
            if death.role == "relay":
                count += give_back_mail(store, row.id, row.lease, now)
            else:
                due = now + timedelta(seconds=2**row.attempt if guilty and row.attempt > 1 else 0)
                died = death.how if guilty else ""
                count += give_back_job(store, row.id, row.lease, due, died=died, innocent=not guilty)
    except Temporary as error:
        log.event("lease_lost", role=death.role, error=error)
        raise
    finally:
        store.close()
    return count


def serve(load: Callable[[], Config], roles: Iterable[str] = ROLES) -> int:
    """Run the daemon in this process until it is told to stop. Returns the exit code."""
    try:
        return Daemon(load, roles).run()
    except ConfigInvalid as error:
        for problem in error.problems:
            log.event("config_invalid", reason=str(problem))
        raise
    except SchemaUnknown as error:
        log.event("schema_outdated", reason=str(error))
        raise
    except CannotWrite as error:
        log.event("state_not_writable", reason=str(error))
        raise
    except Unavailable as error:
        log.event("address_in_use", reason=str(error))
        raise
