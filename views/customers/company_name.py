"""The search field for the company name of what belongs to a customer."""

from __future__ import annotations

from typing import Any

from models.customers.customer import Customer
from models.text_part import has_part
from views.screen.filters import Part


class CompanyName(Part):
    """A search field for a part of the name of a row's customer."""

    @staticmethod
    def _meets(column: Any, match: str, value: str, *, any_case: bool) -> Any:  # noqa: ARG004  (as the method it replaces)
        return column.has(has_part(Customer.search_name, value))
