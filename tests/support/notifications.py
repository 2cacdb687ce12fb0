"""A tenant whose notification addresses are changed at will."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select

from models.actor import Actor
from models.mail.outbox import MailMessage
from models.notifications import address as notification_address
from models.notifications import address_rules
from models.notifications.address import LinkState
from models.notifications.address_rules import AddressChange

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
BY = Actor("operator@example.jp")
MAILBOX = Actor("mailbox")


class Tried:
    """A tenant whose addresses are changed, with the tokens of the links it mailed."""

    def __init__(self, tenant, in_tenant) -> None:
        self.tenant = tenant
        self.in_tenant = in_tenant
        self.tokens: list[str] = []

    def _url_of(self, token: str) -> str:
        self.tokens.append(token)
        return f"https://portal.example.jp/addresses/{token}"

    def address_change(self, now: datetime) -> AddressChange:
        return AddressChange(self.tenant, self._url_of, now, BY)

    def change(self, *typed: str, now: datetime = NOW, version: int | None = None) -> list[str]:
        padded = [*typed, "", "", ""][:3]
        shown = self.address_status(now).version if version is None else version
        with self.in_tenant(self.tenant.id) as session:
            sent = address_rules.change(session, padded, version=shown, request=self.address_change(now))
            session.commit()
        return sent

    def confirm(self, token: str | None = None, now: datetime = NOW) -> LinkState:
        with self.in_tenant(self.tenant.id) as session:
            link = address_rules.look_up(session, token or self.tokens[-1])
            state = address_rules.confirm(session, link, now=now, by=MAILBOX)
            session.commit()
        return state

    def address_status(self, now: datetime = NOW):
        with self.in_tenant(self.tenant.id) as session:
            return notification_address.address_status(session, self.tenant.id, now=now)

    def slot(self, number: int, now: datetime = NOW):
        return self.address_status(now).slots[number - 1]

    def in_force(self) -> list[str]:
        with self.in_tenant(self.tenant.id) as session:
            return notification_address.in_force(session, self.tenant.id)


def mailed(make) -> list[str]:
    make.session.expire_all()
    return list(make.session.scalars(select(MailMessage.recipient).order_by(MailMessage.id)))
