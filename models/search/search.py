"""Find customers, contracts and UTMs of the session's tenant, or of all tenants, by name, ID, phone number, MAC address or serial number.

A text is compared only with the columns it can match: a company name cannot be a UTM ID, so UTMs are not queried. There
is no substring index: the rows of a tenant are found by the tenant's index, and comparing 10,000 UTMs takes milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from models.contracts.contract import Contract, Product
from models.customers.customer import Customer
from models.utms.utm import Utm
from models.values.company_name import search_key
from models.values.mac_address import mac_address
from models.values.person_name import person_key
from models.values.phone import plain_hyphens, searched_digits
from models.values.visible_text import visible

LONGEST_TEXT = 100
"""The maximum number of characters of a search text."""

SHOWN = 20
"""The maximum number of rows of each kind."""

_SHORTEST_CODE = 4
"""The minimum length of a part of a number; shorter ones would match nearly every number."""

_COMPANY_ID = re.compile(r"A[0-9]{1,8}")
_CONTRACT_NUMBER = re.compile(r"(?P<prefix>(?:A-?)?S)?(?P<digits>[0-9]{1,8})")
_PHONE = re.compile(rf"[0-9]{{{_SHORTEST_CODE},15}}")
_MAC_PART = re.compile(rf"[0-9a-f]{{{_SHORTEST_CODE},12}}")
_SERIAL = re.compile(rf"[A-Z0-9-]{{{_SHORTEST_CODE},30}}")
_BLANKS = re.compile(r"\s+")
_BETWEEN_HEX_DIGITS = re.compile(r"[\s:.\-_]+")


class Kind(StrEnum):
    """The kinds of rows that can be found."""

    CUSTOMERS = "customers"
    CONTRACTS = "contracts"
    UTMS = "utms"


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search for one kind.

    :param rows: the first matching rows, with the columns of the statement.
    :param count: the number of all matching rows.
    """

    rows: Sequence[Any]
    count: int


def find(
    session: Session, text: str, *, kinds: Collection[Kind], shown: int = SHOWN, utm_names: bool = False
) -> dict[Kind, Found]:
    """Return the matches of a text in the session's tenant by kind; kinds without matches are omitted.

    A cross-tenant session finds those of all tenants.

    :param text: the text as typed, at most ``LONGEST_TEXT`` characters long.
    :param kinds: the kinds that the user may see.
    :param shown: the maximum number of rows of each kind.
    :param utm_names: whether UTMs are also found by a part of their name.
    """
    statements: dict[Kind, Callable[[str], Select[*tuple[Any, ...]] | None]] = {
        Kind.CUSTOMERS: _customers,
        Kind.CONTRACTS: _contracts,
        Kind.UTMS: partial(_utms, names=utm_names),
    }
    found = {}
    for kind, statement_for in statements.items():
        statement = statement_for(text) if kind in kinds else None
        rows = session.execute(statement.limit(shown)).all() if statement is not None else ()
        if rows:
            found[kind] = Found(rows, rows[0].total)
    return found


_TOTAL = func.count().over().label("total")


def _customers(text: str) -> Select[*tuple[Any, ...]] | None:
    conditions: list[ColumnElement[bool]] = []
    if name := search_key(text):
        conditions.append(Customer.search_name.contains(name, autoescape=True))
    if person := person_key(text):
        conditions.append(Customer.contact_key.contains(person, autoescape=True))
    if _COMPANY_ID.fullmatch(code := _code(text)):
        conditions.append(Customer.id.startswith(code))
    if _PHONE.fullmatch(digits := searched_digits(text)):
        conditions.append(Customer.contact_phone.contains(digits))
    if not conditions:
        return None
    return (
        select(
            Customer.tenant_id,
            Customer.id,
            Customer.name,
            Customer.contact_last_name,
            Customer.contact_first_name,
            Customer.contact_phone,
            _TOTAL,
        )
        .where(Customer.deleted_at.is_(None), or_(*conditions))
        .order_by(Customer.sort_name, Customer.id)
    )


def _contracts(text: str) -> Select[*tuple[Any, ...]] | None:
    number = _CONTRACT_NUMBER.fullmatch(_code(text))
    if number is None or not (number["prefix"] or len(number["digits"]) >= _SHORTEST_CODE):
        return None
    digits = number["digits"]
    condition = Contract.id.startswith(f"A-S{digits}") if number["prefix"] else Contract.id.contains(digits)
    return (
        select(
            Contract.tenant_id,
            Contract.id,
            Contract.customer_id,
            Customer.name.label("customer_name"),
            Product.name,
            _TOTAL,
        )
        .join(Customer, Customer.id == Contract.customer_id)
        .join(Product, Product.id == Contract.product_id)
        .where(Customer.deleted_at.is_(None), condition)
        .order_by(Contract.id.desc())
    )


def _utms(text: str, *, names: bool) -> Select[*tuple[Any, ...]] | None:
    conditions: list[ColumnElement[bool]] = []
    plain = plain_hyphens(visible(text))
    if names and (name := person_key(text)):
        conditions.append(Utm.search_name.contains(name, autoescape=True))
    # A UTM ID is a MAC address without separators.
    if _MAC_PART.fullmatch(part := _BETWEEN_HEX_DIGITS.sub("", plain).lower()):
        conditions.append(Utm.utm_id.contains(part))
    if mac := mac_address(plain):
        conditions += [Utm.utm_id == mac.replace(":", ""), Utm.reported_mac == mac]
    if _SERIAL.fullmatch(code := _code(text)):
        conditions.append(Utm.serial.contains(code))
    if not conditions:
        return None
    return (
        select(
            Utm.tenant_id,
            Utm.id,
            Utm.utm_id,
            Utm.name,
            Utm.serial,
            Utm.customer_id,
            Customer.name.label("customer_name"),
            _TOTAL,
        )
        .join(Customer, Customer.id == Utm.customer_id)
        .where(Utm.removed_at.is_(None), Customer.deleted_at.is_(None), or_(*conditions))
        .order_by(Utm.utm_id)
    )


def _code(text: str) -> str:
    """Return a number or code in its stored form: half-width, upper case, without blanks."""
    return _BLANKS.sub("", plain_hyphens(visible(text))).upper()
