"""Statements of the way of a message: compiled once, run by the database's own driver.

SQLAlchemy writes the text, converts the values and names the errors; only the running is ours, since its own
takes 40 us a statement of which SQLite needs 4, a hundred times a message. What is asked once an hour is
better asked the usual way.

Promises: the same rows, types and errors (IntegrityError, OperationalError, ...) as Connection.execute gives,
in the connection's own transaction, which Store.read and Store.write have begun; who listens to
before_cursor_execute hears of them too. A row is a named tuple.
Fails: KeyError where a value that a statement names is not given.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, Executable, Table, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Values = Mapping[str, Any]
_NOTHING: Values = {}
_Convert = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where one parameter comes from: values[key], an item of it, or a value of the statement's own."""

    name: str
    key: str
    item: int | None
    needed: bool
    own: Any
    convert: _Convert

    def of(self, values: Values) -> Any:
        if not self.needed and self.key not in values:
            return self.own
        value = values[self.key]
        if self.item is not None:
            value = value[self.item]
        return value if self.convert is None else self.convert(value)


class _Plan:
    """The text for one database and for lists of one length."""

    def __init__(self, compiled: SQLCompiler, lists: Mapping[str, int], defaults: Values) -> None:
        dialect = compiled.dialect
        shaped = {key: [None] * size for key, size in lists.items()}
        given = {key: None for key, bind in compiled.binds.items() if bind.required} | shaped
        state = compiled.construct_expanded_state(given)
        self.text = state.statement
        items = {
            name: (key, place)
            for key, names in state.parameter_expansion.items()
            for place, name in enumerate(names)
        }
        names = state.positiontup if state.positiontup is not None else list(state.parameters)
        self._positional = state.positiontup is not None
        self._slots = [_slot(compiled, dialect, name, items, defaults) for name in names]

    def parameters(self, values: Values) -> Any:
        if self._positional:
            return [slot.of(values) for slot in self._slots]
        return {slot.name: slot.of(values) for slot in self._slots}


def _slot(
    compiled: SQLCompiler,
    dialect: Dialect,
    name: str,
    items: Mapping[str, tuple[str, int]],
    defaults: Values,
) -> _Slot:
    key, item = items.get(name, (name, None))
    bind = compiled.binds[key]
    convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
    needed = bind.required and key not in defaults
    own = None if needed else defaults.get(key, None if bind.required else bind.effective_value)
    if convert is not None and own is not None:  # a column of JSON that nobody sets is NULL, not "null"
        own = convert(own)
    return _Slot(name, key, item, needed, own, convert)


class Prepared:
    """One statement. lists: names of its parameters that are lists. columns: that an INSERT or UPDATE sets,
    where the statement does not say so itself. defaults: values of parameters that need not be given."""

    def __init__(
        self,
        statement: Executable,
        *,
        lists: Sequence[str] = (),
        columns: Collection[str] | None = None,
        defaults: Values = _NOTHING,
    ) -> None:
        self.statement = statement
        self._lists = tuple(lists)
        self._columns = sorted(columns) if columns is not None else None
        self._defaults = defaults
        self._plans: dict[tuple[str, tuple[int, ...]], _Plan] = {}
        self._shapes: dict[str, _Shape] = {}

    def rows(self, connection: Connection, values: Values = _NOTHING) -> list[Any]:
        """All rows."""
        cursor = self._run(connection, values)
        dialect = connection.dialect
        if (shape := self._shapes.get(dialect.name)) is None:
            shape = self._shapes[dialect.name] = _Shape(self.statement, dialect, cursor.description)
        found = shape.rows(cursor.fetchall())
        cursor.close()
        return found

    def first(self, connection: Connection, values: Values = _NOTHING) -> Any:
        """The first row, or None."""
        found = self.rows(connection, values)
        return found[0] if found else None

    def scalars(self, connection: Connection, values: Values = _NOTHING) -> list[Any]:
        """The first column of all rows."""
        return [row[0] for row in self.rows(connection, values)]

    def scalar(self, connection: Connection, values: Values = _NOTHING) -> Any:
        """The first column of the first row, or None."""
        found = self.rows(connection, values)
        return found[0][0] if found else None

    def change(self, connection: Connection, values: Values = _NOTHING) -> int:
        """How many rows were changed."""
        cursor = self._run(connection, values)
        count = int(cursor.rowcount)
        cursor.close()
        return count

    def change_all(self, connection: Connection, rows: Iterable[Values]) -> None:
        """The same change with the values of each row, in their order. No lists."""
        plan = self._plan(connection.dialect, _NOTHING)
        parameters = [plan.parameters(row) for row in rows]
        if parameters:
            driven(connection, plan.text, parameters, many=len(parameters) > 1).close()

    def _run(self, connection: Connection, values: Values) -> Any:
        plan = self._plan(connection.dialect, values)
        return driven(connection, plan.text, [plan.parameters(values)], many=False)

    def _plan(self, dialect: Dialect, values: Values) -> _Plan:
        sizes = tuple(len(values[name]) for name in self._lists)
        if (plan := self._plans.get((dialect.name, sizes))) is None:
            compiled = self.statement.compile(dialect=dialect, column_keys=self._columns)  # type: ignore[attr-defined]
            plan = _Plan(compiled, dict(zip(self._lists, sizes, strict=True)), self._defaults)
            self._plans[(dialect.name, sizes)] = plan
        return plan


