"""検索条件 of the customer list (§7.1): the フィルタ menu, the last invoice date, the status."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask import request
from flask_babel import gettext, lazy_gettext

from models.customers.customer import CustomerStatus
from models.values.company_name import search_key
from models.values.phone import plain_hyphens
from views.base import choice, iso_day, search_text
from views.data_interface import COMPARISONS, Compared, PartMatch, Same
from views.forms.fields import half_width, too_long

_ID_LENGTH = 9
_NAME_LENGTH = 40
_YEN = re.compile(r"-?[0-9]{1,12}")
_DELETED = "deleted"
_STATUS_LABELS = {
    CustomerStatus.DRAFT: lazy_gettext("Draft"),
    CustomerStatus.ACTIVE: lazy_gettext("Active"),
    CustomerStatus.CANCELLED: lazy_gettext("Cancelled"),
}
_OPERATOR_LABELS = {
    "eq": lazy_gettext("Equals"),
    "ne": lazy_gettext("Differs from"),
    "ge": lazy_gettext("At least"),
    "le": lazy_gettext("At most"),
}


@dataclass(frozen=True, slots=True)
class CustomerSearch:
    """What is looked for; an empty field is no condition, several must all hold.

    :param balance: as typed, empty for any.
    :param yen: what it means, None when it is empty or no whole number of yen, and so left out of the search.
    :param balance_is: how the balance compares with it, a key of ``COMPARISONS``.
    :param may_see_deleted: whether the person can choose deleted customers, to restore them.
    """

    id: str
    name: str
    balance: str
    yen: int | None
    balance_is: str
    last_invoiced_on: date | None
    status: str
    may_see_deleted: bool

    @classmethod
    def read(cls, *, may_see_deleted: bool) -> CustomerSearch:
        """What the request's arguments ask for; nonsense is no condition."""
        balance = search_text("balance")
        return cls(
            id=half_width(request.args.get("id")).upper(),
            name=search_text("name"),
            balance=balance,
            yen=_yen(balance),
            balance_is=choice("balance_is", COMPARISONS, "eq"),
            last_invoiced_on=iso_day("last_invoiced_on"),
            status=choice("status", [*CustomerStatus, *([_DELETED] if may_see_deleted else [])], ""),
            may_see_deleted=may_see_deleted,
        )

    @property
    def deleted(self) -> bool:
        """Whether deleted customers are looked for instead of the others."""
        return self.status == _DELETED

    @property
    def id_error(self) -> str | None:
        """What is wrong with the ID, None for nothing."""
        return too_long(_ID_LENGTH) if len(self.id) > _ID_LENGTH else None

    @property
    def name_error(self) -> str | None:
        """What is wrong with the name, None for nothing."""
        return too_long(_NAME_LENGTH) if len(self.name) > _NAME_LENGTH else None

    @property
    def balance_error(self) -> str | None:
        """What is wrong with the balance, None for nothing."""
        if not self.balance or self.yen is not None:
            return None
        return gettext("Enter a whole number of yen of up to 12 digits. It was left out of the search.")

    def narrow(self, filters: Any) -> None:
        """Put the conditions into a view's filters."""
        if self.id and not self.id_error:
            filters.add_filter("id", PartMatch, self.id)
        if self.name and not self.name_error:
            filters.add_filter("search_name", PartMatch, search_key(self.name))
        if self.yen is not None:
            filters.add_filter("balance", Compared, (self.balance_is, Decimal(self.yen)))
        if self.last_invoiced_on:
            filters.add_filter("last_invoiced_on", Same, self.last_invoiced_on)
        if self.status and not self.deleted:
            filters.add_filter("status", Same, self.status)

    def shown(self) -> dict[str, Any]:
        """What the template shows of it."""
        deleted = [(_DELETED, gettext("Removed"))] if self.may_see_deleted else []
        return {
            "search": self,
            "statuses": [(status.value, label) for status, label in _STATUS_LABELS.items()] + deleted,
            "balance_operators": list(_OPERATOR_LABELS.items()),
            "chips": self._chips(),
            "conditions": self._conditions(),
            "searched": any((self.id, self.name, self.balance, self.last_invoiced_on, self.status)),
        }

    def _chips(self) -> list[tuple[list[str], str]]:
        return [(names, f"{label}: {value}") for names, label, value in self._behind_the_menu() if value]

    def _conditions(self) -> list[tuple[str, str]]:
        """Every condition with its value, for paper."""
        status = gettext("Removed") if self.deleted else _STATUS_LABELS.get(self.status, "")
        beside = [
            (gettext("Last invoice date"), str(self.last_invoiced_on or "")),
            (gettext("Status"), str(status)),
        ]
        return [(label, value) for _, label, value in self._behind_the_menu() if value] + [
            (label, value) for label, value in beside if value
        ]

    def _behind_the_menu(self) -> list[tuple[list[str], str, str]]:
        """The conditions of フィルタ: their arguments, labels and values."""
        balance = "" if self.yen is None else f"¥{self.yen:,} {_OPERATOR_LABELS[self.balance_is]}"
        return [
            (["id"], gettext("Company ID"), "" if self.id_error else self.id),
            (["name"], gettext("Company name"), "" if self.name_error else self.name),
            (["balance", "balance_is"], gettext("Balance"), balance),
        ]


def _yen(text: str) -> int | None:
    """An amount as people write it: with commas, a yen sign before it or 円 behind it."""
    plain = re.sub(r"[,¥\\\s]", "", plain_hyphens(half_width(text))).removesuffix("円")
    return int(plain) if _YEN.fullmatch(plain) else None
