"""契約申込 (§7.5): create a contract for a customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import g, redirect, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from models import clock
from models.contracts import rules
from models.contracts.catalogue import Product, RatePlan
from models.contracts.preview import preview
from models.db import db
from models.errors import DomainError
from views.base import PortalView, actor, render
from views.confirmation import response_before_saving, validates_first
from views.contracts.charge_table import charge_table
from views.contracts.contracts import ContractView, customer_url
from views.contracts.facts import creation_facts
from views.contracts.form import ApplicationForm
from views.customers.customers import CustomerView
from views.customers.tabs import customer_crumbs
from views.flashes import flash_success
from views.forms.applied_address import AddressChoice, address_choice, is_asked_for, is_filling
from views.forms.errors import add_error


class ContractApplicationView(PortalView):
    """The form for a new contract."""

    route_base = "/customers/<string:customer_id>/contracts"
    class_permission_name = "Contracts"

    @validates_first
    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self, customer_id: str) -> Any:
        """Create a contract, or add a line to the form or remove one."""
        customer = g.parent_row = CustomerView.of().row_or_404(customer_id)
        form = ApplicationForm()
        updating = request.method == "GET" or form.change_lines() or is_filling()
        form.prepare(_products(), updating=updating)
        if updating:
            return self._page(customer, form, fills=True)
        if "find_address" in request.form:
            return self._page(customer, form, filled=form.fill_in_address())
        try:
            answer = response_before_saving(form, lambda: self._page(customer, form), lambda: _details(customer, form))
            if answer is not None:
                return answer
            made = rules.create(db.session(), customer, form.values(), now=clock.utc_now(), by=actor())
        except DomainError as error:
            db.session.rollback()
            add_error(form, error)
            form.prepare(_products(), updating=False)
            return self._page(CustomerView.of().row_or_404(customer_id), form), 422
        flash_success(gettext("The contract has been made."))
        return redirect(ContractView.of().page_of(made))

    def _page(self, customer: Any, form: ApplicationForm, *, fills: bool = False, **more: Any) -> str:
        title = gettext("Contract application")
        choice = address_choice(customer.id)
        if fills:
            _fill_in_delivery(form, choice)
        return render(
            "contracts/application.html",
            form=form,
            charge_table=charge_table,
            title=title,
            customer=customer,
            crumbs=customer_crumbs(customer, (title, None)),
            today=clock.tokyo_day(clock.utc_now()),
            address_choice=choice,
            cancel_url=customer_url(customer.id),
            **more,
        )


def _fill_in_delivery(form: ApplicationForm, choice: AddressChoice) -> None:
    """Fill in the address of an approved application: when the form is opened, or by its button (§7.5.3)."""
    delivery = choice.first if request.method == "GET" else choice.chosen.delivery if choice.chosen else None
    if delivery is not None and (request.method == "GET" or is_filling()):
        form.fill_in_delivery(delivery)
    if is_asked_for() and choice.chosen is not None:
        form.ships_utm.data = "1"


def _products() -> Sequence[Product]:
    """Return the products on sale, with their rate plans."""
    return db.session.scalars(
        select(Product)
        .where(Product.retired_at.is_(None))
        .options(selectinload(Product.rate_plans).selectinload(RatePlan.charges))
        .order_by(Product.name, Product.id)
    ).all()


def _details(customer: Any, form: ApplicationForm) -> Any:
    """Return the terms and costs of the new contract, for the confirmation."""
    today = clock.tokyo_day(clock.utc_now())
    return creation_facts(preview(rules.draft(db.session(), customer, form.values(), today=today)))
