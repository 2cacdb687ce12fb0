"""Export alerts as CSV (§13.1), streamed from PostgreSQL's COPY in constant memory."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql
from sqlalchemy.orm import Session

from models.alerts import search as alert_search
from models.alerts.alert import ACTION_LABELS, FUNCTION_LABELS, LEVEL_LABELS
from models.alerts.search import AlertQuery
from models.db import allow_long_statements, psycopg_connection

NEWEST = 100_000
"""The maximum number of alerts of a UTM in a file; the newest ones are exported."""

# A spreadsheet evaluates a cell that begins with one of these as a formula; Japanese ones also take full-width forms.
_FORMULA = "=+-@＝＋－＠"
# Dangerous on their own: what follows one of these can end up in another cell or row.
_CONTROLS = "\t\r\n"
# Some spreadsheets ignore blanks before a formula.
_BLANKS = (
    _CONTROLS + " \v\f\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
)
_BLOCK_BYTES = 64 * 1024
_LONGEST = 30 * 60

# The 33 columns of §13.1, in order, and the SQL expression of each.
_TEXT_COLUMNS = {
    "alert_id": "alert.alert_id",
    "device_name": "u.name",
    "src-mac": "alert.src_mac",
    "dst-mac": "alert.dst_mac",
    "xff": "alert.xff",
    "iif": "alert.iif",
    "proto": "alert.proto",
    "L7_proto": "alert.l7_proto",
    "virus": "alert.virus",
    "vid": "alert.vid",
    "file": "alert.file",
    "severity": "alert.severity",
    "subject": "alert.subject",
    "date": "alert.mail_date",
    "msg": "alert.msg",
    "sid": "alert.sid",
    "url": "alert.url",
    "cid": "alert.cid",
    "gid": "alert.gid",
    "app": "alert.app",
    "aid": "alert.aid",
    "bid": "alert.bid",
    "ctype": "alert.ctype",
    "cname": "alert.cname",
    "atype": "alert.atype",
}
_OTHER_COLUMNS = {
    "time": "to_char(alert.occurred_at AT TIME ZONE 'Asia/Tokyo', 'YYYY/MM/DD HH24:MI:SS')",
    "src-ip": "host(alert.src_ip)",
    "src-port": "alert.src_port",
    "dst-ip": "host(alert.dst_ip)",
    "dst-port": "alert.dst_port",
}
COLUMNS = (
    *("alert_id", "time", "device_name", "type", "act", "alert_severity", "src-ip", "src-port", "dst-ip", "dst-port"),
    *("src-mac", "dst-mac", "xff", "iif", "proto", "L7_proto", "virus", "vid", "file", "severity", "subject", "date"),
    *("msg", "sid", "url", "cid", "gid", "app", "aid", "bid", "ctype", "cname", "atype"),
)


def csv_blocks(session: Session, query: AlertQuery) -> Iterator[bytes]:
    """Generate the newest alerts of a UTM that match a search as CSV: UTF-8 with a byte order mark and CRLF line ends.

    :param session: a session of the tenant; it is busy until the last block is consumed.
    :param query: the search, with its ``utm_id``.
    """
    yield b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r\n"
    # COPY takes no parameters: the driver inserts the values into the statement as literals.
    where, values = alert_search.conditions(query)
    statement = sql.SQL(
        "COPY (SELECT {cells} FROM alert JOIN utm u ON u.id = alert.utm_id WHERE {where}"
        " ORDER BY alert.occurred_at DESC, alert.seq DESC LIMIT {newest}) TO STDOUT (FORMAT csv)"
    ).format(
        cells=sql.SQL(", ").join(_cell(name) for name in COLUMNS),
        where=sql.SQL(where),
        newest=sql.Literal(NEWEST),
    )
    # A slow reader holds the statement open: the limit that stops runaway statements is not for it.
    allow_long_statements(session, seconds=_LONGEST)
    with psycopg_connection(session).cursor() as cursor, cursor.copy(statement, values) as copy:
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
        return _label("alert.function", FUNCTION_LABELS)
    if name == "act":
        return _safe(_label("alert.action", ACTION_LABELS))
    if name == "alert_severity":
        return _label("alert.level", LEVEL_LABELS)
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
    # Comparing code points is much faster than a regular expression for each cell of a hundred thousand rows. ascii()
    # returns the code point of the first character, also beyond ASCII.
    return sql.SQL(
        "CASE WHEN ascii({cell}) IN ({at_once})"
        " OR ascii({cell}) IN ({blank}) AND ascii(ltrim({cell}, {blanks})) IN ({formula})"
        " THEN '''' || {cell} ELSE {cell} END"
    ).format(
        cell=cell,
        at_once=_code_points(_FORMULA + _CONTROLS),
        blank=_code_points(_BLANKS),
        blanks=sql.Literal(_BLANKS),
        formula=_code_points(_FORMULA),
    )


def _code_points(text: str) -> sql.Composable:
    return sql.SQL(", ").join(sql.Literal(ord(char)) for char in text)
