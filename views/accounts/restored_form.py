"""The form that somebody sent after the session had ended, on its way back to its page."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext
from flask_login import current_user

from views import form_draft, staff_entry
from views.base import PortalView, render
from views.flashes import flash_warning


class RestoredFormView(PortalView):
    """A page that sends the form to its view, which shows it as it was typed and saves nothing.

    The view of the form checks the permission; a form that is somebody else's is not found.
    """

    route_base = "/restored-form"

    @expose("/")
    def show(self) -> Any:
        """Offer the form; with JavaScript the page sends itself."""
        draft_id = request.args.get("draft", "")
        draft = form_draft.find(draft_id, current_user.id)
        tenant = g.identity.tenant
        if draft is not None and draft.tenant_id and tenant is None and g.identity.elevated:
            question = staff_entry.enter_for_draft(draft.tenant_id, draft_id)
            if question is not None:
                return question
        # In another tenant it would be saved there.
        if draft is None or draft.tenant_id != (tenant.id if tenant else ""):
            flash_draft_lost()
            return redirect(url_for("HomeView.index"))
        return render("accounts/restored_form.html", draft=draft, home_url=url_for("HomeView.index"))


def flash_draft_lost() -> None:
    """Say on the next page that a form was not kept; it says the same whoever's form it was."""
    flash_warning(gettext("What was sent before signing in could not be restored. It has not been saved."))
