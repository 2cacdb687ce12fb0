"""サービス利用申請情報 and UTM追加申請情報 of a customer (§7.4.2, §7.4.3): its approved applications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import abort, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from models.applications import rules
from models.applications.application import ApplicationState, ServiceApplication
from models.applications.utm_application import UtmApplication, UtmApplicationState, UtmDelivery
from models.db import db
from models.errors import DomainError
from views.applications.answers import Answer, answers_form, answers_of
from views.applications.states import STATE
from views.applications.tables import delivery_columns, delivery_table, user_table
from views.arguments import page_number
from views.base import PAGE_SIZE, PortalView, actor, render, url_if
from views.confirmation import response_before_saving, validates_first
from views.customers.customers import CustomerView
from views.customers.tabs import customer_crumbs, customer_tabs, empty_tabs
from views.flashes import flash_success
from views.forms.errors import add_error
from views.screen import formats
from views.screen.conflict import Difference, compared
from views.screen.form import changed_by_others, differences, fingerprints
from views.screen.table import Button, Table, filled_table

_Facts = list[tuple[Any, Any, str]]


class CustomerApplicationView(PortalView):
    """The tabs with a customer's applications."""

    route_base = "/customers/<string:customer_id>"
    class_permission_name = "CustomerApplications"

    @expose("/service-application")
    @has_access
    def service_application(self, customer_id: str) -> str:
        """Show a customer's approved applications with its present additional information (§7.4.2)."""
        customer = _customer(customer_id, "service_application")
        applications = db.session.scalars(
            select(ServiceApplication)
            .where(ServiceApplication.customer_id == customer.id, ServiceApplication.state == ApplicationState.APPROVED)
            .order_by(ServiceApplication.applied_at.desc(), ServiceApplication.id)
            .options(selectinload(ServiceApplication.deliveries), selectinload(ServiceApplication.users))
        ).all()
        answers = answers_of(db.session(), customer.id)
        return render(
            "applications/of_customer.html",
            title=gettext("Service application information"),
            customer=customer,
            crumbs=customer_crumbs(customer, (gettext("Service application information"), None)),
            tabs=customer_tabs(customer, "CustomerApplicationView.service_application"),
            applications=[_parts(each) for each in applications],
            answers=[(answer.field.title, formats.TEXT.cell(answer.value), formats.TEXT.css) for answer in answers],
            update=_update_button(customer, answers),
        )

    @validates_first
    @expose("/service-application/answers", methods=["GET", "POST"])
    @has_access
    def change_answers(self, customer_id: str) -> Any:
        """Change a customer's answers to the tenant's extra questions (追加情報更新, §7.4.2 (1))."""
        customer = _customer(customer_id, "service_application")
        if request.method == "POST":
            # Of two forms sent at the same moment, the second must see the answers of the first.
            rules.lock_answers(db.session(), customer.id)
        asked = [answer for answer in answers_of(db.session(), customer.id) if answer.field.retired_at is None]
        if not asked:
            abort(404)
        form = answers_form(asked)
        if request.method == "GET":
            return _form_page(customer, form, asked)
        if (answer := response_before_saving(form, lambda: _form_page(customer, form, asked))) is not None:
            return answer
        changed = changed_by_others(form, asked, request.form.get("shown", ""))
        if changed and request.form.get("shown"):
            return _form_page(customer, form, asked, differences(form, changed)), 409
        try:
            rules.change_answers(db.session(), customer, form.answers(), by=actor())
            db.session.flush()
        except DomainError as error:
            db.session.rollback()
            add_error(form, error)
            customer = CustomerView.of().row_or_404(customer_id)
            return _form_page(customer, form, asked), 422
        flash_success(gettext("The additional information has been updated."))
        return redirect(url_for("CustomerApplicationView.service_application", customer_id=customer.id))

    @expose("/utm-applications")
    @has_access
    def utm_applications(self, customer_id: str) -> str:
        """Show the delivery addresses of a customer's approved UTM applications (§7.4.3)."""
        customer = _customer(customer_id, "utm_applications")
        return render(
            "applications/utms_of_customer.html",
            title=gettext("UTM application information"),
            customer=customer,
            crumbs=customer_crumbs(customer, (gettext("UTM application information"), None)),
            tabs=customer_tabs(customer, "CustomerApplicationView.utm_applications"),
            table=_utm_table(customer),
        )


