"""Rights, for NEC Admin to look at: permissions, the views they are for, and which roles hold them.

They are what the code asks for; ``flask portal upgrade`` writes them.
"""

from __future__ import annotations

from typing import Any, ClassVar

from flask_appbuilder.security.sqla.models import Permission, PermissionView, ViewMenu
from flask_appbuilder.security.views import PermissionModelView, PermissionViewModelView, ViewMenuModelView
from flask_babel import lazy_gettext
from sqlalchemy.orm import joinedload, selectinload

from views.accounts.permission_labels import permission_with_code, view_with_code
from views.accounts.tabs import ADMINISTRATION
from views.crud import FabInterface, FabScreen


def _names(rows: Any) -> str:
    return ", ".join(sorted(row.name for row in rows)) or "-"


class RightView(FabScreen, PermissionViewModelView):
    """FAB's screen of permissions on views, with the roles that hold each."""

    datamodel = FabInterface(
        PermissionView,
        options=(
            joinedload(PermissionView.permission),
            joinedload(PermissionView.view_menu),
            selectinload(PermissionView.role),
        ),
    )
    route_base = "/permissionviews"
    class_permission_name = "Permissions"
    base_permissions = None
    include_route_methods: ClassVar = {"list"}
    tabs = ADMINISTRATION

    base_order = ("view_menu.name", "asc")
    list_columns: ClassVar = ["view_menu.name", "permission.name", "role"]
    order_columns: ClassVar = ["view_menu.name", "permission.name"]
    search_columns: ClassVar = ["role"]
    label_columns: ClassVar = {
        "view_menu.name": lazy_gettext("View"),
        "permission.name": lazy_gettext("Permission"),
        "role": lazy_gettext("Roles"),
    }
    formatters_columns: ClassVar = {
        "view_menu.name": view_with_code,
        "permission.name": permission_with_code,
        "role": _names,
    }
    list_title = lazy_gettext("Rights")


class PermissionNameView(FabScreen, PermissionModelView):
    """FAB's screen of the permissions' names."""

    datamodel = FabInterface(Permission)
    route_base = "/permissions"
    class_permission_name = "Permissions"
    base_permissions = None
    include_route_methods: ClassVar = {"list"}
    tabs = ADMINISTRATION

    base_order = ("name", "asc")
    list_columns: ClassVar = ["name"]
    order_columns: ClassVar = ["name"]
    search_columns: ClassVar = ["name"]
    label_columns: ClassVar = {"name": lazy_gettext("Permission")}
    formatters_columns: ClassVar = {"name": permission_with_code}
    list_title = lazy_gettext("Permissions")


class ViewNameView(FabScreen, ViewMenuModelView):
    """FAB's screen of the views' names."""

    datamodel = FabInterface(ViewMenu)
    route_base = "/viewmenus"
    class_permission_name = "Permissions"
    base_permissions = None
    include_route_methods: ClassVar = {"list"}
    tabs = ADMINISTRATION

    base_order = ("name", "asc")
    list_columns: ClassVar = ["name"]
    order_columns: ClassVar = ["name"]
    search_columns: ClassVar = ["name"]
    label_columns: ClassVar = {"name": lazy_gettext("View")}
    formatters_columns: ClassVar = {"name": view_with_code}
    list_title = lazy_gettext("Views")
