"""The portal users and the applications of the benchmark tenants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from app.demo import words
from app.demo.bench_context import BenchContext
from app.demo.bench_rows import Row, copy_rows, insert_rows
from models.applications.application import (
    CONFIRMATION_LIFETIME,
    ApplicationAnswer,
    ApplicationState,
    ApplicationUser,
    CustomerAnswer,
    ServiceApplication,
    ServiceDelivery,
)
from models.applications.delivery import DELIVERY_COLUMNS
from models.applications.extra_question import ApplicationField, FieldKind
from models.applications.utm_application import UtmApplication, UtmApplicationState, UtmDelivery
from models.portal_users.portal_user import SIGN_UP_LIFETIME, PortalUser
from models.values.company_name import search_key

_INDUSTRIES = ("製造業", "建設業", "小売業", "サービス業", "その他")
_SOURCES = ("展示会", "ご紹介", "Webサイト")
_QUESTIONS = (
    ("お客様の業種を選択してください。", _INDUSTRIES),
    ("弊社をお知りになったきっかけをご記入ください。", ()),
)
_APPROVED_EVERY = 5
"""Of how many customers one came by an application."""
_OPEN_FOR = 20
"""For how many customers of a tenant there is one more application in each of the other states."""
_OTHERS = (
    ApplicationState.PENDING,
    ApplicationState.HELD,
    ApplicationState.PENDING,
    ApplicationState.DENIED,
    ApplicationState.UNCONFIRMED,
)
_DECIDED = (ApplicationState.APPROVED, ApplicationState.DENIED)
_UTM_STATES = (
    UtmApplicationState.APPROVED,
    UtmApplicationState.PENDING,
    UtmApplicationState.DENIED,
    UtmApplicationState.APPROVED,
    UtmApplicationState.APPROVED,
)
_MEMO = "折り返しのご連絡待ち。"
_OUTSIDE = "サービスの対象地域の外です。"
_NO_SITE = "設置場所の確認が取れませんでした。"
_DECIDED_BY = "operator@example.jp"

Questions = dict[str, list[int]]
"""The keys of each tenant's extra questions."""


def make(context: BenchContext) -> None:
    """Create portal users, service applications with their answers, users and deliveries, and UTM applications."""
    make_portal_users(context)
    make_service_applications(context)
    make_utm_applications(context)


def make_portal_users(context: BenchContext) -> None:
    """Create two portal users of each customer: one who has signed up, and one who has not."""
    rows: list[Row] = []
    keys = iter(context.user_ids(2 * len(context.customers)))
    for number, customer in enumerate(context.customers):
        for place in (1, 2):
            person = words.contact(context.pick, f"users{place}.{customer.domain}")
            # The links of the second ones are valid for some, and expired for others.
            created_at = context.ago(context.pick.randint(24, 24 * 400) if place == 1 else 20 + number % 2 * 24 * 30)
            signed_up_at = created_at + timedelta(hours=context.pick.randint(1, 23)) if place == 1 else None
            rows.append(
                {
                    "tenant_id": customer.tenant_id,
                    "customer_id": customer.id,
                    "id": next(keys),
                    "last_name": person["contact_last_name"],
                    "first_name": person["contact_first_name"],
                    "email": person["contact_email"],
                    "sign_up_until": created_at + SIGN_UP_LIFETIME,
                    "signed_up_at": signed_up_at,
                    "first_sign_in_at": signed_up_at,
                    "last_sign_in_at": signed_up_at,
                    "created_at": created_at,
                }
            )
    copy_rows(context.session, PortalUser, rows)


def make_service_applications(context: BenchContext) -> None:
    """Create applications in every state; the approved ones are those of customers."""
    questions = _make_questions(context)
    applications = list(_service_applications(context))
    copy_rows(context.session, ServiceApplication, applications)
    copy_rows(context.session, ServiceDelivery, [_delivery(context, row, row) for row in applications])
    users = ("tenant_id", "last_name", "first_name", "email")
    copy_rows(
        context.session,
        ApplicationUser,
        [{"application_id": row["id"], **{name: row[name] for name in users}} for row in applications],
    )
    answers = [
        {
            "tenant_id": row["tenant_id"],
            "application_id": row["id"],
            "field_id": key,
            "value": context.pick.choice(known),
        }
        for row in applications
        for key, known in zip(questions[row["tenant_id"]], (_INDUSTRIES, _SOURCES), strict=True)
    ]
    copy_rows(context.session, ApplicationAnswer, answers)
    customers = {row["id"]: row["customer_id"] for row in applications if row["customer_id"]}
    copy_rows(
        context.session,
        CustomerAnswer,
        [
            {"customer_id": customers[key], **{name: answer[name] for name in ("tenant_id", "field_id", "value")}}
            for answer in answers
            if (key := answer["application_id"]) in customers
        ],
    )