def _customer(customer_id: str, tab: str) -> Any:
    """Return a customer; 404 if there is none, or if nothing is on the tab."""
    customer = CustomerView.of().row_or_404(customer_id)
    if f"CustomerApplicationView.{tab}" in empty_tabs(customer):
        abort(404)
    return customer


def _parts(application: ServiceApplication) -> dict[str, Any]:
    """Return what the page shows of an application."""
    own = _facts(
        (gettext("Application number"), formats.CODE, application.id),
        (gettext("Applied at"), formats.TIME, application.applied_at),
        (gettext("Status"), STATE, application.state),
        (gettext("Memo 1"), formats.LINES, application.memo1),
    )
    more = _facts(
        (gettext("Memo 2"), formats.LINES, application.memo2), (gettext("Memo 3"), formats.LINES, application.memo3)
    )
    company = _facts(
        (gettext("Company name"), formats.TEXT, application.company),
        (gettext("Full name"), formats.TEXT, application.name),
        (gettext("Department"), formats.TEXT, application.department),
        (gettext("Job title"), formats.TEXT, application.title),
        (gettext("Email address"), formats.MAIL_LINK, application.email),
        (gettext("Postcode"), formats.POSTCODE, application.postcode),
        (gettext("Prefecture"), formats.TEXT, application.prefecture),
        (gettext("Address"), formats.TEXT, application.address),
        (gettext("Phone number"), formats.PHONE, application.phone),
    )
    deliveries, users = delivery_table(application.deliveries), user_table(application.users)
    return {"facts": own, "more": more, "company": company, "deliveries": deliveries, "users": users}


def _facts(*given: tuple[str, formats.Format, Any]) -> _Facts:
    return [(label, shown.cell(value), shown.css) for label, shown, value in given]


def _utm_table(customer: Any) -> Table:
    found = (
        select(UtmApplication, UtmDelivery)
        .join(UtmDelivery, UtmDelivery.application_id == UtmApplication.id)
        .where(UtmApplication.customer_id == customer.id, UtmApplication.state == UtmApplicationState.APPROVED)
    )
    count = db.session.scalar(select(func.count()).select_from(found.with_only_columns(UtmDelivery.id).subquery())) or 0
    pages = max(1, -(-count // PAGE_SIZE))
    page = min(page_number(), pages)
    ordered = found.order_by(UtmApplication.applied_at.desc(), UtmApplication.id, UtmDelivery.id)
    rows = db.session.execute(ordered.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)).all()
    columns = [
        (gettext("Applied at"), formats.TIME, lambda row: row[0].applied_at),
        (gettext("Application number"), formats.CODE, lambda row: row[0].id),
        *((label, shown, _of_second(read)) for label, shown, read in delivery_columns()),
    ]
    table = filled_table(columns, rows, title=gettext("UTM application information"))
    table.page, table.pages, table.count = page, pages, count
    return table


def _of_second(read: Any) -> Any:
    return lambda row: read(row[1])


def _update_button(customer: Any, answers: Sequence[Answer]) -> Button | None:
    """Return the button 更新; None if the user may not change answers, or no question is in use."""
    endpoint = "CustomerApplicationView.change_answers"
    url = url_if("can_change_answers", "CustomerApplications", endpoint, customer_id=customer.id)
    if url is None or all(answer.field.retired_at is not None for answer in answers):
        return None
    return Button(gettext("Update"), url, "pencil", gettext("Update the additional information"))


def _form_page(
    customer: Any, form: Any, asked: Sequence[Answer], differences: Sequence[Difference] | None = None
) -> str:
    title, back = gettext("Update additional information"), "CustomerApplicationView.service_application"
    back_url = url_for(back, customer_id=customer.id)
    return render(
        "applications/answers.html",
        title=title,
        form=form,
        crumbs=customer_crumbs(customer, (gettext("Service application information"), back_url), (title, None)),
        conflict=compared(differences),
        shown=fingerprints(form, asked),
        cancel_url=back_url,
    )