class _Shape:
    """The names and conversions of the columns of a result."""

    def __init__(self, statement: Any, dialect: Dialect, description: Sequence[Sequence[Any]]) -> None:
        columns = list(statement.exported_columns)
        names = [str(column.key) for column in columns]
        # the names are the statement's, so that no class can be written for them
        row: Any = namedtuple("row", names, rename=True)  # type: ignore[misc]
        self._make = row._make
        self._converts = [
            (place, convert)
            for place, (column, told) in enumerate(zip(columns, description, strict=True))
            if (convert := column.type.dialect_impl(dialect).result_processor(dialect, told[1])) is not None
        ]

    def rows(self, found: Sequence[Sequence[Any]]) -> list[Any]:
        make = self._make
        if not self._converts:
            return [make(row) for row in found]
        told = []
        for row in found:
            values = list(row)
            for place, convert in self._converts:
                values[place] = convert(values[place])
            told.append(make(values))
        return told


def driven(
    connection: Connection, text: str, parameters: Sequence[Any] = ((),), *, many: bool = False
) -> Any:
    """Run by the driver's cursor; its errors in SQLAlchemy's words, and no connection kept that is gone."""
    driver = connection.connection
    cursor = driver.cursor()
    for listener in connection.dispatch.before_cursor_execute:
        listener(connection, cursor, text, parameters, None, many)
    try:
        if many:
            cursor.executemany(text, parameters)
        else:
            cursor.execute(text, parameters[0])
    except Exception as error:
        dialect = connection.dialect
        base = dialect.loaded_dbapi.Error
        if not isinstance(error, base):
            raise
        gone = dialect.is_disconnect(error, driver, cursor)
        if gone:
            connection.invalidate(error)
        told = DBAPIError.instance(
            text, None, error, base, connection_invalidated=gone, dialect=dialect, ismulti=many
        )
        raise told from error
    return cursor


def new_row(table: Table) -> Prepared:
    """INSERT with every column but the id; what is not given is the column's own default."""
    return Prepared(insert(table).inline(), columns=_columns(table), defaults=_defaults(table))


def new_row_id(table: Table) -> Prepared:
    """INSERT as new_row; the scalar is the id that the row got."""
    return Prepared(insert(table).returning(table.c.id), columns=_columns(table), defaults=_defaults(table))


def _columns(table: Table) -> list[str]:
    return [column.name for column in table.c if column.name != "id"]


def _defaults(table: Table) -> dict[str, Any]:
    told = ((column.name, column.default) for column in table.c if column.name != "id")
    return {name: getattr(default, "arg", None) for name, default in told}
