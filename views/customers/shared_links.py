"""Links on a customer's page that the partner passes on to the customer.

An area above customers adds its link with ``shared_link``, because customers must not import it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from models.customers.customer import Customer


class SharedLink(NamedTuple):
    """A link.

    :ivar help: what the customer can do there.
    """

    label: str
    url: str
    help: str


Finder = Callable[[Customer], SharedLink | None]
_FINDERS: list[Finder] = []


def shared_link(find: Finder) -> Finder:
    """Add a link to the pages of customers.

    :param find: returns the link for a customer, None for no link.
    """
    _FINDERS.append(find)
    return find


def shared_links(customer: Customer) -> list[SharedLink]:
    """Return the links for a customer."""
    return [link for find in _FINDERS if (link := find(customer)) is not None]
