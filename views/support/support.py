"""サポート画面 (§9.1): the manuals and the contact at NEC, and the form with which NEC's staff maintain them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import current_app, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext

from models.db import db
from models.errors import Conflict, DomainError
from models.support import support_page
from models.support.support_page import SupportContent
from views.base import PortalView, actor, render, url_if
from views.confirmation import is_back_to_form, response_before_saving, validates_first
from views.flashes import flash_success
from views.forms.errors import add_error
from views.screen import formats
from views.screen.conflict import Difference, compared
from views.support.support_form import SupportForm, differences


class SupportView(PortalView):
    """The page for every user."""

    route_base = "/support"
    class_permission_name = "Support"

    @expose("/")
    @has_access
    def index(self) -> str:
        """Show the links to the manuals, and how to reach NEC."""
        content, _ = support_page.stored(db.session())
        return render(
            "support/support.html",
            manuals=content.links,
            contact=_contact(content),
            edit_url=url_if("can_edit", "SupportPage", "SupportPageView.edit"),
        )


class SupportPageView(PortalView):
    """The form of NEC's staff."""

    route_base = "/staff/support"
    class_permission_name = "SupportPage"
    tenantless = True

    @validates_first
    @expose("/", methods=["GET", "POST"])
    @has_access
    def edit(self) -> Any:
        """Change the page, or add or remove a link in the form."""
        if request.method == "GET":
            return _form_page(SupportForm.of(*support_page.stored(db.session())))
        form = SupportForm()
        if not is_back_to_form() and form.change_links():
            return _form_page(form)
        if (answer := response_before_saving(form, lambda: _form_page(form))) is not None:
            return answer
        try:
            support_page.save(db.session(), form.content(), version=form.version.shown, by=actor())
        except Conflict:
            db.session.rollback()
            stored, version = support_page.stored(db.session())
            form.version.data = str(version)
            return _form_page(form, differences(stored, form.content())), 409
        except DomainError as error:
            db.session.rollback()
            add_error(form, error)
            return _form_page(form), 422
        flash_success(gettext("The support page has been changed."))
        return redirect(url_for("SupportPageView.edit"))


def _contact(content: SupportContent) -> list[tuple[str, Any, str]]:
    """Return label, value and CSS classes of what is known about the contact; the mail address of the settings if none is."""
    email = content.email or current_app.config["SUPPORT_EMAIL"]
    facts = [
        (gettext("Contact point"), content.contact_name, formats.TEXT),
        (gettext("Email address for inquiries to NEC"), email, formats.MAIL_LINK),
        (gettext("Phone number"), content.phone, formats.PHONE),
        (gettext("Business hours"), content.hours, formats.LINES),
    ]
    return [(label, shown.cell(value), shown.css) for label, value, shown in facts if value]


def _form_page(form: SupportForm, conflict: Sequence[Difference] | None = None) -> str:
    return render("support/support_form.html", form=form, conflict=compared(conflict))
