"""The form of テナント横断検索 (§4.1) and what it answers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext, lazy_gettext

from models.customers import cross_tenant_search
from models.customers.cross_tenant_search import NAME_LENGTH, PHONE_LENGTH, Found, SearchBy
from models.values.company_name import search_key
from models.values.phone import phone_digits
from views.arguments import choice, only_digits, search_text

_LABELS = {SearchBy.NAME: lazy_gettext("Company name"), SearchBy.PHONE: lazy_gettext("Phone number")}


@dataclass(frozen=True, slots=True)
class TenantSearch:
    """What is looked for.

    :param text: as typed.
    :param error: why it is not looked for, None when it is.
    """

    by: SearchBy
    text: str
    error: str | None

    @classmethod
    def read(cls) -> TenantSearch:
        """What the request's arguments ask for."""
        by = SearchBy(choice("by", list(SearchBy), SearchBy.NAME))
        text = search_text("text")
        return cls(by, text, _error(by, text) if text else None)

    @property
    def choices(self) -> list[tuple[str, Any]]:
        """検索項目: value and label."""
        return [(by.value, label) for by, label in _LABELS.items()]

    @property
    def conditions(self) -> list[tuple[Any, str]]:
        """What was looked for, for paper: label and text."""
        return [(_LABELS[self.by], self.text)]

    def find(self, *, tenant_ids: Collection[str] | None) -> Found | None:
        """The customers, None when nothing is looked for.

        :param tenant_ids: the tenants to look in, None for all of them.
        """
        if not self.text or self.error:
            return None
        return cross_tenant_search.find(self.by, self.text, tenant_ids=tenant_ids)


def _error(by: SearchBy, text: str) -> str | None:
    if by == SearchBy.NAME:
        if len(text) > NAME_LENGTH:
            return gettext("Enter %(most)s characters or fewer.", most=NAME_LENGTH)
        return None if search_key(text) else gettext("This field is required.")
    digits = phone_digits(text)
    if not only_digits(digits):
        return gettext("Enter a phone number in digits.")
    return gettext("Enter %(most)s digits or fewer.", most=PHONE_LENGTH) if len(digits) > PHONE_LENGTH else None
