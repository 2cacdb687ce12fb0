"""従量 for NEC staff: the usage of each contract line and month, entered manually or imported from a CSV file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from flask import abort, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from wtforms import IntegerField
from wtforms.validators import InputRequired, NumberRange

from models import clock
from models.contracts import invoicing, usage
from models.contracts.catalogue import Charge, ChargeModel
from models.contracts.contract import ContractLine
from models.contracts.invoice import Usage
from models.contracts.usage import Recordable, RowFault, UsageFile, month_of
from models.db import db
from models.errors import DomainError
from models.values.text_file import decoded
from models.values.visible_text import visible
from views.arguments import page_number
from views.base import PAGE_SIZE, PortalView, actor, render
from views.confirmation import confirmation_page, needs_confirmation, response_before_saving, validates_first
from views.contracts.billing import TABS, issue_button
from views.contracts.invoices import CODE_LINK, invoice_number, month_text
from views.customers.contract_list import contract_number
from views.flashes import flash_success
from views.forms.errors import add_error, message_of
from views.forms.fields import half_width
from views.screen import formats
from views.screen.filters import Filter, Search
from views.screen.form import ScreenForm
from views.screen.navigation import tabs_of
from views.screen.table import ICON_BUTTON, Button, Empty, Question, Table, filled_table

_MOST = 999_999_999_999
_INVOICE = formats.Format(invoice_number, css=formats.CODE.css, empty=lazy_gettext("Not invoiced"))


class QuantityForm(ScreenForm):
    """The form for the usage of one month."""

    quantity = IntegerField(lazy_gettext("Quantity"), [InputRequired(), NumberRange(0, _MOST)])


class UsageView(PortalView):
    """The usage charges of the contract lines that are in force in a month."""

    route_base = "/billing/usage"
    class_permission_name = "Usage"
    tabs = TABS

    @expose("/")
    @has_access
    def list(self) -> str:
        """Show the usage charges of a month, with the recorded quantities and those not entered yet."""
        month = month_of(request.args.get("month", "")) or _last_month()
        part = half_width(visible(request.args.get("contract", ""))).upper()[:11]
        session, page = db.session(), page_number()
        count = usage.count_recordable(session, month, contract_part=part)
        pages = max(1, -(-count // PAGE_SIZE))
        page = min(page, pages)
        offset = (page - 1) * PAGE_SIZE
        rows = usage.recordable(session, month, contract_part=part, limit=PAGE_SIZE, offset=offset)
        table = self._table(rows, month)
        table.page, table.pages, table.count = page, pages, count
        is_over = month < clock.month_start(clock.tokyo_day(clock.utc_now()))
        not_invoiced = usage.count_not_invoiced(session, month) if is_over else 0
        return render(
            "billing/usage.html",
            title=gettext("Usage"),
            tabs=tabs_of(self),
            search=_search(month, part),
            table=table,
            not_invoiced=not_invoiced,
            issue=issue_button(month) if not_invoiced else None,
            import_url=url_for("UsageView.read_file") if self._may("read_file") else None,
        )

    @validates_first
    @expose("/<key:line_key>/<key:charge_key>/<string:month>", methods=["GET", "POST"])
    @has_access
    def enter(self, line_key: int, charge_key: int, month: str) -> Any:
        """Record the usage of a charge of a contract line for a month."""
        line, charge, day = _place(line_key, charge_key, month)
        known = db.session.scalar(
            select(Usage.quantity).where(Usage.line_id == line.id, Usage.charge_id == charge.id, Usage.month == day)
        )
        form = QuantityForm(data={"quantity": known})

        def page() -> str:
            return render(
                "billing/usage_form.html",
                title=gettext("Enter usage"),
                form=form,
                facts=_facts(line, charge, day),
                question=Question(gettext("The usage will be recorded. Are you sure?"), gettext("Enter usage")),
                list_url=_list_url(day),
            )

        if request.method == "GET":
            return page()
        if (answer := response_before_saving(form, page)) is not None:
            return answer
        try:
            invoicing.record_usage(db.session(), line, charge, day, Decimal(form.quantity.data), by=actor())
        except DomainError as refusal:
            db.session.rollback()
            refusal.field = None
            add_error(form, refusal)
            line, charge, day = _place(line_key, charge_key, month)
            return page(), 422
        flash_success(gettext("The usage has been recorded."))
        return redirect(_list_url(day))

    @validates_first
    @expose("/import", methods=["GET", "POST"])
    @has_access
    def read_file(self) -> Any:
        """Check a CSV file and show all of its errors; if there are none, record all rows after confirmation."""
        if request.method == "GET":
            return _file_page()
        given = request.files.get("file")
        try:
            text = _text_of(given) if given is not None else request.form.get("content", "")
            found = usage.check(db.session(), text)
            if found.faults or given is not None or "record" not in request.form:
                return _file_page(found, text), 422 if found.faults else 200
            if needs_confirmation():
                return confirmation_page()
            usage.record(db.session(), found.rows, by=actor())
        except DomainError as refusal:
            db.session.rollback()
            return _file_page(error=message_of(refusal)), 422
        flash_success(gettext("Usage recorded: %(count)s rows", count=len(found.rows)))
        return redirect(_list_url(found.rows[0].month))

    def _may(self, method: str) -> bool:
        may: bool = self.appbuilder.sm.has_access(f"can_{method}", self.class_permission_name)
        return may

    def _table(self, rows: Sequence[Recordable], month: date) -> Table:
        def buttons(each: Recordable) -> list[Button]:
            if each.invoice is not None:
                return []
            url = url_for("UsageView.enter", line_key=each.line.id, charge_key=each.charge.id, month=month_text(month))
            name = gettext("Enter the usage of %(name)s", name=f"{each.line.contract_id} {each.charge.name}")
            return [Button("", url, "pencil", name, css=ICON_BUTTON)]

        return filled_table(
            [
                (gettext("Contract number"), CODE_LINK, _contract_of),
                (gettext("Customer"), formats.TEXT, lambda each: each.line.contract.customer.name),
                (gettext("Rate plan"), formats.TEXT, lambda each: each.line.rate_plan.name),
                (gettext("Charge"), formats.TEXT, lambda each: each.charge.name),
                (gettext("Unit price"), formats.YEN, lambda each: each.charge.unit_price),
                (
                    gettext("Quantity"),
                    formats.Format(lambda number: f"{number:,.0f}", css="number", empty=gettext("Not entered")),
                    lambda each: each.quantity,
                ),
                (gettext("Invoice"), _INVOICE, lambda each: each.invoice),
            ],
            rows,
            buttons=buttons if self._may("enter") else None,
            label=gettext("Usage"),
            empty=Empty("list", gettext("No contract has a usage charge in this month.")),
        )


def _text_of(file: FileStorage) -> str:
    """Return the text of an uploaded file.

    :raises DomainError: it is not a text file.
    """
    text = decoded(file.read())
    if text is None:
        raise DomainError(usage.NOT_CSV)
    return text


def _file_page(found: UsageFile | None = None, text: str = "", *, error: str = "") -> str:
    """Return the page of the import.

    :param found: the result of the check.
    :param text: the text of the file, kept for recording if it has no errors.
    :param error: why the file was refused as a whole.
    """
    faults = found.faults if found is not None else []
    return render(
        "billing/usage_import.html",
        title=gettext("Import usage"),
        head=",".join(usage.HEAD),
        faults=_faults(faults) if faults else None,
        count=len(found.rows) if found is not None else None,
        text=text if found is not None and not faults else "",
        error=error,
        question=Question(
            gettext("%(count)s rows will be recorded. Are you sure?", count=len(found.rows) if found else 0),
            gettext("Import usage"),
        ),
        list_url=_list_url(None),
    )


def _faults(faults: Sequence[RowFault]) -> Table:
    return filled_table(
        [
            (gettext("Row"), formats.NUMBER, lambda each: each.row),
            (gettext("Error"), formats.TEXT, lambda each: gettext(each.message, **each.values)),
        ],
        faults,
        title=gettext("Errors"),
    )


def _contract_of(each: Recordable) -> Any:
    return contract_number(each.line.contract.customer_id, each.line.contract_id)


def _search(month: date, part: str) -> Search:
    return Search(
        [
            Filter("month", gettext("Month"), month_text(month), kind="month", beside=True),
            Filter("contract", gettext("Contract number"), part, True if part else None, beside=True),
        ]
    )


def _facts(line: ContractLine, charge: Charge, month: date) -> list[tuple[Any, Any, str]]:
    contract = line.contract
    return [
        (gettext("Contract number"), contract_number(contract.customer_id, contract.id), ""),
        (gettext("Customer"), contract.customer.name, "text"),
        (gettext("Rate plan"), line.rate_plan.name, "text"),
        (gettext("Charge"), charge.name, "text"),
        (gettext("Unit price"), formats.YEN.cell(charge.unit_price), ""),
        (gettext("Month"), month_text(month), ""),
    ]


def _place(line_key: int, charge_key: int, month: str) -> tuple[ContractLine, Charge, date]:
    """Return a contract line of the tenant, one of its usage charges, and the month; 404 if any of them is invalid."""
    day = month_of(month)
    line = db.session.scalar(select(ContractLine).where(ContractLine.id == line_key))
    if line is None or day is None or month != month_text(day):
        abort(404)
    charge = next((each for each in line.rate_plan.charges if each.id == charge_key), None)
    if charge is None or charge.model != ChargeModel.USAGE:
        abort(404)
    return line, charge, day


def _last_month() -> date:
    return clock.months_before(clock.tokyo_day(clock.utc_now()), 1)


def _list_url(month: date | None) -> str:
    return url_for("UsageView.list", month=month_text(month) if month else None)
