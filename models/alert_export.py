"""Alerts as CSV (§13.1), straight from the database's COPY, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from psycopg import sql
from sqlalchemy.orm import Session

from models.alert import ACTION_LABELS, FUNCTION_LABELS, LEVEL_LABELS
from models.db import psycopg_connection

NEWEST = 100_000
"""How many alerts of a UTM a file holds at most; the newest ones."""

# A spreadsheet runs a cell that begins with one of these; the full-width forms too, where it reads Japanese.
_FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"
_BLOCK_BYTES = 64 * 1024

# The 33 columns of §13.1, by name and order, with the expression each is read from.
_TEXT_COLUMNS = {
    "alert_id": "a.alert_id",
    "device_name": "u.name",
    "src-mac": "a.src_mac",
    "dst-mac": "a.dst_mac",
    "xff": "a.xff",
    "iif": "a.iif",
    "proto": "a.proto",
    "L7_proto": "a.l7_proto",
    "virus": "a.virus",
    "vid": "a.vid",
    "file": "a.file",
    "severity": "a.severity",
    "subject": "a.subject",
    "date": "a.mail_date",
    "msg": "a.msg",
    "sid": "a.sid",
    "url": "a.url",
    "cid": "a.cid",
    "gid": "a.gid",
    "app": "a.app",
    "aid": "a.aid",
    "bid": "a.bid",
    "ctype": "a.ctype",
    "cname": "a.cname",
    "atype": "a.atype",
}
_OTHER_COLUMNS = {
    "time": "to_char(a.occurred_at AT TIME ZONE 'Asia/Tokyo', 'YYYY/MM/DD HH24:MI:SS')",
    "src-ip": "host(a.src_ip)",
    "src-port": "a.src_port",
    "dst-ip": "host(a.dst_ip)",
    "dst-port": "a.dst_port",
}
COLUMNS = (
    *("alert_id", "time", "device_name", "type", "act", "alert_severity", "src-ip", "src-port", "dst-ip", "dst-port"),
    *("src-mac", "dst-mac", "xff", "iif", "proto", "L7_proto", "virus", "vid", "file", "severity", "subject", "date"),
    *("msg", "sid", "url", "cid", "gid", "app", "aid", "bid", "ctype", "cname", "atype"),
)


def csv_blocks(session: Session, *, customer_id: str, utm_id: int, start: datetime, end: datetime) -> Iterator[bytes]:
    """A UTM's newest alerts of a period as CSV: UTF-8 with a byte order mark, lines ended by CR LF.

    :param session: one inside the tenant; kept busy until the last block is taken.
    :param start: the first moment.
    :param end: the first moment after the period.
    """
    yield b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r\n"
    statement = sql.SQL(
        "COPY (SELECT {cells} FROM alert a JOIN utm u ON u.id = a.utm_id"
        " WHERE a.customer_id = {customer_id} AND a.utm_id = {utm_id}"
        " AND a.occurred_at >= {start} AND a.occurred_at < {end}"
        " ORDER BY a.occurred_at DESC, a.seq DESC LIMIT {newest}) TO STDOUT (FORMAT csv)"
    ).format(
        cells=sql.SQL(", ").join(_cell(name) for name in COLUMNS),
        customer_id=sql.Literal(customer_id),
        utm_id=sql.Literal(utm_id),
        start=sql.Literal(start),
        end=sql.Literal(end),
        newest=sql.Literal(NEWEST),
    )
    # A slow reader holds the statement open: the limit that stops runaway statements is not for it.
    session.connection().exec_driver_sql("SET LOCAL statement_timeout = '30min'")
    with psycopg_connection(session).cursor() as cursor, cursor.copy(statement) as copy:
        block = bytearray()
        for row in copy:
            block += memoryview(row)[:-1]  # each piece is one row with its LF
            block += b"\r\n"
            if len(block) >= _BLOCK_BYTES:
                yield bytes(block)
                block.clear()
    if block:
        yield bytes(block)


def _cell(name: str) -> sql.Composable:
    if name == "type":
        return _label("a.function", FUNCTION_LABELS)
    if name == "act":
        return _safe(_label("a.action", ACTION_LABELS))
    if name == "alert_severity":
        return _label("a.level", LEVEL_LABELS)
    if name in _TEXT_COLUMNS:
        return _safe(sql.SQL(_TEXT_COLUMNS[name]))
    return sql.SQL(_OTHER_COLUMNS[name])


def _label(column: str, labels: dict) -> sql.Composable:
    cases = sql.SQL(" ").join(
        sql.SQL("WHEN {} THEN {}").format(sql.Literal(str(value)), sql.Literal(label))
        for value, label in labels.items()
    )
    return sql.SQL("CASE {column} {cases} ELSE {column} END").format(column=sql.SQL(column), cases=cases)


def _safe(cell: sql.Composable) -> sql.Composable:
    return sql.SQL("CASE WHEN {cell} ~ {formula} THEN '''' || {cell} ELSE {cell} END").format(
        cell=cell, formula=sql.Literal(_FORMULA)
    )
