"""The catalogue for NEC staff: products (商品) and their rate plans (料金プラン)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from flask import abort, g, url_for
from flask_babel import gettext, lazy_gettext

from models import clock
from models.contracts import catalogue_rules
from models.contracts.catalogue import Charge, Cycle, Product, RatePlan, WholesalePrice
from models.db import db
from models.errors import N_, DomainError
from views.base import actor
from views.data_interface import PortalInterface
from views.screen import formats
from views.screen.actions import action
from views.screen.filters import Choice, NamePart, YesNo
from views.screen.labels import Labels
from views.screen.navigation import Above, Parent
from views.screen.screen import Screen
from views.screen.table import Button, Empty, Table

CYCLES = {
    Cycle.MONTHLY: lazy_gettext("Monthly"),
    Cycle.YEARLY: lazy_gettext("Yearly"),
    Cycle.ONCE: lazy_gettext("Once"),
}
STATES = {"sold": lazy_gettext("On sale"), "retired": lazy_gettext("No longer sold")}
STATE = formats.badge(STATES, {"sold": "green"})


class RetirableScreen(Screen):
    """The base class of the screens of products and rate plans, which can be retired and reactivated."""

    tenantless = True

    def value(self, row: Any, name: str) -> Any:
        """Return the value of a column for a row."""
        if name == "state":
            return "sold" if row.retired_at is None else "retired"
        return super().value(row, name)

    def _retire(self, row: Any) -> None:
        self.rules.retire(db.session(), row, now=clock.utc_now(), by=actor())

    def _reactivate(self, row: Any) -> None:
        self.rules.reactivate(db.session(), row, by=actor())


def retiring(question: str, done: str) -> Any:
    """Return the action that retires a row.

    :param question: the text of the confirmation, marked for translation.
    :param done: the success message, marked for translation.
    """

    def retire(self: Any, row: Any) -> None:
        """Retire a product or rate plan."""
        self._retire(row)

    return action(
        N_("Stop selling"),
        icon="ban",
        accessible_name=N_("Stop selling %(name)s"),
        question=question,
        done=done,
        when=lambda row: row.retired_at is None,
    )(retire)


def reactivating(question: str, done: str) -> Any:
    """Return the action that reactivates a retired row; the parameters are those of ``retiring``."""

    def reactivate(self: Any, row: Any) -> None:
        """Reactivate a product or rate plan."""
        self._reactivate(row)

    return action(
        N_("Sell again"),
        icon="refresh",
        accessible_name=N_("Sell %(name)s again"),
        question=question,
        done=done,
        when=lambda row: row.retired_at is not None,
    )(reactivate)


class ProductView(RetirableScreen):
    """The screens of products (商品)."""

    datamodel = PortalInterface(Product)
    rules = catalogue_rules.products
    labels = Labels(
        lazy_gettext("product"),
        lazy_gettext("Products"),
        "package",
        {"empty_hint": N_("Contracts are made for a product and its rate plans.")},
    )
    route_base = "/staff/products"
    row_rule = "<key:product_key>"
    class_permission_name = "Catalogue"
    unique_errors = catalogue_rules.PRODUCT_ERRORS
    above: ClassVar = [Above(lazy_gettext("NEC Staff"), None, None)]
    list_columns: ClassVar = ["name", "includes_utm", "state"]
    order_columns: ClassVar = ["name", "includes_utm"]
    filters = (
        NamePart("name", most=100, beside=True),
        YesNo("includes_utm"),
        Choice("state", labels=STATES, on=lambda state: _is_retired(Product, state), beside=True),
    )
    edit_columns: ClassVar = ["name", "includes_utm"]
    show_fieldsets: ClassVar = [(None, {"fields": ["name", "includes_utm", "state", "retired_at"]})]
    label_columns: ClassVar = {
        "name": lazy_gettext("Product name"),
        "includes_utm": lazy_gettext("Includes a UTM"),
        "state": lazy_gettext("Sale"),
        "retired_at": lazy_gettext("Retired at"),
    }
    formatters_columns: ClassVar = {"state": STATE}

    def refusal(self, method: str, row: Any) -> DomainError | None:
        """Return why a product cannot be deleted, None if it can."""
        if method != "delete":
            return None
        known: dict[int, DomainError | None] = g.setdefault("product_refusals", {})
        return known[row.id] if row.id in known else self.rules.refusal_to_delete(db.session(), row)

    def prepare_refusals(self, rows: Sequence[Any]) -> None:
        """Read which of the products of a list can be deleted."""
        g.product_refusals = self.rules.refusals_to_delete(db.session(), [row.id for row in rows])

    def related(self, row: Product) -> Sequence[Table]:
        """Return the table of the product's rate plans."""
        plans = RatePlanView.of()
        add = _add_button(plans, gettext("Add rate plan"), product_id=row.id)
        empty = Empty("list", plans.labels.message("empty"), gettext("Contracts require a product."), add)
        rows = db.session.query(RatePlan).filter_by(product_id=row.id).order_by(RatePlan.id).all()
        return [plans.table(rows, title=plans.labels.many, links=add if rows else [], empty=empty)]

    retire = retiring(
        N_("%(name)s will no longer be sold. Existing contracts stay unchanged. Are you sure?"),
        N_("The product is no longer sold."),
    )
    reactivate = reactivating(N_("%(name)s will be sold again. Are you sure?"), N_("The product is sold again."))


