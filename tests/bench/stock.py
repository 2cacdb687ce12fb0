"""What is compared with: unmodified Flask-AppBuilder, on the portal's tables.

Its own security manager, templates and menu; a user with one role kept in the database; ten menu items. Its list shows
the columns that the portal's list shows; its search is unmodified and offers every column. Its security tables are in a
schema of their own, and it connects as the owner of the tables, to which row-level security does not apply.
"""

from __future__ import annotations

import os
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import Flask
from flask_appbuilder import AppBuilder, Model, ModelView
from flask_appbuilder.models.sqla.filters import FilterEqual, FilterGreater
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.utils.legacy import get_sqla_class
from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Integer,
    Numeric,
    String,
    TypeDecorator,
    cast,
    create_engine,
    text,
)
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column, relationship

SCHEMA = "stock"
USER, PASSWORD = "stock", "stock"
MENU_ITEMS = 10
_ROLE = "Operator"
_CUSTOMER_RIGHTS = ("list", "show", "edit", "delete")

_TEXTS = """
sender_level src_mac dst_mac xff iif proto l7_proto virus vid file severity subject mail_date msg sid url cid gid app aid
bid ctype cname atype
"""

db = get_sqla_class()(model_class=Model)


class Address(TypeDecorator):
    """An address as Flask-AppBuilder can search for it: it knows no INET."""

    impl = String
    cache_ok = True

    def bind_expression(self, bindvalue: Any) -> Any:
        return cast(bindvalue, INET)


class Tenant(Model):
    __tablename__ = "tenant"
    __table_args__ = {"schema": "public"}

    id: Mapped[str] = mapped_column(String(8), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))


class Utm(Model):
    __tablename__ = "utm"
    __table_args__ = {"schema": "public"}

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(9))
    name: Mapped[str] = mapped_column(String(50))

    def __repr__(self) -> str:
        return self.name


class Alert(Model):
    """Every column of the table but the two no stock view can search: INET is mapped as text, JSONB left out."""

    __tablename__ = "alert"
    __table_args__ = {"schema": "public"}

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(8))
    customer_id: Mapped[str] = mapped_column(String(9))
    utm_id: Mapped[int] = mapped_column(ForeignKey(Utm.id))
    alert_id: Mapped[str] = mapped_column(String(64))
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    function: Mapped[str] = mapped_column(String(16))
    action: Mapped[str] = mapped_column(String(32))
    level: Mapped[str] = mapped_column(String(8))
    src_ip: Mapped[str | None] = mapped_column(Address)
    src_port: Mapped[int | None] = mapped_column(Integer)
    dst_ip: Mapped[str | None] = mapped_column(Address)
    dst_port: Mapped[int | None] = mapped_column(Integer)
    utm: Mapped[Utm] = relationship(Utm)


for _name in _TEXTS.split():
    setattr(Alert, _name, mapped_column(String))


class Customer(Model):
    __tablename__ = "customer"
    __table_args__ = {"schema": "public"}

    id: Mapped[str] = mapped_column(String(9), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(String(40))
    balance: Mapped[Decimal] = mapped_column(Numeric(12, 0))
    last_invoiced_on: Mapped[date | None]
    status: Mapped[str] = mapped_column(String(16))


class AlertModelView(ModelView):
    """The portal's columns, order and page; the rest as Flask-AppBuilder has it, which is to search by every column."""

    datamodel = SQLAInterface(Alert)
    base_permissions = ["can_list"]
    list_columns = ["alert_id", "occurred_at", "utm.name", "function", "action", "level"]
    order_columns = list_columns
    base_order = ("occurred_at", "desc")
    page_size = 50


class CustomerModelView(ModelView):
    """The portal's columns, order and page, and its buttons in each row."""

    datamodel = SQLAInterface(Customer)
    base_permissions = [f"can_{name}" for name in _CUSTOMER_RIGHTS]
    list_columns = ["id", "name", "balance", "last_invoiced_on", "status"]
    base_order = ("id", "desc")
    page_size = 25


class TenantModelView(ModelView):
    datamodel = SQLAInterface(Tenant)
    base_permissions = ["can_list"]
    search_columns = ["id", "name"]
    list_columns = ["id", "name"]


def create_app() -> Flask:
    """Stock Flask-AppBuilder; what to show is in the environment.

    STOCK_CUSTOMER is whose alerts it lists, STOCK_START the time from which on, BENCH_TENANT whose customers it lists.
    """
    engine = create_engine(os.environ["DATABASE_OWNER_URL"])
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    engine.dispose()
    app = Flask("stock")
    app.config.update(
        SQLALCHEMY_DATABASE_URI=os.environ["DATABASE_OWNER_URL"],
        SQLALCHEMY_ENGINE_OPTIONS={"connect_args": {"options": f"-c search_path={SCHEMA},public"}},
        SECRET_KEY="as good as any",
        AUTH_TYPE=1,
        AUTH_RATE_LIMITED=False,
        FAB_ADD_OPENAPI_VIEWS=False,
    )
    AlertModelView.base_filters = [
        ["customer_id", FilterEqual, os.environ["STOCK_CUSTOMER"]],
        ["occurred_at", FilterGreater, os.environ["STOCK_START"]],
    ]
    CustomerModelView.base_filters = [["tenant_id", FilterEqual, os.environ["BENCH_TENANT"]]]
    # Not every UTM there is, as it would come: a partner's has a few hundred.
    AlertModelView.search_form_query_rel_fields = {"utm": [["customer_id", FilterEqual, os.environ["STOCK_CUSTOMER"]]]}
    db.init_app(app)
    with app.app_context():
        builder = AppBuilder(app, db.session)
        builder.add_view(AlertModelView, "Alerts", category="Portal")
        builder.add_view(TenantModelView, "Tenants", category="Portal")
        builder.add_view(CustomerModelView, "Customers", category="Portal")
        for number in range(4, MENU_ITEMS + 1):
            view = type(f"Tenant{number}ModelView", (TenantModelView,), {"datamodel": SQLAInterface(Tenant)})
            builder.add_view(view, f"Tenants {number}", category="Portal")
        _make_user(builder)
    return app


def _make_user(builder: AppBuilder) -> None:
    manager = builder.sm
    role = manager.add_role(_ROLE)
    for view in ("AlertModelView", "TenantModelView", *(f"Tenant{n}ModelView" for n in range(4, MENU_ITEMS + 1))):
        manager.add_permission_role(role, manager.add_permission_view_menu("can_list", view))
    for name in _CUSTOMER_RIGHTS:
        manager.add_permission_role(role, manager.add_permission_view_menu(f"can_{name}", "CustomerModelView"))
    manager.add_permission_role(role, manager.add_permission_view_menu("can_this_form_get", "ResetMyPasswordView"))
    others = [f"Tenants {number}" for number in range(4, MENU_ITEMS + 1)]
    items: list[Any] = ["Portal", "Alerts", "Tenants", "Customers", *others]
    for item in items:
        manager.add_permission_role(role, manager.add_permission_view_menu("menu_access", item))
    if manager.find_user(username=USER) is None:
        manager.add_user(USER, "Stock", "User", "stock@example.jp", role, password=PASSWORD)
