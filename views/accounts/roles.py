"""Roles, for NEC Admin: the built-in ones to look at, own ones to make and change."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import request, url_for
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.security.views import RoleModelView
from flask_babel import lazy_gettext
from sqlalchemy.orm import selectinload
from wtforms import HiddenField

from models.accounts import role
from models.accounts.user import Role
from models.db import db
from views.accounts.permission_labels import by_view, right_with_code
from views.accounts.tabs import ADMINISTRATION
from views.accounts.user_form import Checkboxes
from views.base import actor
from views.crud import FabInterface, FabScreen
from views.forms.fields import AtMost, Needed, OneLine, TextField


class RoleNameField(TextField):
    """A role's name."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Clean what was typed: its length is that of what is stored."""
        super().process_formdata(valuelist)
        self.data = role.plain_name(self.data or "")


class RoleForm(DynamicForm):
    """A role's name and rights."""

    name = RoleNameField(lazy_gettext("Role name"), [Needed(), AtMost(role.NAME_LENGTH), OneLine()])
    permissions = Checkboxes(
        lazy_gettext("Rights"),
        coerce=int,
        description=lazy_gettext("An own role is held in a tenant, and can hold what a partner operator may do."),
    )
    shown = HiddenField()


class RoleView(FabScreen, RoleModelView):
    """FAB's screen of roles."""

    datamodel = FabInterface(Role, options=(selectinload(Role.permissions),))
    route_base = "/roles"
    class_permission_name = "Roles"
    include_route_methods: ClassVar = {"list", "show", "add", "edit", "delete"}
    tabs = ADMINISTRATION
    unique_errors = role.UNIQUE_ERRORS
    copy_role = None

    base_order = ("name", "asc")
    list_columns: ClassVar = ["name", "built_in", "permissions"]
    order_columns: ClassVar = ["name"]
    search_columns: ClassVar = ["name"]
    show_columns: ClassVar = ["name", "built_in", "permissions"]
    add_form = edit_form = RoleForm
    add_columns: ClassVar = ["name", "permissions"]
    edit_columns: ClassVar = ["name", "permissions"]
    label_columns: ClassVar = {
        "name": lazy_gettext("Role name"),
        "built_in": lazy_gettext("Built in"),
        "permissions": lazy_gettext("Rights"),
    }
    formatters_columns: ClassVar = {"permissions": by_view}
    list_title = lazy_gettext("Roles")
    add_title = lazy_gettext("Create role")
    edit_title = lazy_gettext("Change role")
    delete_title = lazy_gettext("Delete role")
    show_template = "accounts/role.html"
    add_row_message = lazy_gettext("The role has been created.")
    edit_row_message = lazy_gettext("The role has been changed.")
    delete_row_message = lazy_gettext("The role has been deleted.")

    def create(self, form: RoleForm) -> Any:
        """Make an own role."""
        return role.create(db.session(), form.name.data, form.permissions.data, by=actor())

    def change(self, item: Any, form: RoleForm) -> None:
        """Change an own role."""
        role.change(db.session(), item, form.name.data, form.permissions.data, shown=form.shown.data, by=actor())

    def remove(self, item: Any) -> None:
        """Delete an own role nobody holds."""
        role.delete(db.session(), item, by=actor())

    def new_form(self) -> RoleForm:
        """The empty form; with ``?copy=`` one with the rights of another role, as far as an own role can have them."""
        key = request.args.get("copy", "")
        copied = self.row_or_404(int(key)) if key.isascii() and key.isdecimal() and len(key) <= 9 else None
        return self._offer(RoleForm(permissions=[right.id for right in copied.permissions] if copied else None))

    def form_of(self, item: Any) -> RoleForm:
        """The form filled from a role."""
        rights = [right.id for right in item.permissions]
        return self._offer(RoleForm(name=item.name, permissions=rights, shown=self.fingerprint(item)))

    def refusal(self, item: Any) -> str | None:
        """A built-in role is only looked at."""
        return role.IS_BUILT_IN if item.built_in else None

    def fingerprint(self, item: Any) -> str:
        """Of name and rights."""
        return role.fingerprint(item)

    def stored_text(self, item: Any, field: Any) -> str | None:
        """Where another administrator's value differs from what was typed."""
        if field.name == "name":
            return item.name if item.name != field.data else None
        if field.name == "permissions":
            stored = sorted(right.id for right in item.permissions)
            return by_view(item.permissions) if stored != sorted(field.data) else None
        return None

    def shown_with(self, item: Any) -> dict[str, Any]:
        """What may be done with the role."""
        may = self.appbuilder.sm.has_access
        own = not item.built_in
        return {
            "role": item,
            "copy_url": url_for("RoleView.add", copy=item.id) if may("can_add", "Roles") else None,
            "edit_url": url_for("RoleView.edit", pk=item.id) if own and may("can_edit", "Roles") else None,
            "delete_url": url_for("RoleView.delete", pk=item.id) if own and may("can_delete", "Roles") else None,
        }

    @staticmethod
    def _offer(form: RoleForm) -> RoleForm:
        form.permissions.choices = [(right.id, right_with_code(right)) for right in role.grantable(db.session())]
        return form
