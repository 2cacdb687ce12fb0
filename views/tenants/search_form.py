"""The form and the results of テナント横断検索 (§4.1)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext, lazy_gettext, ngettext

from models.customers import cross_tenant_search
from models.customers.cross_tenant_search import NAME_LENGTH, PHONE_LENGTH, Found, SearchBy
from models.values.company_name import search_key
from models.values.phone import searched_digits
from views.arguments import choice, only_digits, search_text
from views.screen import formats
from views.screen.filters import Filter, Search
from views.screen.table import Button, Empty, Table, filled_table

_LABELS = {SearchBy.NAME: lazy_gettext("Company name"), SearchBy.PHONE: lazy_gettext("Phone number")}


@dataclass(frozen=True, slots=True)
class TenantSearch:
    """A search across tenants.

    :param by: the attribute to search by.
    :param text: the search text.
    :param error: the error message if the text is invalid, else None.
    """

    by: SearchBy
    text: str
    error: str | None

    @classmethod
    def read(cls) -> TenantSearch:
        """Return the search that the query parameters request."""
        by = SearchBy(choice("by", list(SearchBy), SearchBy.NAME))
        text = search_text("text")
        return cls(by, text, _error(by, text) if text else None)

    @property
    def fields(self) -> Search:
        """The search fields with their values."""
        options = [(by.value, label) for by, label in _LABELS.items()]
        by = Filter("by", lazy_gettext("Search item"), self.by.value, None, options, beside=True, needed=True)
        text = Filter(
            "text",
            lazy_gettext("Search text"),
            self.text,
            help=lazy_gettext(
                "A part of a company name (40 characters or fewer), or a whole phone number (15 digits or fewer)."
            ),
            error=self.error,
            beside=True,
            wide=True,
        )
        return Search([by, text])

    @property
    def conditions(self) -> list[tuple[Any, str]]:
        """The label and the text of the search, for printing."""
        return [(_LABELS[self.by], self.text)]

    def find(self, *, tenant_ids: Collection[str] | None) -> Found | None:
        """Return the customers found; None if the search text is empty or invalid.

        :param tenant_ids: the tenants to search in; None for all of them.
        """
        if not self.text or self.error:
            return None
        return cross_tenant_search.find(self.by, self.text, tenant_ids=tenant_ids)


def _error(by: SearchBy, text: str) -> str | None:
    if by == SearchBy.NAME:
        if len(text) > NAME_LENGTH:
            return gettext("Enter %(most)s characters or fewer.", most=NAME_LENGTH)
        return None if search_key(text) else gettext("This field is required.")
    digits = searched_digits(text)
    if not only_digits(digits):
        return gettext("Enter a phone number in digits.")
    return gettext("Enter %(most)s digits or fewer.", most=PHONE_LENGTH) if len(digits) > PHONE_LENGTH else None


_BUTTON = formats.made_by("macros/data.html", "button")


def found_table(search: TenantSearch, found: Found) -> Table:
    """Return the table of the customers found; the company ID is a button that opens the customer in its tenant."""
    return filled_table(
        [
            (gettext("Tenant ID"), formats.CODE, lambda row: row.tenant_id),
            (gettext("Tenant name"), formats.TEXT, lambda row: row.tenant_name),
            (gettext("Company ID"), _BUTTON, _opening),
            (gettext("Company name"), formats.TEXT, lambda row: row.customer_name),
        ],
        found.rows,
        label=gettext("Search across tenants"),
        title=_summary(found) if found.count else None,
        note=gettext("Enter more characters and search again.")
        if found.count > len(found.rows) and search.by == SearchBy.NAME
        else "",
        empty=Empty(
            "search",
            gettext("No customer was found."),
            gettext("Check the search item and the text, and search again."),
        ),
    )


def _opening(row: Any) -> Button:
    values = {"tenant_id": row.tenant_id, "customer_id": row.customer_id}
    return Button(row.customer_id, url_for("TenantView.open"), values=values, css="btn btn-link font-monospace")


def _summary(found: Found) -> str:
    if found.count > len(found.rows):
        return gettext(
            "%(count)s were found. Up to %(most)s are shown.", count=f"{found.count:,}", most=len(found.rows)
        )
    return ngettext("%(count)s was found.", "%(count)s were found.", found.count, count=found.count)
