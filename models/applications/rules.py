"""Submit, confirm, hold, approve and deny service applications (§8.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models import audit, scope
from models.actor import Actor
from models.applications import mails
from models.applications.application import (
    CONFIRMATION_LIFETIME,
    ApplicationAnswer,
    ApplicationState,
    ApplicationUser,
    ApplicationView,
    CustomerAnswer,
    ServiceApplication,
    ServiceDelivery,
)
from models.customers import rules as customer_rules
from models.customers.customer import Customer
from models.errors import N_, NOTHING_CHANGED, DomainError
from models.notifications.address import LinkState
from models.portal_users import rules as portal_user_rules
from models.portal_users.rules import PortalUserChange
from models.random_id import add_with_random_id, random_code
from models.row_lock import lock, serialize
from models.scope import all_tenants
from models.tokens import hash_token, new_token
from models.versioned import lock_version

DECIDED = N_("This application has already been decided.")
TOO_MANY_TO_ONE = N_("Too many applications were sent for this email address. Try again tomorrow.")
CUSTOMER_DELETED = N_("The chosen customer has been deleted.")

MAX_TO_ONE = 5
"""The maximum number of confirmation links mailed to one e-mail address per day, so that nobody can flood a mailbox."""
_DAY = timedelta(days=1)

# Customer's columns that are filled from an application.
_CUSTOMER_VALUES = {
    "name": "company",
    "contact_last_name": "last_name",
    "contact_first_name": "first_name",
    "contact_department": "department",
    "contact_title": "title",
    "contact_email": "email",
    "contact_phone": "phone",
    "postcode": "postcode",
    "prefecture": "prefecture",
    "address": "address",
}
_MEMOS = ("memo1", "memo2", "memo3")


@dataclass(frozen=True, slots=True)
class ApplicationInput:
    """What an applicant entered, normalized for storage.

    :param values: the columns of the application.
    :param deliveries: the columns of each delivery address.
    :param answers: the answers to extra questions by the question's ID; without those left empty.
    :param users: the columns of each portal user.
    """

    values: Mapping[str, Any]
    deliveries: Sequence[Mapping[str, Any]]
    answers: Mapping[int, str] = field(default_factory=dict)
    users: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """The context of a decision.

    :param version: the application's version when the operator opened the page.
    :param memos: the memos as entered; None where the page has no fields for them.
    :param portal_url: the URL of the portal, for the mail to the tenant.
    """

    version: int
    now: datetime
    by: Actor
    portal_url: str
    memos: Mapping[str, str] | None = None


def submit(
    session: Session, entered: ApplicationInput, *, now: datetime, url_of: Callable[[str], str]
) -> ServiceApplication:
    """Store an application and mail the applicant the link that confirms it. Until then no list shows it.

    :param url_of: returns the URL for the token of the link.
    :raises DomainError: too many links were mailed to the e-mail address.
    """
    _refuse_flood(session, entered.values["email"], now=now)
    token = new_token("apl_")
    application = ServiceApplication(
        **entered.values,
        submitted_at=now,
        token_hash=hash_token(token),
        expires_at=now + CONFIRMATION_LIFETIME,
        deliveries=[ServiceDelivery(**delivery) for delivery in entered.deliveries],
        answers=[ApplicationAnswer(field_id=field_id, value=value) for field_id, value in entered.answers.items()],
        users=[ApplicationUser(**user) for user in entered.users],
    )
    add_with_random_id(session, application, partial(random_code, "AAP-"))
    mails.confirm(session, application, token, url_of=url_of, now=now)
    return application


def tenant_of(token: str) -> str | None:
    """Return the ID of the tenant whose application has a token, None if the token is unknown."""
    with all_tenants("a mailed link is opened outside any tenant") as session:
        return session.scalar(
            select(ServiceApplication.tenant_id).where(ServiceApplication.token_hash == hash_token(token))
        )


def look_up(session: Session, token: str) -> ServiceApplication | None:
    """Return the application with a token, in a session of its tenant, without confirming it."""
    return session.scalar(select(ServiceApplication).where(ServiceApplication.token_hash == hash_token(token)))


def link_state(application: ServiceApplication, *, now: datetime) -> LinkState:
    """Return the state of the link that confirms an application."""
    if application.state != ApplicationState.UNCONFIRMED:
        return LinkState.USED
    return LinkState.OPEN if now < application.expires_at else LinkState.EXPIRED


def confirm(
    session: Session, application: ServiceApplication, *, now: datetime, by: Actor, portal_url: str
) -> LinkState:
    """Confirm an application: it is 未承認 from now on, and both mails are sent (§8.2.4).

    :param by: the applicant.
    :returns: the state of the link before: ``OPEN`` for the one call that confirms the application.
    """
    lock(session, application)
    state = link_state(application, now=now)
    if state == LinkState.OPEN:
        application.state, application.applied_at = ApplicationState.PENDING.value, now
        audit.record(session, "service_application.confirmed", application, by=by)
        mails.received(session, application, portal_url=portal_url, now=now)
    return state


def hold(session: Session, application: ServiceApplication, *, decision: Decision) -> None:
    """Save the memos and hold an application (保存して保留). No mail is sent.

    :raises Conflict: the application was changed in the meantime.
    :raises DomainError: it has been decided.
    """
    _lock_open(session, application, decision)
    application.state = ApplicationState.HELD.value
    _set_memos(application, decision)
    audit.record(session, "service_application.held", application, by=decision.by)


def approve(
    session: Session,
    application: ServiceApplication,
    *,
    decision: Decision,
    customer_id: str | None = None,
    url_of: Callable[..., str],
) -> Customer:
    """Approve an application: create its customer, or link an existing one, with portal users, answers and memos.

    :param customer_id: the existing customer; None to create one.
    :param url_of: returns the URL in the customers' portal for the purpose and the token of a portal user's link.
    :raises Conflict: the application was changed in the meantime.
    :raises DomainError: it has been decided, or the customer was deleted.
    """
    _lock_open(session, application, decision)
    _set_memos(application, decision)
    customer = _customer_for(session, application, customer_id, by=decision.by)
    _copy_answers(session, application, customer)
    taken = portal_user_rules.emails(session, customer.id)
    request = PortalUserChange(now=decision.now, by=decision.by, url_of=url_of)
    for user in application.users:
        # A person who can already sign in, or who is named twice, is not invited again.
        if user.email.lower() in taken:
            continue
        taken.add(user.email.lower())
        names = {name: getattr(user, name) for name in ("last_name", "first_name", "email", "mobile")}
        portal_user_rules.create(session, customer, names, request=request)
    application.customer_id = customer.id
    _decide(session, application, ApplicationState.APPROVED, decision, reason="")
    return customer


def deny(
    session: Session,
    application: ServiceApplication,
    *,
    decision: Decision,
    reason: str = "",
    tell_reason: bool = False,
) -> None:
    """Deny an application.

    :param reason: kept with the application.
    :param tell_reason: whether the applicant's mail includes the reason.
    :raises Conflict: the application was changed in the meantime.
    :raises DomainError: it has been decided.
    """
    _lock_open(session, application, decision)
    _set_memos(application, decision)
    application.reason = reason
    _decide(session, application, ApplicationState.DENIED, decision, reason=reason if tell_reason else "")


def lock_answers(session: Session, customer_id: str) -> None:
    """Lock a customer's answers until the end of the transaction, before comparing them with those a page showed."""
    serialize(session, "customer_answer", customer_id)


