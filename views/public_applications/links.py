"""The signed URLs of the public forms: the invitation of a tenant (§8.2.1), and a customer's form for more UTMs (§8.3).

A URL contains the tenant's invitation number, so that a new number ends all URLs that were given out before.
"""

from __future__ import annotations

from typing import NamedTuple

from flask import current_app, url_for
from itsdangerous import BadData, URLSafeSerializer

from views.signing import signing_keys

_INVITATION = "service application invitation"
_UTM_FORM = "UTM application form"


class Invitation(NamedTuple):
    """What the URL of the application form stands for."""

    tenant_id: str
    number: int


class UtmInvitation(NamedTuple):
    """What the URL of a customer's form for more UTMs stands for."""

    tenant_id: str
    customer_id: str
    number: int


def invitation_url(tenant_id: str, number: int) -> str:
    """Return the absolute URL of a tenant's application form (申込み招待用 URL).

    :param number: the tenant's ``TenantSettings.invitation_number``.
    """
    signed = _serializer(_INVITATION).dumps([tenant_id, number])
    return _absolute(url_for("PublicApplicationView.apply", signed=signed))


def utm_form_url(tenant_id: str, customer_id: str, number: int) -> str:
    """Return the absolute URL of the form with which a customer applies for more UTMs without signing in.

    :param number: the tenant's ``TenantSettings.invitation_number``.
    """
    signed = _serializer(_UTM_FORM).dumps([tenant_id, customer_id, number])
    return _absolute(url_for("PublicUtmApplicationView.apply", signed=signed))


def confirmation_url(token: str) -> str:
    """Return the absolute URL of the page that confirms an application, for the mail サービス申込み確認.

    :param token: the token of the link.
    """
    return _absolute(url_for("ApplicationConfirmationView.confirm", application_token=token))


def read_invitation(signed: str) -> Invitation | None:
    """Return what the URL of an application form stands for, None if the portal did not sign it."""
    match _loaded(_INVITATION, signed):
        case [str(tenant_id), int(number)]:
            return Invitation(tenant_id, number)
    return None


def read_utm_form(signed: str) -> UtmInvitation | None:
    """Return what the URL of a form for more UTMs stands for, None if the portal did not sign it."""
    match _loaded(_UTM_FORM, signed):
        case [str(tenant_id), str(customer_id), int(number)]:
            return UtmInvitation(tenant_id, customer_id, number)
    return None


def _loaded(salt: str, signed: str) -> object:
    try:
        return _serializer(salt).loads(signed)
    except BadData:
        return None


def _serializer(salt: str) -> URLSafeSerializer:
    return URLSafeSerializer(signing_keys(), salt=salt)


def _absolute(path: str) -> str:
    return f"{current_app.config['PORTAL_URL']}{path}"
