"""Rows for tests, written for real. Ask for the fixture ``make`` and call ``make.customer(tenant=...)``."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

import factory
from factory.alchemy import SQLAlchemyModelFactory
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import clock
from models.accounts import role, user_session
from models.accounts.membership import Membership
from models.accounts.user import Role, User
from models.applications.extra_question import ApplicationField
from models.contracts.contract import Contract, Product
from models.customers.customer import Customer
from models.mail.outbox import MailMessage
from models.notifications.address import NotificationAddress
from models.tenants.access_origin import AccessOrigin
from models.tenants.api_token import PortalToken
from models.tenants.link import PortalLink
from models.tenants.tenant import Tenant
from models.utms.utm import Utm

PASSWORD = "Mimamori-2026!"


class _Factory(SQLAlchemyModelFactory):
    class Meta:
        abstract = True
        sqlalchemy_session_persistence = "commit"


class TenantFactory(_Factory):
    class Meta:
        model = Tenant

    name = factory.Sequence(lambda n: f"テナント{n}")


class ProductFactory(_Factory):
    class Meta:
        model = Product

    name = factory.Sequence(lambda n: f"見守りUTM {n}型")
    includes_utm = True


class CustomerFactory(_Factory):
    class Meta:
        model = Customer
        exclude = ("tenant",)

    tenant: Any = factory.SubFactory(TenantFactory)
    tenant_id = factory.LazyAttribute(lambda made: made.tenant.id)
    name = factory.Sequence(lambda n: f"株式会社あおぞら製作所{n}")
    contact_last_name = "青空"
    contact_first_name = "花子"
    contact_email = "hanako@example.com"
    contact_phone = "0312345678"
    postcode = "100-0001"
    prefecture = "東京都"
    address = "千代田区一丁目1番1号"


class ContractFactory(_Factory):
    class Meta:
        model = Contract
        exclude = ("customer_row",)

    customer_row: Any = factory.SubFactory(CustomerFactory)
    tenant_id = factory.LazyAttribute(lambda made: made.customer_row.tenant_id)
    customer_id = factory.LazyAttribute(lambda made: made.customer_row.id)
    product = factory.SubFactory(ProductFactory)
    start_on = factory.LazyFunction(lambda: _today() - timedelta(days=30))
    end_on = factory.LazyFunction(lambda: _today() + timedelta(days=335))


class UtmFactory(_Factory):
    class Meta:
        model = Utm
        exclude = ("customer_row",)

    customer_row: Any = factory.SubFactory(CustomerFactory)
    tenant_id = factory.LazyAttribute(lambda made: made.customer_row.tenant_id)
    customer_id = factory.LazyAttribute(lambda made: made.customer_row.id)
    utm_id = factory.Sequence(lambda n: f"a0b1c2{n:06x}")
    name = factory.Sequence(lambda n: f"本社ゲートウェイ{n}")
    serial = factory.Sequence(lambda n: f"SERIAL-{n:010d}")
    postcode = "100-0001"
    address = "東京都千代田区一丁目1番1号"
    delivery_status = "受領済"


class _OfTenant(_Factory):
    class Meta:
        abstract = True
        exclude = ("tenant",)

    tenant: Any = factory.SubFactory(TenantFactory)
    tenant_id = factory.LazyAttribute(lambda made: made.tenant.id)


class PortalLinkFactory(_OfTenant):
    class Meta:
        model = PortalLink

    name = "ご利用ガイド"
    url = "https://www.example.jp/guide"
    description = "使い方の説明です。"
    posted_on = date(2026, 11, 1)


class AccessOriginFactory(_OfTenant):
    class Meta:
        model = AccessOrigin

    origin = factory.Sequence(lambda n: f"https://www{n}.example.jp")


class ApplicationFieldFactory(_OfTenant):
    class Meta:
        model = ApplicationField

    title = factory.Sequence(lambda n: f"追加の質問{n}")
    required = False
    kind = "text"
    position = factory.Sequence(lambda n: n + 1)


class PortalTokenFactory(_OfTenant):
    class Meta:
        model = PortalToken

    name = factory.Sequence(lambda n: f"顧客ポータル{n}")
    token_hash = factory.Sequence(lambda n: f"{n:064x}")
    issued_at = factory.LazyFunction(clock.utc_now)


class MailFactory(_Factory):
    class Meta:
        model = MailMessage

    tenant_id: Any = None
    kind = "account_locked"
    recipient = factory.Sequence(lambda n: f"reader{n}@example.com")
    subject = factory.Sequence(lambda n: f"お知らせ{n}")
    body = "本文です。\n"
    message_id = factory.LazyFunction(uuid.uuid4)
    created_at = factory.LazyFunction(clock.utc_now)
    next_attempt_at = factory.SelfAttribute("created_at")


class UserFactory(_Factory):
    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"user{n}@example.jp")
    username = factory.SelfAttribute("email")
    last_name = "見守"
    first_name = "花子"
    active = True


class Make:
    """The factories on one session that crosses tenants."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def __getattr__(self, name: str) -> Any:
        factories = {
            "tenant": TenantFactory,
            "product": ProductFactory,
            "customer": CustomerFactory,
            "contract": ContractFactory,
            "utm": UtmFactory,
            "user": UserFactory,
            "portal_link": PortalLinkFactory,
            "access_origin": AccessOriginFactory,
            "application_field": ApplicationFieldFactory,
            "portal_token": PortalTokenFactory,
            "mail": MailFactory,
        }
        made = factories[name]
        made._meta.sqlalchemy_session = self.session
        for other in factories.values():
            other._meta.sqlalchemy_session = self.session
        return made

    def member(self, tenant: Tenant, role: str, **values: Any) -> User:
        """A user with a role in a tenant."""
        user = self.user(**values)
        role_id = self.session.scalars(select(Role.id).where(Role.name == role)).one()
        self.session.add(Membership(user_id=user.id, tenant_id=tenant.id, role_id=role_id))
        self.session.commit()
        return user

    def join(self, user: User, tenant: Tenant, role: str) -> None:
        """Put a user into one more tenant."""
        role_id = self.session.scalars(select(Role.id).where(Role.name == role)).one()
        self.session.add(Membership(user_id=user.id, tenant_id=tenant.id, role_id=role_id))
        self.session.commit()

    def elevated(self, role: str, **values: Any) -> User:
        """A user with a role in every tenant."""
        user = self.user(**values)
        user.roles.append(self.session.scalars(select(Role).where(Role.name == role)).one())
        self.session.commit()
        return user

    def session_token(self, user: User) -> str:
        """The token of a new session of a user."""
        token = user_session.start(self.session, user.id, now=clock.utc_now())
        self.session.commit()
        return token

    def confirmed_address(self, tenant: Tenant, address: str = "tsuchi@example.jp", slot: int = 1) -> str:
        """A notification address of a tenant, in force."""
        self.session.add(
            NotificationAddress(tenant_id=tenant.id, slot=slot, address=address, confirmed_at=clock.utc_now())
        )
        self.session.commit()
        return address

    def role(self, name: str, *rights: str) -> Role:
        """An own role with rights given as ``"Customers can_list"``."""
        rights_of = {role.right_name(each): each for each in role.grantable(self.session)}
        made = Role(name=name, permissions=[rights_of[each] for each in rights])
        self.session.add(made)
        self.session.commit()
        return made

    def customer_with_utm(self, tenant: Tenant, **values: Any) -> tuple[Customer, Utm]:
        """A customer with a contract in force and a UTM."""
        customer = self.customer(tenant=tenant)
        self.contract(customer_row=customer)
        return customer, self.utm(customer_row=customer, **values)


def _today() -> date:
    return clock.tokyo_day(clock.utc_now())