def change_answers(session: Session, customer: Customer, answers: Mapping[int, str], *, by: Actor) -> None:
    """Replace a customer's answers to the tenant's extra questions (追加情報更新, §7.4.2 (1)).

    :param answers: all answers by the question's ID, empty for none. Answers to retired questions stay.
    :raises DomainError: nothing changes.
    """
    lock_answers(session, customer.id)
    stored = {row.field_id: row for row in customer_answers(session, customer.id)}
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for field_id, value in answers.items():
        row = stored.get(field_id)
        old = row.value if row else ""
        if old == value:
            continue
        before[str(field_id)], after[str(field_id)] = old, value
        if row is None:
            session.add(CustomerAnswer(customer_id=customer.id, field_id=field_id, value=value))
        elif value:
            row.value = value
        else:
            session.delete(row)
    if not after:
        raise DomainError(NOTHING_CHANGED)
    subject = ("Customer", customer.id)
    audit.record(
        session, "customer.answers_changed", subject, by=by, tenant_id=customer.tenant_id, before=before, after=after
    )


def customer_answers(session: Session, customer_id: str) -> Sequence[CustomerAnswer]:
    """Return a customer's answers to extra questions."""
    return session.scalars(select(CustomerAnswer).where(CustomerAnswer.customer_id == customer_id)).all()


