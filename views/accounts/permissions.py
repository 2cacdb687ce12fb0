"""Read-only lists of rights: permissions, the views they apply to, and the roles that hold them.

They are defined in the code; ``flask portal upgrade`` writes them to the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask_appbuilder.security.sqla.models import Permission, PermissionView, ViewMenu
from flask_babel import lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from models.accounts.user import Role
from models.db import db
from views.accounts.permission_labels import permission_with_code, view_with_code
from views.accounts.tabs import ADMINISTRATION
from views.data_interface import PortalInterface
from views.screen import formats
from views.screen.filters import Choice, DeclaredFilter, NamePart
from views.screen.formats import Format
from views.screen.labels import Labels
from views.screen.screen import FAB_ROUTES, Screen


class NameList(Screen):
    """A list of names that the code defines."""

    methods = frozenset({"list"})
    routes = FAB_ROUTES
    class_permission_name = "Permissions"
    tenantless = True
    tabs = ADMINISTRATION
    list_columns: ClassVar = ["name"]
    filters: ClassVar[Sequence[DeclaredFilter]] = (NamePart("name", operators=True),)


def _role_names() -> dict[str, str]:
    return {str(key): name for key, name in db.session.execute(select(Role.id, Role.name).order_by(Role.name))}


def _held_by(role_id: str) -> Any:
    return PermissionView.role.any(Role.id == int(role_id))


class RightView(NameList):
    """Permissions on views, with the roles that hold each."""

    datamodel = PortalInterface(
        PermissionView,
        options=(
            joinedload(PermissionView.permission),
            joinedload(PermissionView.view_menu),
            selectinload(PermissionView.role),
        ),
    )
    labels = Labels(lazy_gettext("right"), lazy_gettext("Rights"), "shield-lock")
    route_base = "/permissionviews"
    named_by = "id"
    base_order = ("view_menu.name", "asc")
    list_columns: ClassVar = ["view_menu.name", "permission.name", "role"]
    order_columns: ClassVar = ["view_menu.name", "permission.name"]
    filters = (Choice("role", labels=_role_names, on=_held_by),)
    label_columns: ClassVar = {
        "view_menu.name": lazy_gettext("View"),
        "permission.name": lazy_gettext("Permission"),
        "role": lazy_gettext("Roles"),
    }
    formatters_columns: ClassVar = {
        "view_menu.name": Format(view_with_code),
        "permission.name": Format(permission_with_code),
        "role": formats.NAMES,
    }

    def ordered(self, query: Any, sort: str, direction: str) -> Any:
        """Return a query ordered by the names of the views or of the permissions."""
        first = ViewMenu.name if sort == "view_menu.name" else Permission.name
        query = query.join(PermissionView.view_menu).join(PermissionView.permission)
        keys = (first, ViewMenu.name, Permission.name)
        return query.order_by(*(key.desc() if direction == "desc" else key for key in keys))


class PermissionNameView(NameList):
    """The list of permission names."""

    datamodel = PortalInterface(Permission)
    labels = Labels(lazy_gettext("permission"), lazy_gettext("Permissions"), "shield-lock")
    route_base = "/permissions"
    label_columns: ClassVar = {"name": lazy_gettext("Permission")}
    formatters_columns: ClassVar = {"name": Format(permission_with_code)}


class ViewNameView(NameList):
    """The list of view names."""

    datamodel = PortalInterface(ViewMenu)
    labels = Labels(lazy_gettext("view"), lazy_gettext("Views"), "shield-lock")
    route_base = "/viewmenus"
    label_columns: ClassVar = {"name": lazy_gettext("View")}
    formatters_columns: ClassVar = {"name": Format(view_with_code)}
