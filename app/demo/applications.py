"""Create the demo's extra questions, applications in every state, and users of the customers' portal."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from app.demo import words
from app.demo.context import DemoContext
from models import audit
from models.actor import COMMAND_LINE
from models.applications.application import (
    ApplicationAnswer,
    ApplicationState,
    ApplicationUser,
    CustomerAnswer,
    ServiceApplication,
    ServiceDelivery,
)
from models.applications.extra_question import ApplicationField, FieldKind
from models.applications.utm_application import UtmApplication, UtmApplicationState, UtmDelivery
from models.customers.customer import Customer
from models.portal_users.portal_user import SIGN_UP_LIFETIME, PortalUser
from models.random_id import random_code, random_user_id
from models.scope import TenantScoped
from models.tenants.tenant import Tenant
from models.tokens import hash_token, new_token

_QUESTIONS = (
    ("お客様の業種を選択してください。", True, ("製造業", "建設業", "小売業", "サービス業", "その他")),
    ("お客様の従業員数を選択してください。", False, ("1〜10名", "11〜50名", "51〜100名", "101名以上")),
    ("ご紹介者がいれば、お名前をご記入ください。", False, ()),
)
# The state and the age in hours of each application that has no customer.
_OPEN = (
    (ApplicationState.PENDING, 2),
    (ApplicationState.PENDING, 26),
    (ApplicationState.PENDING, 75),
    (ApplicationState.HELD, 120),
    (ApplicationState.DENIED, 400),
)
_APPROVED = 6
"""The number of customers that came by an application."""

_SEED = 20_261_129


def make_applications(context: DemoContext, tenant: Tenant, customers: Sequence[Customer]) -> None:
    """Create the questions, applications and portal users of a tenant.

    :param customers: the tenant's customers; the first ones get approved applications and portal users.
    """
    # Its own random numbers, so that the rest of the demo does not depend on this step.
    context = replace(context, pick=random.Random(_SEED))  # nosec B311  # noqa: S311  (demo data, nothing secret)
    questions = [_question(context, tenant, position, *question) for position, question in enumerate(_QUESTIONS, 1)]
    for customer in customers[:_APPROVED]:
        _approved(context, customer, questions)
        _portal_users(context, customer)
    names = words.company_names(context.pick, len(_OPEN))
    for number, ((state, hours), name) in enumerate(zip(_OPEN, names, strict=True), 1):
        applicant = _applicant(context, name, f"a{number}.example.jp")
        _application(context, tenant, applicant, questions, state=state, hours=hours)
    _utm_application(context, customers[0], UtmApplicationState.APPROVED, hours=900)
    _utm_application(context, customers[1], UtmApplicationState.PENDING, hours=20)


def _question(  # noqa: PLR0913, PLR0917  (each is a column of the row)
    context: DemoContext,
    tenant: Tenant,
    position: int,
    title: str,
    required: bool,  # noqa: FBT001
    choices: tuple[str, ...],
) -> ApplicationField:
    field = ApplicationField(
        tenant_id=tenant.id,
        title=title,
        required=required,
        kind=(FieldKind.CHOICE if choices else FieldKind.TEXT).value,
        choices=list(choices),
        position=position,
    )
    _add(context, field, "application_field.added")
    return field


def _applicant(context: DemoContext, name: str, domain: str) -> dict[str, Any]:
    person, place = words.contact(context.pick, domain), words.place(context.pick)
    return {
        "company": name,
        "phone": place.pop("contact_phone"),
        **{column.removeprefix("contact_"): value for column, value in person.items()},
        **place,
    }


def _approved(context: DemoContext, customer: Customer, questions: Sequence[ApplicationField]) -> None:
    applicant = {"company": customer.name} | {
        column: getattr(customer, prefix + column)
        for prefix, columns in (
            ("contact_", ("last_name", "first_name", "department", "title", "email", "phone")),
            ("", ("postcode", "prefecture", "address")),
        )
        for column in columns
    }
    tenant = context.session.get_one(Tenant, customer.tenant_id)
    hours = int((context.now - customer.created_at) / timedelta(hours=1)) + 24
    application = _application(
        context, tenant, applicant, questions, state=ApplicationState.APPROVED, hours=hours, customer=customer
    )
    context.session.add_all(
        CustomerAnswer(tenant_id=tenant.id, customer_id=customer.id, field_id=answer.field_id, value=answer.value)
        for answer in application.answers
    )


def _application(  # noqa: PLR0913  (each is a fact about the application)
    context: DemoContext,
    tenant: Tenant,
    applicant: dict[str, Any],
    questions: Sequence[ApplicationField],
    *,
    state: ApplicationState,
    hours: int,
    customer: Customer | None = None,
) -> ServiceApplication:
    applied_at = context.now - timedelta(hours=hours)
    own = {"tenant_id": tenant.id}
    decided = {"decided_at": applied_at + timedelta(hours=20), "decided_by": "operator@example.jp"}
    user = {name: applicant[name] for name in ("last_name", "first_name", "email")}
    application = ServiceApplication(
        **own,
        **applicant,
        id=random_code("AAP-"),
        state=state.value,
        submitted_at=applied_at - timedelta(minutes=10),
        token_hash=hash_token(new_token("apl_")),
        expires_at=applied_at + timedelta(hours=24),
        applied_at=applied_at,
        memo1="折り返しのご連絡待ち。" if state == ApplicationState.HELD else "",
        reason="サービスの対象地域の外です。" if state == ApplicationState.DENIED else "",
        customer_id=customer.id if customer else None,
        deliveries=[_delivery(context, applicant, ServiceDelivery)],
        answers=[
            ApplicationAnswer(**own, field_id=field.id, value=context.pick.choice(field.choices))
            for field in questions
            if field.choices
        ],
        users=[ApplicationUser(**own, **user)],
        **(decided if state in {ApplicationState.APPROVED, ApplicationState.DENIED} else {}),
    )
    for delivery in application.deliveries:
        delivery.tenant_id = tenant.id
    _add(context, application, "service_application.confirmed")
    return application


def _delivery(context: DemoContext, applicant: dict[str, Any], table: Any) -> Any:
    columns = ("company", "last_name", "first_name", "department", "phone", "postcode", "prefecture", "address")
    return table(**{name: applicant[name] for name in columns}, utm_count=context.pick.randint(1, 3))


def _utm_application(context: DemoContext, customer: Customer, state: UtmApplicationState, *, hours: int) -> None:
    applied_at = context.now - timedelta(hours=hours)
    applicant = _applicant(context, customer.name, "more.example.jp")
    delivery = _delivery(context, applicant, UtmDelivery)
    delivery.tenant_id = customer.tenant_id
    decided = {"decided_at": applied_at + timedelta(hours=3), "decided_by": "operator@example.jp"}
    application = UtmApplication(
        tenant_id=customer.tenant_id,
        id=random_code("UAP-"),
        customer_id=customer.id,
        state=state.value,
        applicant_name=f"{applicant['last_name']} {applicant['first_name']}",
        applicant_email=applicant["email"],
        applied_at=applied_at,
        deliveries=[delivery],
        **(decided if state != UtmApplicationState.PENDING else {}),
    )
    _add(context, application, "utm_application.received")


def _portal_users(context: DemoContext, customer: Customer) -> None:
    """Create a user who has signed up, and one who has not."""
    signed_up_at = context.now - timedelta(days=context.pick.randint(5, 60))
    states: tuple[dict[str, Any], ...] = (
        {"signed_up_at": signed_up_at, "first_sign_in_at": signed_up_at, "last_sign_in_at": signed_up_at},
        {},
    )
    for number, state in enumerate(states, 1):
        person = words.contact(context.pick, f"users{number}.{customer.id.lower()}.example.jp")
        user = PortalUser(
            tenant_id=customer.tenant_id,
            customer_id=customer.id,
            id=random_user_id(),
            last_name=person["contact_last_name"],
            first_name=person["contact_first_name"],
            email=person["contact_email"],
            sign_up_until=context.now + SIGN_UP_LIFETIME * context.pick.choice((-1, 1)),
            **state,
        )
        _add(context, user, "portal_user.created")


def _add(context: DemoContext, row: TenantScoped, action: str) -> None:
    context.session.add(row)
    _, after = audit.changes(row)
    context.session.flush()
    audit.record(context.session, action, row, by=COMMAND_LINE, after=after)
