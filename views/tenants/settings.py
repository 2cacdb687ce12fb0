"""テナント設定 (§5.4.1): a tenant's settings, the allowed origins of its application page, and its links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext

from models.applications import extra_question
from models.db import db
from models.errors import Conflict, DomainError
from models.tenants import settings as tenant_settings
from models.tenants import settings_rules
from views.arguments import whole_number
from views.base import PortalView, actor, render
from views.confirmation import is_back_to_form, response_before_saving, validates_first
from views.flashes import flash_success
from views.forms.errors import add_error
from views.screen.conflict import Difference, compared
from views.tenants.logo import logo_url
from views.tenants.settings_form import TenantSettingsForm, differences
from views.tenants.settings_history import settings_history
from views.tenants.settings_tables import facts, links_table, origins_table, questions_table


class TenantSettingsView(PortalView):
    """テナント設定: one form with two lists. 追加 and 削除 only change the form; 保存 saves it."""

    route_base = "/tenant-settings"
    class_permission_name = "TenantSettings"

    @expose("/")
    @has_access
    def show(self) -> str:
        """Show the settings, in a form if the user may change them."""
        stored, version = settings_rules.stored(db.session())
        if not self.appbuilder.sm.has_access("can_edit", "TenantSettings"):
            return self._page(
                facts=facts(stored),
                origins=origins_table(stored),
                links=links_table(stored),
            )
        return self._page(form=TenantSettingsForm.of(stored, version))

    @validates_first
    @expose("/", methods=["POST"])
    @has_access
    def edit(self) -> Any:
        """Save the form, or add an entry to one of its lists or delete one."""
        form = TenantSettingsForm()
        if not is_back_to_form() and (changed := _change_list(form)) is not None:
            return self._page(form=form, unsaved=changed), 200 if changed else 422
        if (answer := response_before_saving(form, lambda: self._page(form=form))) is not None:
            return answer
        try:
            settings_rules.save(db.session(), form.values(), version=form.version.shown, by=actor())
            db.session.flush()
        except Conflict:
            return self._conflict(form)
        except DomainError as error:
            db.session.rollback()
            add_error(form, error)
            return self._page(form=form), 422
        flash_success(gettext("The settings have been saved."))
        return redirect(url_for("TenantSettingsView.show"))

    def _conflict(self, form: TenantSettingsForm) -> Any:
        """Return the form with the differences from what another user saved; saving it again overwrites the other's changes."""
        db.session.rollback()
        stored, version = settings_rules.stored(db.session())
        form.version.data = str(version)
        return self._page(form=form, differences=differences(stored, form.values())), 409

    def _page(
        self,
        *,
        form: TenantSettingsForm | None = None,
        unsaved: str = "",
        differences: Sequence[Difference] | None = None,
        **more: Any,
    ) -> str:
        may = self.appbuilder.sm.has_access
        return render(
            "tenants/settings/form.html" if form else "tenants/settings/show.html",
            form=form,
            unsaved=unsaved,
            conflict=compared(differences),
            fields=questions_table(
                extra_question.in_use(db.session()),
                url_for("ApplicationFieldView.list") if may("can_list", "ApplicationFields") else None,
            ),
            logo_url=logo_url(tenant_settings.of_tenant(db.session()).logo_hash),
            tokens_url=url_for("PortalTokenView.list") if may("can_list", "PortalTokens") else None,
            history=settings_history(),
            **more,
        )


def _change_list(form: TenantSettingsForm) -> str | None:
    """Handle the buttons 追加 and 削除.

    :returns: the list that was changed; empty if the change was not possible; None if neither button was pressed.
    """
    if "add_origin" in request.form:
        return "origin" if form.add_origin() else ""
    if "add_link" in request.form:
        return "link" if form.add_link() else ""
    for name, entries in (("origin", form.origins.entries), ("link", form.links.entries)):
        place = request.form.get(f"delete_{name}")
        if place is None:
            continue
        number = whole_number(place, most=len(entries) - 1)
        if number is None:
            return ""
        del entries[number]
        return name
    return None