class RatePlanView(RetirableScreen):
    """The screens of a product's rate plans (料金プラン)."""

    datamodel = PortalInterface(RatePlan)
    rules = catalogue_rules.rate_plans
    labels = Labels(
        lazy_gettext("rate plan"),
        lazy_gettext("Rate plans"),
        "list",
        {"ask_delete": N_("%(name)s will be deleted with its charges and wholesale prices. Are you sure?")},
    )
    route_base = "/staff/products/<key:product_id>/plans"
    row_rule = "<key:plan_key>"
    class_permission_name = "Catalogue"
    parent = Parent(ProductView, "product_id")
    unique_errors = catalogue_rules.PLAN_ERRORS
    base_order = ("id", "asc")
    list_columns: ClassVar = ["name", "cycle", "price_editable", "counts_utms", "state"]
    order_columns: ClassVar = ["name", "cycle"]
    edit_columns: ClassVar = ["name", "cycle", "price_editable", "counts_utms"]
    show_fieldsets: ClassVar = [(None, {"fields": [*edit_columns, "state", "retired_at"]})]
    label_columns: ClassVar = {
        "name": lazy_gettext("Rate plan name"),
        "cycle": lazy_gettext("Billing cycle"),
        "price_editable": lazy_gettext("Unit price can be edited in contracts"),
        "counts_utms": lazy_gettext("Quantity is a number of UTMs"),
        "state": lazy_gettext("Sale"),
        "retired_at": lazy_gettext("Retired at"),
        # Of the change history and the operation log.
        "product_id": lazy_gettext("Product"),
        "charges": lazy_gettext("Charges"),
    }
    choices_columns: ClassVar = {"cycle": CYCLES}
    formatters_columns: ClassVar = {"state": STATE, "product_id": formats.named(Product), "charges": formats.LINES}

    def create(self, form: Any) -> RatePlan:
        """Add a rate plan to the product."""
        return self.rules.add(db.session(), g.parent_row, form.values(), by=actor())

    def refusal(self, method: str, row: Any) -> str | None:
        """Return why a rate plan cannot be deleted, None if it can."""
        return catalogue_rules.PLAN_KEPT if method == "delete" and plan_in_use(row) else None

    def prepare_refusals(self, rows: Sequence[Any]) -> None:
        """Read which of the rate plans of a list are in use."""
        keys = {row.id for row in rows}
        used = catalogue_rules.plans_in_use(keys)
        g.setdefault("plans_in_use", {}).update({key: key in used for key in keys})

    def crumbs(self, row: Any = None, leaf: Any = None) -> list[tuple[Any, str | None]]:
        """Return the breadcrumbs, with the product above the rate plan, also on the pages of its charges and prices."""
        with below(row.product if row is not None else g.parent_row):
            return super().crumbs(row, leaf)

    def related(self, row: RatePlan) -> Sequence[Table]:
        """Return the tables of the charges and the wholesale prices of a rate plan."""
        from views.contracts.charges import ChargeView, WholesalePriceView

        charges, prices = ChargeView.of(), WholesalePriceView.of()
        refused = plan_in_use(row)
        return [
            self._part(charges, row, Charge.id, gettext("Add charge"), refused=refused),
            self._part(prices, row, WholesalePrice.valid_from.desc(), gettext("Add wholesale price")),
        ]

    def _part(self, screen: Any, row: RatePlan, order: Any, label: str, *, refused: bool = False) -> Table:
        refusal = gettext(catalogue_rules.PLAN_IN_USE) if refused else None
        add = _add_button(screen, label, refusal=refusal, rate_plan_id=row.id)
        query = db.session.query(screen.model).options(*screen.datamodel.options)
        rows = query.filter_by(rate_plan_id=row.id).order_by(order).all()
        with below(row):
            empty = Empty(screen.labels.icon, screen.labels.message("empty"), refusal, [] if refusal else add)
            return screen.table(rows, title=screen.labels.many, links=add if rows else [], empty=empty)

    retire = retiring(
        N_("%(name)s will no longer be sold. Existing contracts stay unchanged. Are you sure?"),
        N_("The rate plan is no longer sold."),
    )
    reactivate = reactivating(N_("%(name)s will be sold again. Are you sure?"), N_("The rate plan is sold again."))


def plan_in_use(plan: RatePlan) -> bool:
    """Return whether contracts use a rate plan, cached for the request. The rules check again while holding their lock."""
    known: dict[int, bool] = g.setdefault("plans_in_use", {})
    if plan.id not in known:
        known[plan.id] = catalogue_rules.plan_in_use(plan.id)
    return known[plan.id]


class PlanParent(Parent):
    """A rate plan as the parent of its charges and prices, whose URLs do not contain the product's key."""

    def row(self, key: Any) -> RatePlan:
        """Return the rate plan that a URL refers to; 404 if there is none."""
        plan = db.session.get(RatePlan, key) if key <= RatePlanView.of().largest_key() else None
        if plan is None:
            abort(404)
        return plan


@contextmanager
def below(parent: Any) -> Iterator[None]:
    """Set the parent row of the request within a ``with`` block."""
    present = g.get("parent_row")
    g.parent_row = parent
    try:
        yield
    finally:
        g.parent_row = present


def _add_button(screen: Any, label: str, *, refusal: str | None = None, **arguments: Any) -> list[Button]:
    if not screen.may("add"):
        return []
    return [Button(label, url_for(f"{screen.endpoint}.add", **arguments), "plus", refusal=refusal)]


def _is_retired(model: Any, state: str) -> Any:
    return model.retired_at.is_(None) if state == "sold" else model.retired_at.is_not(None)
