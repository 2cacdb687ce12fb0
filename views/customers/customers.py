"""Customers (§7.1, §7.4.1) and the security tab with their UTMs (§7.4.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import abort, current_app, flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm.exc import StaleDataError

from models import clock
from models.alerts import search as alert_search
from models.contracts import contract
from models.contracts.contract import Contract, ContractStatus
from models.customers import rules as customer_rules
from models.customers.customer import Customer
from models.db import db
from models.errors import Conflict, DomainError
from models.utms.utm import NO_CONTRACT, Utm
from models.values import postcode
from views.base import PortalModelView, actor, customer_or_404, customer_urls, first_of, render, url_if
from views.customers.form import CustomerForm
from views.customers.search_form import CustomerSearch
from views.data_interface import Deleted, NotDeleted, PortalInterface
from views.period import recent_days
from views.redirects import back_to
from views.shown_once import token_to_show


class CustomerView(PortalModelView):
    """顧客管理: the customers of the tenant."""

    datamodel = PortalInterface(Customer)
    route_base = "/customers"
    class_permission_name = "Customers"
    include_route_methods = {"list", "add", "show", "edit", "delete", "restore", "security"}
    base_filters: ClassVar = [["deleted_at", NotDeleted, None]]
    base_order = ("id", "desc")
    list_columns: ClassVar = ["id", "name", "balance", "last_invoiced_on", "status"]
    order_columns: ClassVar = list_columns
    search_columns: ClassVar = ["id", "search_name"]
    show_columns: ClassVar = ["id", "name", "status", "memo1", "memo2", "memo3"]
    add_columns: ClassVar = []
    edit_columns: ClassVar = []

    @expose("/")
    @has_access
    def list(self) -> str:
        """List the customers, narrowed by part of their ID or name."""
        search = CustomerSearch.read(may_see_deleted=self.appbuilder.sm.has_access("can_restore", "Customers"))
        search.narrow(self._filters)
        base_filters = None
        if search.deleted:
            base_filters = self.datamodel.get_filters().add_filter("deleted_at", Deleted, None)
        page = self.list_page(base_filters)
        return render(
            "customers/list.html",
            customers=[_customer_row(customer) | self._urls(customer) for customer in page.rows],
            add_url=url_for("CustomerView.add") if self.appbuilder.sm.has_access("can_add", "Customers") else None,
            **search.shown(),
            sort=page.sort,
            direction=page.direction,
            page=page.page,
            pages=page.pages,
            more=page.more,
            count=page.count,
        )

    @expose("/<string:customer_id>")
    @has_access
    def show(self, customer_id: str) -> str:
        """Show a customer's data and contracts."""
        customer = customer_or_404(customer_id)
        contracts = db.session.scalars(
            select(Contract).where(Contract.customer_id == customer.id).order_by(Contract.start_on.desc(), Contract.id)
        ).all()
        return render(
            "customers/show.html",
            customer=customer,
            **customer_urls(customer),
            tabs=_tabs(customer, "show"),
            contracts=[_contract_row(each) for each in contracts],
            **self._urls(customer),
        )

    def _urls(self, customer: Customer) -> dict[str, str | None]:
        """Where looking at a customer, changing and deleting it lead, None for who may not."""
        keys = {"customer_id": customer.id}
        if customer.deleted_at is not None:
            return {"url": None, "restore_url": url_for("CustomerView.restore", **keys)}
        return {
            "url": url_if("can_show", "Customers", "CustomerView.show", **keys),
            "edit_url": url_if("can_edit", "Customers", "CustomerView.edit", **keys),
            "delete_url": url_if("can_delete", "Customers", "CustomerView.delete", **keys),
        }

    def _page_of(self, customer: Customer) -> str:
        """Where to go on after a deed: the customer's page, or the list for who may not see that."""
        urls = customer_urls(customer)
        return first_of(urls["customer_url"], urls["customers_url"])

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        """Make a customer."""
        form = CustomerForm()
        if "find_address" in request.form:
            return _form_page(form, None, filled=_fill_in_address(form)), 200
        if not form.validate_on_submit():
            return _form_page(form, None), 422 if form.is_submitted() else 200
        customer = customer_rules.create(db.session(), form.values(), by=actor())
        db.session.commit()
        flash(gettext("The customer has been created."), "success")
        return redirect(self._page_of(customer))

    @expose("/<string:customer_id>/edit", methods=["GET", "POST"])
    @has_access
    def edit(self, customer_id: str) -> Any:
        """Change a customer."""
        customer = customer_or_404(customer_id)
        form = CustomerForm(obj=customer)
        if not form.is_submitted():
            form.show(customer)
        if "find_address" in request.form:
            return _form_page(form, customer, filled=_fill_in_address(form)), 200
        if not form.validate_on_submit():
            return _form_page(form, customer), 422 if form.is_submitted() else 200
        try:
            customer_rules.change(db.session(), customer, form.values(), version=form.version.shown, by=actor())
            db.session.commit()
        except (Conflict, StaleDataError):
            return self._conflict(form, customer_id)
        except DomainError as error:
            db.session.rollback()
            form.form_errors.append(gettext(error.message))
            return _form_page(form, customer_or_404(customer_id)), 422
        flash(gettext("The customer information has been changed."), "success")
        return redirect(self._page_of(customer))

    @expose("/<string:customer_id>/delete", methods=["POST"])
    @has_access
    def delete(self, customer_id: str) -> Any:
        """Delete a customer; staff can restore it."""
        customer = customer_or_404(customer_id)
        try:
            customer_rules.delete(db.session(), customer, now=clock.utc_now(), by=actor())
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(gettext(error.message), "danger")
            return redirect(self._page_of(customer_or_404(customer_id)))
        flash(gettext("The customer has been deleted."), "success")
        return redirect(back_to(first_of(url_if("can_list", "Customers", "CustomerView.list"))))

    @expose("/<string:customer_id>/restore", methods=["POST"])
    @has_access
    def restore(self, customer_id: str) -> Any:
        """Bring a deleted customer back."""
        customer = db.session.scalar(select(Customer).where(Customer.id == customer_id))
        if customer is None or customer.deleted_at is None:
            abort(404)
        customer_rules.restore(db.session(), customer, by=actor())
        db.session.commit()
        flash(gettext("The customer has been restored."), "success")
        return redirect(self._page_of(customer))

    @staticmethod
    def _conflict(form: CustomerForm, customer_id: str) -> Any:
        """The form again, with what the other saved beside what was typed; saving once more is then a choice."""
        db.session.rollback()
        customer = customer_or_404(customer_id)
        differences = form.differences(customer)
        form.show(customer)
        return _form_page(form, customer, differences), 409

    @expose("/<string:customer_id>/security")
    @has_access
    def security(self, customer_id: str) -> str:
        """Show a customer's UTMs and security status."""
        customer = customer_or_404(customer_id)
        now = clock.utc_now()
        today = clock.tokyo_day(now)
        first, last = recent_days(today)
        utms = db.session.scalars(
            select(Utm).where(Utm.customer_id == customer.id, Utm.removed_at.is_(None)).order_by(Utm.name, Utm.id)
        ).all()
        counts = alert_search.counts_by_utm(db.session(), customer.id, first=first, last=last)
        may_add = self.appbuilder.sm.has_access("can_add", "Utms")
        refused = may_add and not contract.allows_utm(db.session(), customer.id, today=today)
        return render(
            "utms/security.html",
            customer=customer,
            **customer_urls(customer),
            tabs=_tabs(customer, "security"),
            utms=[_utm_row(utm, counts.get(utm.id, 0), now) for utm in utms],
            add_url=url_for("UtmView.add", customer_id=customer.id) if may_add else None,
            add_refused=gettext(NO_CONTRACT) if refused else None,
            important_count=alert_search.important_count(db.session(), customer.id, first=first, last=last),
            period=(first, last),
            alerts_url=url_if("can_list", "Alerts", "AlertView.list", customer_id=customer.id),
            important_url=url_if("can_important", "Alerts", "AlertView.important", customer_id=customer.id),
            reports=[],
            **_new_token(utms),
        )