def make_utm_applications(context: BenchContext) -> None:
    """Create an application of every second customer for more UTMs, in every state."""
    rows: list[Row] = []
    deliveries: list[Row] = []
    applicants = context.customers[::2]
    for number, (customer, key) in enumerate(zip(applicants, context.codes("UAP-", len(applicants)), strict=True)):
        state = _UTM_STATES[number % len(_UTM_STATES)]
        pending = state == UtmApplicationState.PENDING
        applied_at = context.ago(
            context.pick.randint(2, 24 * 10) if pending else context.pick.randint(24 * 10, 24 * 300)
        )
        row = {
            "tenant_id": customer.tenant_id,
            "id": key,
            "customer_id": customer.id,
            "state": state.value,
            "applicant_name": customer.contact_name,
            "applicant_email": customer.contact["email"],
            "applied_at": applied_at,
            "decided_at": None if pending else applied_at + timedelta(hours=3),
            "decided_by": "" if pending else _DECIDED_BY,
            "reason": _NO_SITE if state == UtmApplicationState.DENIED else "",
        }
        rows.append(row)
        deliveries.append(_delivery(context, row, {"company": customer.name, **customer.contact, **customer.site}))
    copy_rows(context.session, UtmApplication, rows)
    copy_rows(context.session, UtmDelivery, deliveries)


def _make_questions(context: BenchContext) -> Questions:
    rows = [
        {
            "tenant_id": tenant_id,
            "title": title,
            "required": bool(choices),
            "kind": (FieldKind.CHOICE if choices else FieldKind.TEXT).value,
            "choices": list(choices),
            "position": position,
        }
        for tenant_id in context.by_tenant
        for position, (title, choices) in enumerate(_QUESTIONS, 1)
    ]
    keys = iter(insert_rows(context.session, ApplicationField, rows))
    return {tenant_id: [next(keys) for _ in _QUESTIONS] for tenant_id in context.by_tenant}


def _service_applications(context: BenchContext) -> Iterator[Row]:
    for tenant_id, customers in context.by_tenant.items():
        approved = customers[::_APPROVED_EVERY]
        others = _OTHERS * (1 + len(customers) // _OPEN_FOR)
        keys = iter(context.codes("AAP-", len(approved) + len(others)))
        for customer in approved:
            applicant = {"company": customer.name, **customer.contact, **customer.site}
            hours = context.pick.randint(24 * 300, 24 * 490)
            yield _application(context, tenant_id, next(keys), applicant, ApplicationState.APPROVED, hours, customer.id)
        for state, name in zip(others, _names(context, len(others)), strict=True):
            key = next(keys)
            person, place = words.contact(context.pick, f"{key.lower()}.example.jp"), words.place(context.pick)
            applicant = {"company": name, "phone": place.pop("contact_phone"), **place}
            applicant |= {column.removeprefix("contact_"): value for column, value in person.items()}
            waits = state not in _DECIDED
            hours = (
                context.pick.randint(1, 20)
                if state == ApplicationState.UNCONFIRMED
                else (context.pick.randint(2, 24 * 7) if waits else context.pick.randint(24 * 7, 24 * 300))
            )
            yield _application(context, tenant_id, key, applicant, state, hours, None)


def _names(context: BenchContext, number: int) -> Sequence[str]:
    """Return company names, of which there are fewer than the applications of a large tenant."""
    known = words.company_names(context.pick, 100)
    return [f"{known[place % 100]} {place // 100 + 1}" if place >= 100 else known[place] for place in range(number)]


def _application(  # noqa: PLR0913, PLR0917  (each is a fact about the application)
    context: BenchContext,
    tenant_id: str,
    key: str,
    applicant: dict[str, Any],
    state: ApplicationState,
    hours: int,
    customer_id: str | None,
) -> Row:
    submitted_at = context.ago(hours)
    applied_at = None if state == ApplicationState.UNCONFIRMED else submitted_at + timedelta(minutes=10)
    decided = applied_at is not None and state in _DECIDED
    return {
        "tenant_id": tenant_id,
        "id": key,
        "state": state.value,
        **applicant,
        "search_name": search_key(applicant["company"]),
        "memo1": _MEMO if state == ApplicationState.HELD else "",
        "submitted_at": submitted_at,
        # Of no known token, so that nobody can open the link.
        "token_hash": context.pick.randbytes(32).hex(),
        "expires_at": submitted_at + CONFIRMATION_LIFETIME,
        "applied_at": applied_at,
        "decided_at": applied_at + timedelta(hours=20) if decided and applied_at else None,
        "decided_by": _DECIDED_BY if decided else "",
        "reason": _OUTSIDE if state == ApplicationState.DENIED else "",
        "customer_id": customer_id,
    }


def _delivery(context: BenchContext, application: Row, address: dict[str, Any]) -> Row:
    """Return the delivery address of an application."""
    return {
        "tenant_id": application["tenant_id"],
        "application_id": application["id"],
        **{name: address[name] for name in DELIVERY_COLUMNS},
        "utm_count": context.pick.randint(1, 3),
        "created_at": application["applied_at"] or application["submitted_at"],
    }
