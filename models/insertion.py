"""Insert many rows with one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Integer, bindparam, column, func, insert, inspect, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from models.scope import TenantScoped, own_tenant_id


def insert_rows(session: Session, rows: Sequence[Any]) -> None:
    """Insert new rows of a tenant's table, instead of adding them to the session and flushing it.

    Their values are one parameter, a JSON document. A flush has a parameter for each value; in thousands of rows, their
    names and the text of the statement take most of the time.

    After a rollback to a savepoint, the session still has them, so do not use them any more.

    :param rows: all with values for the same columns: strings, numbers, Booleans and None. They may not refer to other new
        rows, and must have a key that the database generates in increasing order.
    """
    if not rows:
        return
    mapper = inspect(type(rows[0]))
    if issubclass(mapper.class_, TenantScoped):
        for row in rows:
            row.tenant_id = own_tenant_id(session)
    given = [each for each in mapper.column_attrs if each.key in inspect(rows[0]).dict]
    table, (key,) = mapper.local_table, mapper.primary_key
    source = (
        func.jsonb_to_recordset(bindparam("rows", type_=JSONB))
        .table_valued(column("place", Integer), *(column(each.columns[0].name, each.columns[0].type) for each in given))
        .render_derived(name="new", with_types=True)
    )
    names = [each.columns[0].name for each in given]
    # In the order of the rows, so that the order of the generated keys tells which row has which.
    chosen = select(*(source.c[name] for name in names)).order_by(source.c.place)
    values = [
        {"place": place} | {each.columns[0].name: inspect(row).dict[each.key] for each in given}
        for place, row in enumerate(rows)
    ]
    inserted = session.execute(insert(table).from_select(names, chosen).returning(*table.c), {"rows": values})
    for row, stored in zip(rows, sorted(inserted.mappings(), key=lambda each: each[key]), strict=True):
        for each in mapper.column_attrs:
            set_committed_value(row, each.key, stored[each.columns[0]])
        make_transient_to_detached(row)
    session.add_all(rows)
