"""The UTMs of customers in the API for the customers' portal: what is told of them, and what customers change."""

from __future__ import annotations

import re
from typing import Any

from flask import Response, current_app, jsonify, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import Form

from models import clock
from models.utms.utm import Utm
from views.api.deliveries import checked
from views.api.json_body import Members
from views.api.problem import CallRefused, FieldError
from views.forms.fields import EmailAddressField, MaxLength, OneLine, PostcodeField, Required, TextField, ValidEmail
from views.forms.mac_address import MacAddress, MacAddressField

VERSION = "If-Match"

EMAILS = tuple(f"{group}_email{number}" for group in ("customer", "report") for number in (1, 2, 3))
"""The addresses that the customer sees and changes; those of the service desk are the partner's."""

CHANGEABLE = ("name", "postcode", "address", "mac_address", *EMAILS)
"""What customers change (§7.9: エンドユーザからも設定変更可能です)."""

_UTM_ID = re.compile(r"[0-9a-f]{12}")
_ETAG = re.compile(r'"([0-9]{1,9})"')


class _Change(Form):
    """What can be changed; the email addresses are added below."""

    name = TextField("", [Required(), MaxLength(50), OneLine()])
    postcode = PostcodeField()
    address = TextField("", [Required(), MaxLength(104), OneLine()])
    mac_address = MacAddressField("", [Required(), MaxLength(17), MacAddress()])


for _name in EMAILS:
    setattr(_Change, _name, EmailAddressField("", [ValidEmail()]))


def listed_utms(session: Session, customer_id: str) -> list[Utm]:
    """Return the UTMs of a customer that are not removed, in the order of their names."""
    found = select(Utm).where(Utm.customer_id == customer_id, Utm.removed_at.is_(None)).order_by(Utm.name, Utm.id)
    return list(session.scalars(found))


def utm_of(session: Session, utm_id: str) -> Utm:
    """Return a UTM of the tenant by its UTM ID.

    :raises CallRefused: there is none, or it was removed.
    """
    found = select(Utm).where(Utm.utm_id == utm_id, Utm.removed_at.is_(None))
    row = session.scalar(found) if _UTM_ID.fullmatch(utm_id) else None
    if row is None:
        raise CallRefused(404, "There is no such UTM.")
    return row


def version_sent() -> int:
    """Return the version that the caller has seen, from the header.

    :raises CallRefused: the header is missing, or contains none.
    """
    sent = request.headers.get(VERSION)
    if sent is None:
        error = FieldError(VERSION, "The ETag of the UTM as it was last read.")
        raise CallRefused(428, "A header is missing.", errors=[error])
    found = _ETAG.fullmatch(sent.strip())
    if found is None:
        error = FieldError(VERSION, 'This is not the ETag of a UTM, such as "3".')
        raise CallRefused(400, "A header is wrong.", errors=[error])
    return int(found[1])


def read_change(body: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the members that were sent; the others stay as they are.

    :raises CallRefused: a member is wrong.
    """
    members = Members(body)
    members.only(CHANGEABLE)
    values = checked(_Change, members, [name for name in CHANGEABLE if name in body], optional=EMAILS)
    members.check()
    return values


def shown(utm: Utm) -> dict[str, Any]:
    """Return what §7.11 shows of a UTM, without what is the partner's alone."""
    seen = utm.last_seen_at
    return {
        "id": utm.utm_id,
        "customer_id": utm.customer_id,
        "name": utm.name,
        "state": utm.state(now=clock.utc_now(), online_for=current_app.config["UTM_ONLINE_FOR"]).value,
        "mac_address_entered": utm.mac_address is not None,
        "last_seen_at": seen.isoformat() if seen is not None else None,
        "firmware": utm.firmware if seen is not None else None,
        "ip_address": utm.ip_address if seen is not None else None,
        "serial": utm.serial,
        "postcode": utm.postcode,
        "address": utm.address,
        **{name: getattr(utm, name) for name in EMAILS},
        "version": utm.version,
    }


def response_of(utm: Utm) -> Response:
    """Return the response with a UTM, and its version as its ETag."""
    response = jsonify(shown(utm))
    response.headers["ETag"] = f'"{utm.version}"'
    return response
