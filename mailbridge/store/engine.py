"""The database connection, and every difference between SQLite and PostgreSQL.

`Store.write()` is one transaction that has reached the disk when it returns; `Store.read()` is a snapshot for
looking. SQLite runs in WAL with synchronous=FULL and BEGIN IMMEDIATE: with the driver's default transactions
a read-then-write loses updates silently. PostgreSQL writes in READ COMMITTED, with SKIP LOCKED in claims, and
looks in REPEATABLE READ, since facts from two snapshots can be true of no moment.

Fails with StoreUnavailable (away, locked, broken) or StoreFull (no room): both temporary, nothing is lost.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, Protocol, Self

from sqlalchemy import JSON, Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import QueuePool, StaticPool
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from mailbridge.errors import StoreFull, StoreUnavailable
from mailbridge.store.prepared import driven
from mailbridge.store.turn import BEGIN, Turn

MEMORY_URL = "sqlite://"
POOL_SIZE = 5
TIMEOUT_S = 30
_FULL = "the disk of the database is full; free some room"
CHECKPOINT_PAGES = 1000
LATE_CHECKPOINT_PAGES = 8000  # of 4 kB


class all_of(FunctionElement[list[Any]]):  # noqa: N801 - stands in statements like func.count
    """The values of a column of all rows as one list, in no order; empty or None where there is no row."""

    type = JSON()
    inherit_cache = True
    name = "all_of"


@compiles(all_of, "sqlite")
def _all_of_sqlite(element: all_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_group_array({compiler.process(element.clauses, **options)})"


@compiles(all_of, "postgresql")
def _all_of_postgresql(element: all_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_agg({compiler.process(element.clauses, **options)})"


def normal_url(url: str) -> str:
    """postgresql:// means psycopg 3; everything else stays."""
    return "postgresql+psycopg://" + url.split("://", 1)[1] if url.startswith("postgresql://") else url


class Settings(Protocol):
    """What [store] says: the URL, connections of one process, and the longest wait in seconds."""

    @property
    def url(self) -> str: ...
    @property
    def pool_size(self) -> int: ...
    @property
    def timeout_s(self) -> int: ...


def _sqlite_connect(connection: sqlite3.Connection, timeout_s: int, checkpoint_pages: int) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={timeout_s * 1000}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute(f"PRAGMA wal_autocheckpoint={checkpoint_pages}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA cache_size=-32000")
    cursor.close()


def _make_engine(url: str, pool_size: int, timeout_s: int, checkpoint_pages: int) -> Engine:
    parsed = make_url(normal_url(url))
    if parsed.get_backend_name() != "sqlite":
        return create_engine(
            parsed,
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            pool_timeout=timeout_s,
            connect_args={"connect_timeout": timeout_s},
        )
    memory = not parsed.database
    options: dict[str, Any] = {"connect_args": {"check_same_thread": False}}
    if memory:
        options["poolclass"] = StaticPool
    else:  # Store keeps the connections itself: as many as threads that use it at once
        options |= {"poolclass": QueuePool, "max_overflow": -1}
    engine = create_engine(parsed, **options)
    event.listen(
        engine, "connect", lambda connection, _: _sqlite_connect(connection, timeout_s, checkpoint_pages)
    )
    return engine


def _is_full(error: BaseException) -> bool:
    words = str(error).lower()
    return "disk is full" in words or "no space left" in words or "disk full" in words


