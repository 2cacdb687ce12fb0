"""The applications and portal users of the demo."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select

from models.applications.application import CustomerAnswer, ServiceApplication
from models.applications.extra_question import ApplicationField
from models.applications.utm_application import UtmApplication
from models.portal_users.portal_user import PortalUser


def test_there_are_applications_in_every_state(demo):
    applications = demo.scalars(select(ServiceApplication)).all()

    assert Counter(each.state for each in applications) == {"approved": 6, "pending": 3, "held": 1, "denied": 1}
    assert {each.tenant_id for each in applications} == {"T8000000"}
    for each in applications:
        assert each.utm_count >= 1
        assert len(each.answers) == 2
        assert len(each.users) == 1
        if each.customer is not None:
            assert each.customer.name == each.company
            assert each.applied_at < each.customer.created_at
    assert Counter(each.state for each in demo.scalars(select(UtmApplication))) == {"approved": 1, "pending": 1}


def test_the_tenant_asks_three_questions_and_customers_have_answers(demo):
    fields = demo.scalars(select(ApplicationField).order_by(ApplicationField.position)).all()

    assert [(each.position, each.required, each.kind) for each in fields] == [
        (1, True, "choice"),
        (2, False, "choice"),
        (3, False, "text"),
    ]
    assert len(demo.scalars(select(CustomerAnswer)).all()) == 12


def test_customers_have_a_user_who_signed_up_and_one_who_did_not(demo):
    users = demo.scalars(select(PortalUser)).all()

    assert len(users) == 12
    assert sum(user.signed_up_at is not None for user in users) == 6