def record_view(
    session: Session, application: ServiceApplication, *, user_id: int, user_name: str, now: datetime
) -> None:
    """Record that a user looked at an application."""
    statement = insert(ApplicationView).values(
        tenant_id=application.tenant_id,
        application_id=application.id,
        user_id=user_id,
        user_name=user_name,
        viewed_at=now,
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["application_id", "user_id"], set_={"user_name": user_name, "viewed_at": now}
        )
    )


def remove_unconfirmed(session: Session, *, now: datetime) -> int:
    """Delete the applications whose link expired before it was opened.

    :param session: a cross-tenant session.
    :returns: their number.
    """
    gone = session.execute(
        delete(ServiceApplication)
        .where(ServiceApplication.state == ApplicationState.UNCONFIRMED, ServiceApplication.expires_at <= now)
        .returning(ServiceApplication.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def _refuse_flood(session: Session, email: str, *, now: datetime) -> None:
    serialize(session, "service_application", scope.own_tenant_id(session))
    sent = session.scalar(
        select(func.count()).where(
            func.lower(ServiceApplication.email) == email.lower(), ServiceApplication.submitted_at > now - _DAY
        )
    )
    if (sent or 0) >= MAX_TO_ONE:
        raise DomainError(TOO_MANY_TO_ONE, field="email")


def _lock_open(session: Session, application: ServiceApplication, decision: Decision) -> None:
    """Lock an application, and check that it is still open and unchanged since the operator opened it."""
    lock(session, application)
    # First, because a decision is what the operator needs to know, not which values it changed.
    if not application.is_open:
        raise DomainError(DECIDED)
    lock_version(session, application, decision.version)


def _set_memos(application: ServiceApplication, decision: Decision) -> None:
    for name, memo in (decision.memos or {}).items():
        setattr(application, name, memo)


def _decide(
    session: Session, application: ServiceApplication, state: ApplicationState, decision: Decision, *, reason: str
) -> None:
    application.state = state.value
    application.decided_at, application.decided_by = decision.now, decision.by.name
    audit.record(session, f"service_application.{state}", application, by=decision.by)
    session.flush()
    mails.decided(session, application, reason=reason, portal_url=decision.portal_url, now=decision.now)


def _customer_for(session: Session, application: ServiceApplication, customer_id: str | None, *, by: Actor) -> Customer:
    memos = {name: getattr(application, name) for name in _MEMOS}
    if customer_id is None:
        values = {name: getattr(application, own) for name, own in _CUSTOMER_VALUES.items()}
        return customer_rules.create(session, values | memos, by=by)
    customer = session.scalar(select(Customer).where(Customer.id == customer_id).with_for_update())
    if customer is None or customer.deleted_at is not None:
        raise DomainError(CUSTOMER_DELETED)
    changed = {name: memo for name, memo in memos.items() if memo and not getattr(customer, name)}
    if changed:
        for name, memo in changed.items():
            setattr(customer, name, memo)
        audit.record(session, "customer.changed", customer, by=by)
    return customer


def _copy_answers(session: Session, application: ServiceApplication, customer: Customer) -> None:
    """Copy the answers that the customer does not have yet."""
    answered = {answer.field_id for answer in customer_answers(session, customer.id)}
    session.add_all(
        CustomerAnswer(customer_id=customer.id, field_id=answer.field_id, value=answer.value)
        for answer in application.answers
        if answer.field_id not in answered
    )
