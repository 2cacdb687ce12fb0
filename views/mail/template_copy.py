"""メールテンプレートコピー (§5.4.3 (3)): choose tenants and templates, then copy all of them or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import abort, current_app, g, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import Select, String, literal, select

from models.accounts.membership import Membership, enterable
from models.db import db
from models.mail import template_rules as mail_template_rules
from models.mail.kinds import EDITABLE
from models.tenants.tenant import Tenant
from views.base import PortalView, actor, render
from views.flashes import flash_success
from views.mail.template_page import own_tenant_id
from views.transaction import cross_tenant_session

_TENANTS, _TEMPLATES, _COPY = "tenants", "templates", "copy"


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices in both steps; each step also submits those of the other.

    :ivar tenants: the IDs of the chosen tenants.
    :ivar kinds: the names of the chosen templates.
    """

    tenants: frozenset[str]
    kinds: frozenset[str]


class MailTemplateCopyView(PortalView):
    """メールテンプレートコピー: two pages that post to each other, so that going back keeps the choices."""

    route_base = "/mail-templates"
    class_permission_name = "MailTemplates"

    @expose("/copy", methods=["GET", "POST"])
    @has_access
    def copy(self) -> Any:
        """Show the page for choosing tenants or templates, or copy the templates."""
        targets = db.session.execute(_targets().order_by(Tenant.id)).all()
        offered = {
            "tenant": frozenset(tenant.id for tenant in targets),
            "kind": frozenset(kind.name for kind in EDITABLE),
        }
        step, choices = request.form.get("step", _TENANTS), Choices(*(_ticked(name, offered[name]) for name in offered))
        if step in {_TEMPLATES, _COPY} and not choices.tenants:
            return _page(_TENANTS, targets, choices, gettext("Choose at least one tenant.")), 422
        if step == _COPY and not choices.kinds:
            return _page(_TEMPLATES, targets, choices, gettext("Choose at least one template.")), 422
        if step == _COPY:
            return _copy(choices)
        shown = _TEMPLATES if step == _TEMPLATES or step.endswith("_templates") else _TENANTS
        return _page(shown, targets, _marked(step, choices, offered)), 200


def may_copy() -> bool:
    """Return whether the user may copy templates and there is a tenant to copy to."""
    if not current_app.extensions["appbuilder"].sm.has_access("can_copy", "MailTemplates"):
        return False
    if not g.identity.elevated and g.identity.tenant_count < 2:
        return False
    return db.session.execute(_targets().limit(1)).first() is not None


def _targets() -> Select[str, str]:
    """Return the statement that selects ``id`` and ``name`` of the other tenants in which the user may change templates."""
    statement = select(Tenant.id, Tenant.name).where(Tenant.id != own_tenant_id())
    if g.identity.elevated:
        return statement
    roles = current_app.extensions["appbuilder"].sm.roles_that_may("can_edit", "MailTemplates")
    return statement.join(Membership, Membership.tenant_id == Tenant.id).where(
        Membership.user_id == current_user.id,
        Membership.role_id.in_(roles),
        enterable(literal(g.identity.only_tenant_id, String)),
    )


def _ticked(name: str, offered: frozenset[str]) -> frozenset[str]:
    """Return the selected values of a group of checkboxes; 404 if one of them was not offered."""
    ticked = frozenset(request.form.getlist(name))
    if not ticked <= offered:
        abort(404)
    return ticked


def _marked(step: str, choices: Choices, offered: dict[str, frozenset[str]]) -> Choices:
    """Return the choices after 全選択 or クリア was pressed without JavaScript."""
    match step:
        case "all_tenants":
            return Choices(offered["tenant"], choices.kinds)
        case "no_tenants":
            return Choices(frozenset(), choices.kinds)
        case "all_templates":
            return Choices(choices.tenants, offered["kind"])
        case "no_templates":
            return Choices(choices.tenants, frozenset())
        case _:
            return choices


def _copy(choices: Choices) -> Any:
    kinds = [kind for kind in EDITABLE if kind.name in choices.kinds]
    source_id, by = own_tenant_id(), actor()
    session = cross_tenant_session("copy mail templates to the tenants one person may change")
    mail_template_rules.copy(session, source_id, choices.tenants, kinds, by=by)
    flash_success(gettext("The mail templates have been copied."))
    return redirect(url_for("MailTemplateView.list"))


def _page(step: str, targets: Any, choices: Choices, error: str | None = None) -> str:
    return render(
        "mail/templates/copy.html",
        step=step,
        tenants=[(tenant.id, f"{tenant.id} {tenant.name}", tenant.id in choices.tenants) for tenant in targets],
        kinds=[(kind.name, gettext(kind.title), kind.name in choices.kinds) for kind in EDITABLE],
        error=error,
        templates_url=url_for("MailTemplateView.list"),
    )
