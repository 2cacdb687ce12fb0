"""The calls of UTMs: which UTM a token belongs to, and that each call is a contact with it."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.orm import Session

from models.prepared_statement import PreparedStatement, prepare
from models.tokens import hash_token
from models.utms.device_token import DeviceToken
from models.utms.reboot import Reboot
from models.utms.reboot_progress import VERIFIED_WITHIN, concerns_heartbeat
from models.utms.utm import Utm

NOTED_EVERY = timedelta(seconds=15)
"""The precision with which a UTM's last contact is recorded."""


class CallingUtm(NamedTuple):
    """The UTM that a call comes from, and what its earlier heartbeats reported.

    :ivar has_reboots: whether a heartbeat delivers a command or verifies a reboot.
    """

    tenant_id: str
    customer_id: str
    id: int
    utm_id: str
    firmware: str | None
    ip_address: str | None
    reported_mac: str | None
    has_reboots: bool

    def differs_from(self, firmware: str | None, ip_address: str | None, mac: str | None) -> bool:
        """Return whether a heartbeat reports anything else than the earlier ones; None is no report."""
        reported = ((firmware, self.firmware), (ip_address, self.ip_address), (mac, self.reported_mac))
        return any(new not in (None, old) for new, old in reported)


def record_call(session: Session, token: str, *, now: datetime) -> CallingUtm | None:
    """Return the UTM of an active token and record that it has just called; return None if the token is not active.

    Finding the UTM and recording its contact is one statement, because heartbeats are most of what the portal receives.
    A contact is recorded at most once per ``NOTED_EVERY``, even of concurrent calls.

    :param session: a cross-tenant session.
    """
    rows = _statement().run(
        session,
        {
            "token_hash": hash_token(token),
            "now": now,
            "noted_before": now - NOTED_EVERY,
            "verifiable_since": now - VERIFIED_WITHIN,
        },
    )
    return CallingUtm(*rows[0]) if rows else None


@cache
def _statement() -> PreparedStatement:
    utm = Utm.__table__
    of_token = (
        DeviceToken.utm_id == utm.c.id,
        DeviceToken.token_hash == bindparam("token_hash"),
        DeviceToken.revoked_at.is_(None),
        utm.c.removed_at.is_(None),
    )
    noted = (
        update(utm)
        .where(*of_token, or_(utm.c.last_seen_at.is_(None), utm.c.last_seen_at <= bindparam("noted_before")))
        .values(last_seen_at=bindparam("now"))
        .cte("noted")
    )
    has_reboots = (
        select(Reboot.id)
        .where(Reboot.utm_id == utm.c.id, concerns_heartbeat(bindparam("verifiable_since")))
        .correlate(utm)
        .exists()
    )
    columns = (utm.c[name] for name in CallingUtm._fields[:-1])
    return prepare(
        select(*columns, has_reboots).join_from(utm, DeviceToken, of_token[0]).where(*of_token[1:]).add_cte(noted)
    )
