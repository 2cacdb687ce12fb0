"""The steps of a public form: filled in, reviewed, sent. They work without JavaScript.

Nothing is stored before the form is sent; what was typed is in hidden fields of the review page, and is validated again.
"""

from __future__ import annotations

from typing import Any

from flask import g, redirect, request, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session

from models.actor import Actor
from models.errors import DomainError
from models.scope import tenant_session
from models.tenants import settings as tenant_settings
from models.tenants.settings import TenantSettings
from models.tenants.tenant import Tenant
from views.base import PortalView, render
from views.forms.errors import add_error
from views.public_applications import form_pass
from views.public_applications.brand import Brand, brand_of
from views.public_applications.public_form import PublicForm

GONE, UNKNOWN, REFUSED = 410, 404, 403


class PublicFormView(PortalView):
    """The base class of the views of both forms.

    :cvar application_class: the class of what is stored.
    :cvar form_template: the template of the form.
    :cvar heading: what is applied for, marked for translation.
    """

    application_class: type
    form_template: str
    heading: str

    def new_form(self, session: Session) -> PublicForm:
        """Return the form of this request."""
        raise NotImplementedError

    def send(self, session: Session, form: Any) -> Any:
        """Store what was entered and send the mails.

        :returns: the application.
        :raises DomainError: it is refused.
        """
        raise NotImplementedError

    def respond(self, session: Session, tenant_id: str, settings: TenantSettings, signed: str) -> Any:
        """Return the response of a step, in a session of the form's tenant.

        :param signed: the signed part of the form's URL.
        """
        carried = request.form.get(form_pass.FIELD, "")
        valid = form_pass.is_pass(carried, signed)
        page = _Page(self, brand_of(session, tenant_id, settings), carried if valid else form_pass.new_pass(signed))
        form = self.new_form(session)
        if not valid and request.method == "POST":
            form.form_errors = [gettext("The page was open for too long. Check what you entered, and send it again.")]
            return page.of(form), 422
        if request.method != "POST" or "back" in request.form or form.change_rows():
            return page.of(form)
        if not form.validate():
            return page.of(form), 422
        return self._send(session, tenant_id, form, page) if "send" in request.form else page.review(form)

    def sent_page(self, receipt: str, template: str) -> Any:
        """Return the page that follows a sent form.

        :param receipt: the signed part of its URL.
        """
        found = form_pass.read_sent(receipt)
        if found is None:
            return closed(UNKNOWN)
        tenant_id, number = found
        with tenant_session(tenant_id) as session:
            if session.get(Tenant, tenant_id) is None:
                return closed(UNKNOWN)
            return render(template, brand=brand_of(session, tenant_id), number=number, heading=self.heading)

    def _send(self, session: Session, tenant_id: str, form: PublicForm, page: _Page) -> Any:
        try:
            sent = self._send_once(session, form, page.carried)
        except DomainError as error:
            session.rollback()
            add_error(form, error)
            return page.of(form), 422
        return redirect(url_for(f"{type(self).__name__}.sent", receipt=form_pass.sign_sent(tenant_id, sent)))

    def _send_once(self, session: Session, form: PublicForm, carried: str) -> str:
        digest = form_pass.digest_of(carried, form.typed())
        known = form_pass.first_result(session, digest)
        if known is not None and session.get(self.application_class, known) is not None:
            return known
        made = self.send(session, form)
        session.flush()
        form_pass.record_result(digest, made.id)
        session.commit()
        return str(made.id)


class _Page:
    """The pages of a request.

    :ivar carried: the pass that the form carries.
    """

    def __init__(self, view: PublicFormView, brand: Brand, carried: str) -> None:
        self.view = view
        self.brand = brand
        self.carried = carried

    def of(self, form: PublicForm) -> str:
        """Return the page of the form."""
        return self._render(self.view.form_template, form)

    def review(self, form: PublicForm) -> str:
        """Return the page that shows what was entered."""
        return self._render("public_applications/review.html", form)

    def _render(self, template: str, form: PublicForm) -> str:
        return render(
            template,
            form=form,
            brand=self.brand,
            heading=self.view.heading,
            pass_field=form_pass.FIELD,
            carried=self.carried,
        )


def settings_of(session: Session, tenant_id: str, number: int) -> TenantSettings | int:
    """Return the settings of a signed URL's tenant, or the status of the page that says that the URL has ended.

    :param number: the invitation number in the URL.
    """
    if session.get(Tenant, tenant_id) is None:
        return UNKNOWN
    settings = tenant_settings.of_tenant(session)
    return settings if settings.invitation_number == number else GONE


def closed(status: int) -> tuple[str, int]:
    """Return the page of a URL that is unknown or has ended. It says nothing about the tenant."""
    return render("public_applications/closed.html"), status


def visitor(name: str) -> Actor:
    """Return the actor of this request, for rules and the audit log.

    :param name: the email address that the visitor entered.
    """
    return Actor(name, address=request.remote_addr, request_id=g.get("request_id"))
