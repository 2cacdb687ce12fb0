"""Format ``ROLES`` as the Markdown table of docs/roles.md."""

from __future__ import annotations

from collections.abc import Mapping

from app.security import ROLES, Permissions

_HEADING = """\
# Roles

Which role may do what: made by `flask portal roles` from the registers of the areas (`views/<area>/__init__.py`), not by hand.
Partner roles are held in a tenant, NEC roles in every tenant. Public is whoever is not signed in.
"""


def roles_markdown(roles: Mapping[str, Permissions] = ROLES) -> str:
    """Return the table of views and permissions with one column per role, ending in a line break.

    :param roles: the permissions by role and view.
    """
    rows = sorted({(view, name) for rights in roles.values() for view, names in rights.items() for name in names})
    table = [
        ["View", "Permission", *roles],
        ["---", "---", *(":-:" for _ in roles)],
        *(
            [view, name, *("✓" if name in rights.get(view, ()) else "" for rights in roles.values())]
            for view, name in rows
        ),
    ]
    return _HEADING + "\n" + "".join(f"| {' | '.join(cells)} |\n" for cells in table)
