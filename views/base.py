"""What every screen stands on: rendering, the acting person, clean arguments, the base views."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from flask import abort, current_app, flash, g, redirect, render_template, request, url_for
from flask_appbuilder import BaseView, ModelView, expose
from flask_appbuilder.exceptions import DatabaseException
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select

from models.actor import Actor
from models.customers.customer import Customer
from models.db import db
from models.values.visible_text import visible
from views.data_interface import COUNT_CAP, RequestFilters

PAGE_SIZE = 25
_LAST_PAGE = 100_000


def render(template: str, **context: Any) -> str:
    """A page in the portal's layout."""
    return render_template(template, **context)


def actor(user: Any = None) -> Actor:
    """The person behind this request, for rules and the audit log.

    :param user: given where nobody is signed in yet.
    """
    who = user if user is not None else current_user if current_user.is_authenticated else None
    return Actor(
        name=who.email if who is not None else "anonymous",
        user_id=who.id if who is not None else None,
        address=request.remote_addr,
        request_id=g.get("request_id"),
    )


def customer_or_404(customer_id: str) -> Customer:
    """The customer of a URL, seen from the tenant of the request; 404 for anybody else's."""
    customer = db.session.scalar(select(Customer).where(Customer.id == customer_id, Customer.deleted_at.is_(None)))
    if customer is None:
        abort(404)
    return customer


def address_of(endpoint: str, **values: str | int) -> str:
    """Where a screen is, looked up once: every page leads to a dozen of them.

    :param values: what the address names, and no arguments.
    """
    return _address(endpoint, request.script_root, **values)


@lru_cache(4096)
def _address(endpoint: str, _script_root: str, **values: str | int) -> str:
    return url_for(endpoint, **values)


def url_if(permission: str, view: str, endpoint: str, **values: str | int) -> str | None:
    """Where a screen is, None for people whose role has not got its permission.

    :param view: what the permission is of.
    :param values: what the address names.
    """
    may = current_app.extensions["appbuilder"].sm.has_access(permission, view)
    return address_of(endpoint, **values) if may else None


def customer_urls(customer: Any) -> dict[str, str | None]:
    """Where the breadcrumbs of a customer's screens lead.

    :param customer: with the ``id`` of ``models.customers.customer.Customer``.
    """
    return {
        "customers_url": url_if("can_list", "Customers", "CustomerView.list"),
        "customer_url": url_if("can_show", "Customers", "CustomerView.show", customer_id=customer.id),
        "security_url": url_if("can_security", "Customers", "CustomerView.security", customer_id=customer.id),
    }


def first_of(*urls: str | None) -> str:
    """The first address that the person may open, the dashboard's when they may open none of them."""
    return next((url for url in urls if url is not None), address_of("HomeView.index"))


def page_number(name: str = "page") -> int:
    """The page asked for, the first one when the argument is nonsense."""
    text = request.args.get(name, "1")
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        return 1
    return min(max(int(text), 1), _LAST_PAGE)


def choice(name: str, allowed: Any, default: str) -> str:
    """An argument that must be one of a few words, the default when it is none of them."""
    value = request.args.get(name, default)
    return value if value in allowed else default


def search_text(name: str) -> str:
    """A search text as people see it, without surrounding blanks."""
    return visible(request.args.get(name, "")).strip()


def iso_day(name: str) -> date | None:
    """A day given as ``YYYY-MM-DD``, None when the argument is none."""
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list with page numbers.

    :param count: how many rows there are, counted to one past the cap or past this page.
    """

    rows: list[Any]
    count: int
    page: int
    page_size: int
    sort: str
    direction: str

    @property
    def pages(self) -> int:
        """How many pages the counted rows make, one at least."""
        return max(1, -(-self.count // self.page_size))

    @property
    def more(self) -> bool:
        """Whether there may be more pages than these."""
        return self.count > max(COUNT_CAP, self.page * self.page_size)


class PortalView(BaseView):
    """A screen that is not a table of rows."""


class PortalModelView(ModelView):
    """A screen that lists, shows, adds, edits or deletes rows.

    Every column list is explicit: FAB's defaults load whole related tables. Routes are opt-in by
    ``include_route_methods``, and a bad page or sort argument is the first page in the default order.
    """

    _filters = RequestFilters()
    page_size = PAGE_SIZE
    include_route_methods: set[str] = {"list", "show"}
    database_error_message = "The data could not be saved."

    def list_page(self, base_filters: Any = None) -> ListPage:
        """The page of rows that the request's arguments ask for, filters included.

        :param base_filters: what every row must be, instead of the view's own ``base_filters``.
        """
        default, default_direction = self.base_order
        sort = choice("sort", self.order_columns, default)
        direction = choice("direction", ("asc", "desc"), default_direction if sort == default else "asc")
        page = page_number()
        filters = self._filters.get_joined_filters(base_filters or self._base_filters)
        count, rows = self.datamodel.query(filters, sort, direction, page=page - 1, page_size=self.page_size)
        if not rows and page > 1:
            page = max(1, -(-count // self.page_size))
            count, rows = self.datamodel.query(filters, sort, direction, page=page - 1, page_size=self.page_size)
        return ListPage(rows, count, page, self.page_size, sort, direction)

    @expose("/action/<string:name>/<pk>", methods=["POST"])
    @has_access
    def action(self, name: str, pk: str) -> Any:
        """Run an action on one row of this view, found through the view's own filters."""
        action = self.actions.get(name)
        item = self.datamodel.get(pk, self._base_filters) if action else None
        if item is None:
            abort(404)
        self._check_action(name)
        return action.func(item)

    @expose("/action_post", methods=["POST"])
    @has_access
    def action_post(self) -> Any:
        """Run an action on the chosen rows; all of them must be this view's."""
        name = request.form.get("action", "")
        action = self.actions.get(name)
        keys = request.form.getlist("rowid")
        items = [self.datamodel.get(key, self._base_filters) for key in keys] if action else []
        if not items or None in items:
            abort(404)
        self._check_action(name)
        return action.func(items)

    def _check_action(self, name: str) -> None:
        if not self.appbuilder.sm.has_access(name, self.class_permission_name):
            abort(403)

    def flash_refusal(self, error: DatabaseException) -> Any:
        """Tell the person what the database refused, and show the screen again."""
        flash(str(error) or gettext("The data could not be saved."), "danger")
        return redirect(request.url)