def _fill_in_address(form: CustomerForm) -> postcode.Found | None:
    """Fill in the address of the postcode; None with the error on the form when there is none."""
    found = postcode.address_of(form.postcode.data)
    if found is None:
        form.postcode.errors = [gettext("There is no such postcode.")]
    else:
        # Where its places have nothing in common, what was typed is worth more.
        form.prefecture.data = found.prefecture or form.prefecture.data
        form.address.data = found.address or form.address.data
    return found


def _form_page(
    form: CustomerForm,
    customer: Customer | None,
    differences: Sequence[Any] | None = None,
    *,
    filled: postcode.Found | None = None,
) -> str:
    customers_url = url_if("can_list", "Customers", "CustomerView.list")
    customer_url = customer_urls(customer)["customer_url"] if customer else None
    return render(
        "customers/form.html",
        form=form,
        customer=customer,
        differences=differences,
        filled=filled,
        customers_url=customers_url,
        customer_url=customer_url,
        back_url=first_of(customer_url, customers_url),
    )


def _new_token(utms: Sequence[Utm]) -> dict[str, Any]:
    """The token of a UTM registered a moment ago, and which it is."""
    waiting = token_to_show(Utm, (utm.id for utm in utms))
    if waiting is None:
        return {"new_token": None, "new_token_of": None}
    return {
        "new_token": waiting["token"],
        "new_token_of": next(utm.name for utm in utms if utm.id == waiting["key"]),
    }


def _tabs(customer: Customer, current: str) -> list[dict[str, Any]]:
    """The tabs of §7.4 that exist for a customer."""
    tabs = (("show", gettext("Customer information")), ("security", gettext("Security service")))
    return [
        {"label": label, "url": url, "active": name == current}
        for name, label in tabs
        if (url := url_if(f"can_{name}", "Customers", f"CustomerView.{name}", customer_id=customer.id))
    ]


def _customer_row(customer: Customer) -> dict[str, Any]:
    return {
        "id": customer.id,
        "name": customer.name,
        "balance": customer.balance,
        "last_invoiced_on": customer.last_invoiced_on,
        "status": customer.status,
    }


def _contract_row(row: Contract) -> dict[str, Any]:
    to_come = row.start_on > clock.tokyo_day(clock.utc_now())
    return {
        "id": row.id,
        "product": row.product.name,
        "start_on": row.start_on,
        "end_on": row.end_on,
        "status": row.status,
        "note": gettext("(not started)") if row.status == ContractStatus.ACTIVE and to_come else None,
    }


def _utm_row(utm: Utm, alert_count: int, now: Any) -> dict[str, Any]:
    return {
        "utm_id": utm.utm_id,
        "name": utm.name,
        "place": utm.address,
        "state": utm.state(now=now, online_for=current_app.config["UTM_ONLINE_FOR"]),
        "last_seen": clock.screen_time(utm.last_seen_at) or None,
        "mac_entered": bool(utm.mac_address),
        "alert_count": alert_count,
        "url": url_if("can_show", "Utms", "UtmView.show", customer_id=utm.customer_id, utm_key=utm.id),
    }
