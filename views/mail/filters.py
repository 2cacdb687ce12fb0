"""The search conditions (検索条件) of メール送信履歴."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext, lazy_gettext

from models.accounts.user import EMAIL_LENGTH
from models.mail.kinds import KINDS
from models.mail.log import SHORTEST_PART, MailQuery
from models.mail.outbox import MailState
from views.forms.fields import half_width, too_long
from views.screen.filters import Filter, Search

_TENANT_ID_LENGTH = 8
STATE_LABELS = {
    MailState.PENDING: lazy_gettext("Waiting to be sent"),
    MailState.SENT: lazy_gettext("Sent"),
    MailState.FAILED: lazy_gettext("Failed"),
}


def mail_query(search: Search) -> MailQuery:
    """Return the query for the values of the search fields."""
    state = search.value("state")
    return MailQuery(
        recipient=search.value("recipient") or None,
        kind=search.value("kind") or None,
        state=MailState(state) if state else None,
        tenant_id=search.value("tenant") or None,
    )


def read_filters(args: Mapping[str, str]) -> list[Filter]:
    """Return the search fields with their values; invalid values are not used as conditions.

    :param args: the query arguments of the page, or the form that sends the listed mails again.
    """
    kinds = [(kind.name, gettext(kind.label)) for kind in KINDS.values() if not kind.sms]
    states = [(state.value, label) for state, label in STATE_LABELS.items()]
    recipient = half_width(args.get("recipient", ""))
    tenant = half_width(args.get("tenant", "")).upper()
    return [
        _recipient(recipient),
        _chosen("kind", lazy_gettext("Kind"), args.get("kind", ""), kinds),
        _chosen("state", lazy_gettext("Status"), args.get("state", ""), states),
        _tenant(tenant),
    ]


def _tenant(value: str) -> Filter:
    if len(value) > _TENANT_ID_LENGTH:
        return Filter("tenant", lazy_gettext("Tenant ID"), value, error=too_long(_TENANT_ID_LENGTH), beside=True)
    return Filter("tenant", lazy_gettext("Tenant ID"), value, value or None, beside=True)


def _recipient(value: str) -> Filter:
    label = lazy_gettext("Recipient")
    told = lazy_gettext("Part of the value is enough: %(least)s characters or more.", least=SHORTEST_PART)
    if value and len(value) < SHORTEST_PART:
        error = gettext("This is too short. It was left out of the search.")
        return Filter("recipient", label, value, help=told, beside=True, error=error)
    if len(value) > EMAIL_LENGTH:
        return Filter("recipient", label, value, help=told, beside=True, error=too_long(EMAIL_LENGTH))
    return Filter("recipient", label, value, value or None, help=told, beside=True)


def _chosen(name: str, label: Any, value: str, options: list[tuple[str, Any]]) -> Filter:
    return (
        Filter(name, label, value, value, options, beside=True)
        if value in dict(options)
        else Filter(name, label, options=options, beside=True)
    )
