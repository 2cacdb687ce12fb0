"""One declared screen with a tenant, its people and rows: what the tests of all screens start from.

Everything is read from the screen's declaration and its own pages. A screen adds a factory named like its table
(tests/factories), and a line in the tables of this module where its rules are not the usual ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, g, url_for
from flask.testing import FlaskClient
from sqlalchemy import String, func, select, text
from werkzeug.datastructures import MultiDict
from wtforms import StringField

from app.web.registers import register
from models.accounts import role, user_rules
from models.contracts import catalogue_rules
from models.customers import rules as customer_rules
from models.scope import TenantScoped
from tests.support import cleaning
from tests.support.pages import Form, Page, answered
from views.screen.screen import Screen

READY: dict[str, Callable[[Any, Any], Any]] = {
    "UtmView": lambda make, customer: make.contract(customer_row=customer),
}
"""What must be there before a row can be created: called with ``make`` and the parent of the rows."""

NOT_DELETABLE: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "ChargeView": (
        lambda case, row: case.make.contract_line(rate_plan=row.rate_plan),
        catalogue_rules.PLAN_IN_USE,
    ),
    "CustomerView": (lambda case, row: case.make.utm(customer_row=row), customer_rules.HAS_UTM),
    "ProductView": (lambda case, row: case.make.contract(product=row), catalogue_rules.PRODUCT_IN_USE),
    "RatePlanView": (lambda case, row: case.make.contract_line(rate_plan=row), catalogue_rules.PLAN_KEPT),
    "RoleView": (lambda case, row: case.make.member(case.tenant, row.name), role.IN_USE),
    "UserView": (lambda case, row: case.become(row), user_rules.OWN_ACCOUNT),
    "WholesalePriceView": (
        lambda case, row: setattr(row, "valid_from", date(2026, 1, 1)) or case.make.save(row),
        catalogue_rules.PRICE_IN_FORCE,
    ),
}
"""What makes a rule refuse to delete a row, and the reason it gives: for every screen that deletes."""

ALWAYS_DELETABLE = {"PortalUserView", "StaffAnnouncementView", "UtmView"}
"""The screens whose rows no rule keeps."""

LISTED_ON = {"UtmView": "SecurityView.security"}
"""The endpoints of the pages that list the rows of a screen without a list of its own."""

OTHER_ROWS: dict[str, dict[str, Any]] = {
    "ApplicationFieldView": {"retired_at": "2026-11-01T00:00:00Z"},
    "ProductView": {"retired_at": "2026-11-01T00:00:00Z"},
    "RatePlanView": {"retired_at": "2026-11-01T00:00:00Z"},
    "StaffAnnouncementView": {"published_at": None},
    "ContractView": {"status": "cancelled"},
    "PortalUserView": {"signed_up_at": "2026-11-01T00:00:00Z"},
    "UserView": {"locked_until": "2100-01-01T00:00:00Z"},
}
"""Values of rows that something else can be done with than with those of the factory."""


SCREENS: dict[str, type[Screen]] = {cls.__name__: cls for cls in register().screens if issubclass(cls, Screen)}
"""Every declared screen by its name."""


def screens(*methods: str, unless: Callable[[type[Screen]], bool] = lambda _screen: False) -> Any:
    """Run a test once with each screen that has some methods, as ``case``.

    :param unless: for which of them there is nothing to test.
    """
    names = [name for name, cls in SCREENS.items() if {*methods} <= cls.include_route_methods and not unless(cls)]
    return pytest.mark.parametrize("case", names, indirect=True)


def is_of_no_tenant(screen: type[Screen]) -> bool:
    """Whether its rows belong to no tenant or are those of all, so that nobody's are another tenant's."""
    return screen.tenantless or "tenant_id" not in screen.datamodel.obj.__mapper__.columns


def has_only_a_list(screen: type[Screen]) -> bool:
    """Whether nothing can be looked at or done but the list."""
    return screen.include_route_methods == {"list"} and not screen.actions_of_rows


def is_of_the_code(screen: type[Screen]) -> bool:
    """Whether its rows are what the code defines, and nobody makes."""
    return screen.datamodel.obj.__tablename__ in cleaning.KEPT - {"ab_role"}


def has_no_text(screen: type[Screen]) -> bool:
    """Whether nothing but numbers and days is typed into the form of a screen, so that a test cannot type a text."""
    fields = [getattr(screen.form, name) for name in dir(screen.form)] if screen.form else []
    kinds = [each.field_class for each in fields if hasattr(each, "field_class")]
    return bool(kinds) and not any(issubclass(kind, StringField) for kind in kinds)


def is_named_by_text(screen: type[Screen]) -> bool:
    """Whether people type what tells a row from the others."""
    column = screen.datamodel.obj.__mapper__.columns.get(screen.named_by)
    return column is not None and isinstance(column.type, String)


class Case:
    """One screen.

    :ivar client: of somebody who may do everything with it, in ``tenant``.
    :ivar parent: the row that the screen's rows are below, None where there is none.
    :ivar typed: the texts in the rows that were made, whatever has become of these.
    """

    def __init__(
        self, flask: Flask, make: Any, signed_in: Callable[..., FlaskClient], name: str, *, tenant: Any = None
    ) -> None:
        self.app = flask
        self.make = make
        self.signed_in = signed_in
        self.name = name
        self.screen: Any = flask.extensions["screens"][name]
        self.model = self.screen.model
        self.tenant = tenant or make.tenant()
        self.user = make.elevated("NEC Admin")
        self.client = signed_in(self.user, self.tenant)
        self.parent = self.parent_in(self.tenant)
        self.typed: set[str] = set()
        if name in READY:
            READY[name](make, self.parent)

    def become(self, user: Any) -> None:
        """Let the client be another administrator's."""
        self.make.session.execute(
            text("INSERT INTO ab_user_role (user_id, role_id) SELECT :user, id FROM ab_role WHERE name = 'NEC Admin'"),
            {"user": user.id},
        )
        self.make.session.commit()
        self.client = self.signed_in(user, self.tenant)

    def clients(self, count: int) -> list[FlaskClient]:
        """Several sessions of the same person."""
        return [self.signed_in(self.user, self.tenant) for _ in range(count)]

    # Rows

    def parent_in(self, tenant: Any) -> Any:
        """A row of the screen above, in a tenant."""
        if self.screen.parent is None:
            return None
        return self._factory(self.screen.parent.screen.datamodel.obj)(tenant=tenant)

    def row(self, *, parent: Any = None, **values: Any) -> Any:
        """A row of the screen in the tenant, or one of those that the code defines."""
        if is_of_the_code(type(self.screen)):
            return self.make.session.scalars(select(self.model).order_by(self.model.id)).first()
        if self.parent is not None:
            values[f"{self.screen.parent.screen.datamodel.obj.__tablename__}_row"] = parent or self.parent
        elif issubclass(self.model, TenantScoped) or not is_of_no_tenant(type(self.screen)):
            values.setdefault("tenant", self.tenant)
        row = self._factory(self.model)(**values)
        # A list shows names of other rows too, such as a contract's customer.
        above = [getattr(row, each.key) for each in row.__mapper__.relationships if not each.uselist]
        texts = [text for each in (row, *above) if each is not None for text in vars(each).values()]
        self.typed |= {text for text in texts if isinstance(text, str)}
        return row

    def theirs(self) -> Any:
        """A row of another tenant."""
        tenant = self.make.tenant()
        return self.row(parent=self.parent_in(tenant)) if self.parent is not None else self.row(tenant=tenant)

    def _factory(self, model: Any) -> Callable[..., Any]:
        name = model.__tablename__.removeprefix("ab_")
        factory = getattr(self.make, name, None)
        assert factory is not None, f"Give tests/factories a function {name!r} that makes a {model.__name__}."
        return factory

    def count(self) -> int:
        """How many rows there are in the screen's table."""
        self.make.session.rollback()
        return self.make.session.scalar(select(func.count()).select_from(self.model))

    def audited(self) -> int:
        """How many changes were noted; each rule notes what it did."""
        self.make.session.rollback()
        return self.make.session.scalar(text("SELECT count(*) FROM audit_entry"))

    def stored(self, row: Any) -> dict[str, Any]:
        """What the fields of the screen's form hold for a row."""
        self.make.session.expire_all()
        with self.request():
            return self.screen.form().stored(row)

    def newest(self) -> Any:
        """The row that was made last."""
        self.make.session.expire_all()
        (key,) = self.model.__mapper__.primary_key
        # Some keys are random.
        order = self.model.created_at if isinstance(key.type, String) and hasattr(self.model, "created_at") else key
        return self.make.session.scalars(select(self.model).order_by(order.desc()).limit(1)).one()

    # Pages

    @property
    def root(self) -> str:
        """What the URLs of the screen begin with."""
        root = self.screen.route_base
        if self.parent is not None:
            root = re.sub(rf"<[^>]*\b{self.screen.parent.argument}>", str(self.parent.id), root)
        return root

    @contextmanager
    def request(self) -> Iterator[None]:
        """A request to nowhere in particular, for what needs one."""
        with self.app.test_request_context():
            g.parent_row = self.parent
            yield

    def url(self, method: str, row: Any = None, **arguments: Any) -> str:
        """The URL of a page of the screen."""
        with self.request():
            return self.screen.url(method, row, **arguments)

    def url_of_list(self) -> str:
        """The URL of the page that lists the rows."""
        if self.name not in LISTED_ON:
            return self.url("list")
        with self.request():
            return url_for(LISTED_ON[self.name], **{self.screen.parent.argument: self.parent.id})

    def url_of_keys(self, method: str, parent: Any, row: Any) -> str:
        """The URL of a row below a parent that need not be its own."""
        with self.request():
            keys = {self.screen.parent.argument: parent.id, self.screen.row_argument: row.id}
            return url_for(f"{self.screen.endpoint}.{method}", **keys)

    def page(self, method: str, row: Any = None, *, client: FlaskClient | None = None, **arguments: Any) -> Page:
        """A page of the screen."""
        url = self.url(method, row, **arguments)
        answer = (client or self.client).get(url)
        assert answer.status_code == 200, f"{url} answers {answer.status_code}"
        return Page(answer.text)

    def add_page(self, *, client: FlaskClient | None = None) -> Page:
        """The page with the form that creates a row."""
        return self.page("list" if self.screen.add_on_list else "add", client=client)

    def form(self, row: Any = None) -> Form:
        """The form that changes a row, or creates one."""
        return (self.page("edit", row) if row is not None else self.add_page()).main_form

    def new_values(self) -> dict[str, Any]:
        """What is typed for a row that no other is like, field by field."""
        row = self.row()
        values = {name: _typed(value) for name, value in self.stored(row).items()}
        self.make.session.delete(row)
        self.make.session.commit()
        return values

    def post(self, method: str, data: Any, row: Any = None, *, client: FlaskClient | None = None) -> Any:
        """Send a form to a page of the screen."""
        return (client or self.client).post(self.url(method, row), data=data)

    def answered(self, form: Form, values: dict[str, Any] | None = None) -> MultiDict[str, str]:
        """What a form sends with some values once its question was answered with OK."""
        return answered(form.sent(values or {}))

    def fields(self) -> dict[str, Any]:
        """The fields of the form that creates a row, or of the one that changes it."""
        with self.request():
            form = self.screen.new_form()
            return {field.name: field for field in form.visible_fields()}

    def display_value(self, key: str, name: str = "") -> str:
        """What the screen says in Japanese."""
        with self.request():
            return self.screen.labels.message(key, name)

    @property
    def form_method(self) -> str:
        """The method of the form that most can be typed into."""
        return "add" if "add" in self.screen.include_route_methods else "edit"

    def routes(self, *, of_a_row: bool | None = None) -> list[SimpleNamespace]:
        """The endpoint methods of the screen with the HTTP methods of each."""
        found = []
        for rule in self.app.url_map.iter_rules():
            endpoint, _, name = rule.endpoint.partition(".")
            has_row = self.screen.row_argument in rule.arguments
            if endpoint == self.screen.endpoint and of_a_row in {None, has_row}:
                found += [
                    SimpleNamespace(name=name, verb=verb, has_row=has_row, rule=rule.rule)
                    for verb in sorted(rule.methods & {"GET", "POST"})
                ]
        return found


def _typed(value: Any) -> Any:
    """A stored value as a form sends it."""
    if value is None or value is False:
        return None
    if value is True:
        return "y"
    if isinstance(value, list | tuple):
        return [str(each) for each in value]
    return value.isoformat() if isinstance(value, date) else str(value)
