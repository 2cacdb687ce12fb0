"""Export alerts as CSV (§13.1), streamed from PostgreSQL's COPY in constant memory."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql
from sqlalchemy.orm import Session

from models import csv_copy
from models.alerts import search as alert_search
from models.alerts.alert import ACTION_LABELS, FUNCTION_LABELS, LEVEL_LABELS
from models.alerts.search import AlertQuery
from models.db import alert_connection

NEWEST = 100_000
"""The maximum number of alerts of a UTM in a file; the newest ones are exported."""

# The 33 columns of §13.1, in order, and the SQL expression of each.
_TEXT_COLUMNS = {
    "alert_id": "alert.alert_id",
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


def csv_blocks(session: Session, query: AlertQuery, utm_name: str) -> Iterator[bytes]:
    """Generate the newest alerts of a UTM that match a search as CSV: UTF-8 with a byte order mark and CRLF line ends.

    :param session: a session of the tenant; it is busy until the last block is consumed.
    :param query: the search, with its ``utm_id``.
    :param utm_name: the name of the UTM.
    """
    yield b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r\n"
    where, values = alert_search.conditions(query)
    statement = sql.SQL(
        "SELECT {cells} FROM alert WHERE {where} ORDER BY alert.occurred_at DESC, alert.seq DESC LIMIT {newest}"
    ).format(
        cells=sql.SQL(", ").join(_cell(name) for name in COLUMNS),
        where=sql.SQL(where),
        newest=sql.Literal(NEWEST),
    )
    yield from csv_copy.blocks(alert_connection(session), statement, values | {"utm_name": utm_name})


def _cell(name: str) -> sql.Composable:
    if name == "device_name":
        return csv_copy.safe(sql.Placeholder("utm_name"))
    if name == "type":
        return csv_copy.label("alert.function", FUNCTION_LABELS)
    if name == "act":
        return csv_copy.safe(csv_copy.label("alert.action", ACTION_LABELS))
    if name == "alert_severity":
        return csv_copy.label("alert.level", LEVEL_LABELS)
    if name in _TEXT_COLUMNS:
        return csv_copy.safe(sql.SQL(_TEXT_COLUMNS[name]))
    return sql.SQL(_OTHER_COLUMNS[name])