class Store:
    """One database. Threads may share it; each transaction has a connection of its own.

    url: an SQLAlchemy URL; sqlite:// (in memory) serves simulation and tests only.
    pool_size: most connections to PostgreSQL. timeout_s: longest wait for a connection, or for SQLite's lock.
    urgent: for an intake, whose sender waits for the commit. It comes first at SQLite's write lock, and
    leaves it to others, as long as they do it, to carry SQLite's log into the database, which takes longer.
    """

    def __init__(
        self, url: str, *, pool_size: int = POOL_SIZE, timeout_s: int = TIMEOUT_S, urgent: bool = False
    ) -> None:
        self.url = url
        checkpoint_pages = LATE_CHECKPOINT_PAGES if urgent else CHECKPOINT_PAGES
        self.engine = _make_engine(url, pool_size, timeout_s, checkpoint_pages)
        self.dialect = self.engine.dialect.name
        self._sqlite = self.dialect == "sqlite"
        self._turn = Turn(self.path.parent, timeout_s, urgent=urgent) if self.path is not None else None
        self._idle: list[Connection] = []  # open connections to SQLite that nobody uses now

    @classmethod
    def of(cls, settings: Settings, *, urgent: bool = False) -> Self:
        """The store that [store] describes."""
        return cls(settings.url, pool_size=settings.pool_size, timeout_s=settings.timeout_s, urgent=urgent)

    @property
    def path(self) -> Path | None:
        """The SQLite file, None for memory and for PostgreSQL."""
        database = self.engine.url.database
        return Path(database) if self.dialect == "sqlite" and database else None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One durable transaction. Raises StoreUnavailable or StoreFull; unique violations pass through."""
        try:
            with self._connection() as connection:
                connection.begin()  # else a transaction of prepared statements alone would not be committed
                if self._turn is not None:
                    self._turn.take(connection)
                elif self._sqlite:
                    driven(connection, BEGIN)
                try:
                    yield connection
                    if self._sqlite:
                        driven(connection, "COMMIT")
                except BaseException:
                    if self._sqlite:
                        self._rollback_sqlite(connection)
                    raise
                connection.commit()
        except (DBAPIError, PoolTimeout, OSError) as error:
            self._raise(error)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view for looking; never writes."""
        try:
            with self._connection() as connection:
                if not self._sqlite:
                    connection.execution_options(isolation_level="REPEATABLE READ")
                elif self._turn is not None:
                    driven(connection, "BEGIN")
                try:
                    yield connection
                finally:
                    if self._turn is not None:
                        self._rollback_sqlite(connection)
        except (DBAPIError, PoolTimeout, OSError) as error:
            self._raise(error)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """One for a transaction. Those to SQLite are kept: to take one from the pool and put it back costs
        more than most transactions, and a file is never away. One that failed is closed."""
        if not self._sqlite:
            with self.engine.connect() as connection:
                yield connection
            return
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self.engine.connect()
        try:
            yield connection
            if connection.in_transaction():
                connection.rollback()
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)

    @staticmethod
    def _rollback_sqlite(connection: Connection) -> None:
        raw = connection.connection.dbapi_connection
        if isinstance(raw, sqlite3.Connection) and raw.in_transaction:
            raw.rollback()

    def _raise(self, error: DBAPIError | PoolTimeout | OSError) -> NoReturn:
        told = self._told(error)
        if told is error:
            raise error
        raise told from error

    def _told(self, error: DBAPIError | PoolTimeout | OSError) -> Exception:
        """What is only temporary in our words; anything else as it is."""
        if isinstance(error, OSError):
            return StoreFull(_FULL) if error.errno == errno.ENOSPC else error
        if isinstance(error, (OperationalError, PoolTimeout)):
            if _is_full(error):
                return StoreFull(_FULL)
            return StoreUnavailable(f"the database cannot be used now: {_first_line(error)}")
        if isinstance(error.orig, sqlite3.DatabaseError) and type(error.orig) is sqlite3.DatabaseError:
            # "file is not a database", "disk image is malformed": mail must wait, never bounce
            where = f" {self.path}" if self.path else ""
            return StoreUnavailable(f"the database{where} is broken: {_first_line(error)}")
        away = self.dialect == "postgresql" and isinstance(error, InterfaceError)
        if error.connection_invalidated or away:
            return StoreUnavailable(f"the database went away: {_first_line(error)}")
        return error

    def ping(self) -> None:
        """Raise StoreUnavailable unless the database answers."""
        with self.read() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()
        self.engine.dispose()


def _first_line(error: BaseException) -> str:
    origin = getattr(error, "orig", None) or error
    return str(origin).strip().splitlines()[0] if str(origin).strip() else type(origin).__name__
