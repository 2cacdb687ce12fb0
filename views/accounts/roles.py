"""Roles, for NEC Admin: built-in roles are read-only, custom roles can be created and changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from flask import request
from flask_babel import lazy_gettext
from sqlalchemy.orm import selectinload
from wtforms import SelectField

from models import clock
from models.accounts import role
from models.accounts.user import Role
from models.db import db
from models.errors import N_
from models.tenants.tenant import tenant_names
from views.accounts.permission_labels import by_view, recorded_by_view, right_with_code
from views.accounts.tabs import ADMINISTRATION
from views.accounts.user_form import Checkboxes
from views.arguments import key_or_none
from views.base import actor
from views.data_interface import PortalInterface
from views.forms.fields import MaxLength, OneLine, Required, TextField
from views.screen import formats
from views.screen.filters import NamePart
from views.screen.form import ScreenForm
from views.screen.formats import Format
from views.screen.labels import Labels
from views.screen.screen import FAB_ROUTES, Screen
from views.screen.table import Button


class RoleNameField(TextField):
    """A role's name."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Normalize the input, so that the validators check the name as it is stored."""
        super().process_formdata(valuelist)
        self.data = role.plain_name(self.data or "")


class RoleForm(ScreenForm):
    """A role's name and rights."""

    name = RoleNameField(lazy_gettext("Role name"), [Required(), MaxLength(role.NAME_LENGTH), OneLine()])
    permissions = Checkboxes(
        lazy_gettext("Rights"),
        coerce=int,
        description=lazy_gettext(
            "A custom role is assigned in a tenant, and can contain any permission of a partner operator."
        ),
    )

    def set_choices(self, rights: list[Any]) -> None:
        """Set the rights that can be chosen."""
        self.rights = {right.id: right for right in rights}
        self.permissions.choices = [(right.id, right_with_code(right)) for right in rights]

    def stored(self, row: Any) -> dict[str, Any]:
        """Return the values of the fields for a role."""
        return {"name": row.name, "permissions": sorted(right.id for right in row.permissions)}

    def display_value(self, name: str, value: Any) -> str:
        """Return a field's value for display: rights with their labels, by view."""
        if name != "permissions":
            return super().display_value(name, value)
        return by_view(self.rights[key] for key in value or () if key in self.rights)


class NewRoleForm(RoleForm):
    """A role's name and rights, and the tenant in which it can be held."""

    tenant_id = SelectField(
        lazy_gettext("Tenant"),
        default="",
        description=lazy_gettext("A role of one tenant can be given only to its users. This cannot be changed later."),
    )
    fieldsets: ClassVar = [(None, {"fields": ["name", "tenant_id", "permissions"]})]

    def set_tenants(self, names: Mapping[str, str]) -> None:
        """Set the tenants that can be chosen, by ID."""
        everywhere = ("", lazy_gettext("Any tenant"))
        self.tenant_id.choices = [everywhere, *((key, f"{key} {name}") for key, name in sorted(names.items()))]


class RoleView(Screen):
    """ロール: the roles that are held in one tenant, and those that are held in every tenant."""

    datamodel = PortalInterface(Role, options=(selectinload(Role.permissions), selectinload(Role.tenant)))
    labels = Labels(
        lazy_gettext("role"),
        lazy_gettext("Roles"),
        "shield-lock",
        {"add_title": N_("Create role"), "edit_title": N_("Change role"), "delete_title": N_("Delete role")},
    )
    form = RoleForm
    routes = FAB_ROUTES
    route_base = "/roles"
    class_permission_name = "Roles"
    tenantless = True
    tabs = ADMINISTRATION
    unique_errors = role.UNIQUE_ERRORS
    show_template = "accounts/role.html"
    list_columns: ClassVar = ["name", "tenant", "built_in", "permissions"]
    order_columns: ClassVar = ["name"]
    filters = (NamePart("name", most=role.NAME_LENGTH, operators=True),)
    show_fieldsets: ClassVar = [(lazy_gettext("Role"), {"fields": ["name", "tenant", "built_in", "permissions"]})]
    label_columns: ClassVar = {
        "name": lazy_gettext("Role name"),
        "tenant": lazy_gettext("Tenant"),
        "built_in": lazy_gettext("Built in"),
        "permissions": lazy_gettext("Rights"),
    }
    formatters_columns: ClassVar = {
        "tenant": formats.TEXT,
        "built_in": formats.YES_NO,
        "permissions": Format(lambda rights: formats.LINES.html(by_view(rights)), by_view, css="text"),
    }

    def new_form(self) -> NewRoleForm:
        """Return the form for a new role, with ``?copy=`` filled in with tenant and rights of that role."""
        key = key_or_none(request.args.get("copy"))
        copied = self.row_or_404(key) if key else None
        values: dict[str, Any] = {}
        if copied is not None:
            values = {"permissions": [each.id for each in copied.permissions], "tenant_id": copied.tenant_id or ""}
        form: NewRoleForm = self.prepared(NewRoleForm(data=values))
        form.set_tenants(tenant_names(db.session()))
        return form

    def prepared(self, form: RoleForm) -> RoleForm:
        """Return the form with the rights that can be chosen."""
        form.set_choices(role.grantable(db.session()))
        return form

    def create(self, form: NewRoleForm) -> Any:
        """Create a custom role."""
        tenant_id = form.tenant_id.data or None
        return role.create(db.session(), form.name.data, form.permissions.data, tenant_id=tenant_id, by=actor())

    def value(self, row: Any, name: str) -> Any:
        """Return the value of a column: the tenant with its ID."""
        if name == "tenant" and row.tenant is not None:
            return f"{row.tenant.id} {row.tenant.name}"
        return super().value(row, name)

    def recorded(self, name: str, value: Any) -> str:
        """Return a value of the audit log, which has the names of rights and the ID of the tenant."""
        match name:
            case "permissions":
                return recorded_by_view(value or ())
            case "tenant" if value is not None:
                return f"{value} {tenant_names(db.session()).get(value, '')}".strip()
            case _:
                return super().recorded(name, value)

    def change(self, row: Any, form: RoleForm, *, version: int) -> None:
        """Change a custom role."""
        role.change(db.session(), row, form.name.data, form.permissions.data, version=version, by=actor())

    def remove(self, row: Any) -> None:
        """Delete a custom role that no user holds."""
        role.delete(db.session(), row, now=clock.utc_now(), by=actor())

    def refusal(self, method: str, row: Any) -> str | None:
        """Return the message that a built-in role cannot be changed, None for other roles."""
        return role.IS_BUILT_IN if row is not None and row.built_in else None

    def deletable(self, row: Any) -> bool:
        """Return whether a role is a custom role."""
        return not row.built_in

    def page_buttons(self, row: Any) -> list[Button]:
        """Return the buttons of a role's page, with one to create a custom role from it."""
        url = self.url("add", copy=row.id)
        copy = [Button(lazy_gettext("Create a custom role from this"), url, "copy")] if self.may("add") else []
        return [*copy, *super().page_buttons(row)]
