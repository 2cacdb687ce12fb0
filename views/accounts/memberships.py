"""The table of a user's tenants on the user's page."""

from __future__ import annotations

from typing import Any

from flask import get_template_attribute
from flask_babel import gettext

from models.accounts import role
from models.db import db
from views.screen import formats
from views.screen.table import ICON_BUTTON, Button, Empty, Question, Table, filled_table


def memberships_table(screen: Any, user: Any) -> Table:
    """Return the table of a user's tenants, with forms to change the role and to leave if the person may do so.

    :param screen: the ``UserView``.
    """
    may_change = screen.may("join")
    roles = role.in_tenants(db.session()) if may_change else []

    def role_cell(membership: Any) -> Any:
        if not may_change:
            return membership.role.name
        form = get_template_attribute("accounts/_role_form.html", "role_form")
        choices = [(each.name, each.name) for each in roles if role.may_be_held(each, membership.tenant_id)]
        return form(membership.tenant, membership.role.name, choices, screen.url("change_membership", user))

    def buttons(membership: Any) -> list[Button]:
        tenant = membership.tenant
        text = gettext("%(name)s will be removed from %(tenant)s. Are you sure?", name=user.email, tenant=tenant.name)
        return [
            Button(
                "",
                screen.url("leave", user),
                "x",
                gettext("Take out of %(name)s", name=tenant.name),
                {"tenant": tenant.id},
                Question(text, gettext("Take out of tenant"), "danger"),
                css=ICON_BUTTON,
            )
        ]

    return filled_table(
        [
            (gettext("Tenant ID"), formats.CODE, lambda membership: membership.tenant.id),
            (gettext("Tenant name"), formats.TEXT, lambda membership: membership.tenant.name),
            (gettext("Role"), formats.PLAIN, role_cell),
        ],
        user.memberships,
        buttons=buttons if may_change else None,
        title=gettext("Tenants of the user"),
        empty=Empty(
            "building",
            gettext("The user does not belong to any tenant."),
            gettext("Only users with a role for all tenants can work without a tenant."),
        ),
    )
