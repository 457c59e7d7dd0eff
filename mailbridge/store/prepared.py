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
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Executable, Table, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Values = Mapping[str, Any]
_NOTHING: Values = {}
_Convert = Callable[[Any], Any]


class _Plan:
    """The text for one database and for lists of one length, and where its parameters come from.

    A parameter is values[key], an item of such a list, or a value of the statement's own. A message takes
    several hundred: they are fetched all at once, and only those are looked at that are converted.
    """

    def __init__(self, compiled: SQLCompiler, lists: Mapping[str, int], defaults: Values) -> None:
        shaped = {key: [None] * size for key, size in lists.items()}
        given = {key: None for key, bind in compiled.binds.items() if bind.required} | shaped
        state = compiled.construct_expanded_state(given)
        self.text = state.statement
        expanded = state.parameter_expansion
        self._lists = [(key, names) for key, names in expanded.items() if key in lists]
        keys = {name: key for key, names in expanded.items() for name in names}
        names = state.positiontup if state.positiontup is not None else list(state.parameters)
        self._names = None if state.positiontup is not None else names
        self._own: dict[str, Any] = {}
        self._converts: list[tuple[int, str, _Convert]] = []
        for place, name in enumerate(names):
            self._learn(compiled, place, name, keys.get(name, name), defaults)
        self._pick = _picker(names)

    def _learn(self, compiled: SQLCompiler, place: int, name: str, key: str, defaults: Values) -> None:
        """The statement's own value of a parameter, ready for the driver, and how a given one gets ready."""
        bind, dialect = compiled.binds[key], compiled.dialect
        convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if convert is not None:
            self._converts.append((place, name, convert))
        if not bind.required or key in defaults:
            own = defaults.get(key, None if bind.required else bind.effective_value)
            # a column of JSON that nobody sets is NULL, not "null"
            self._own[name] = own if convert is None or own is None else convert(own)

    def parameters(self, values: Values) -> Any:
        if self._lists:
            listed = (zip(names, values[key], strict=True) for key, names in self._lists)
            values = {**values, **dict(chain.from_iterable(listed))}
        found = list(self._pick({**self._own, **values} if self._own else values))
        for place, name, convert in self._converts:
            if name in values:
                found[place] = convert(found[place])
        return found if self._names is None else dict(zip(self._names, found, strict=True))


def _picker(names: Sequence[str]) -> Callable[[Values], Sequence[Any]]:
    """The values of these names, in their order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: [values[name] for name in names]


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
        sizes = tuple([len(values[name]) for name in self._lists]) if self._lists else ()
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
    if connection.dispatch.before_cursor_execute:
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
