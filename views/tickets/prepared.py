"""Texts that a page of another area prepares for a new ticket, by the query parameter ``purpose``.

Only the key is in the URL, so that nobody can hand out a link to a ticket with a text of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from flask_babel import gettext

from models.errors import N_
from models.tickets.ticket import Kind


class _Prepared(NamedTuple):
    title: str
    kind: Kind
    body: str


PURPOSES: Mapping[str, _Prepared] = {
    "users": _Prepared(
        N_("Change of the users of our tenant"),
        Kind.WORK,
        N_(
            "Please change the users of our tenant as follows.\n\nAdd, change or remove:\nFull name:\nEmail address:\nRole:"
        ),
    ),
}


def prepared_text(purpose: str) -> dict[str, Any]:
    """Return the first values of the form of a ticket; none for an unknown purpose."""
    found = PURPOSES.get(purpose)
    if found is None:
        return {}
    return {"title": gettext(found.title), "kind": found.kind.value, "body": gettext(found.body)}
