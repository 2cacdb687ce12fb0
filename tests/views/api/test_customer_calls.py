"""What the customers' portal reports and asks for (POST): applications, sign-ups, sign-ins, password resets."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from models import clock
from models.applications.utm_application import UtmApplication
from models.mail.outbox import MailMessage
from models.mail.sms import SmsMessage
from models.portal_users.portal_user import LinkPurpose, PortalUser
from models.portal_users.rules import issue_link
from models.tenants.settings import TenantSettings

DELIVERY = {
    "company": "株式会社みどり電機",
    "last_name": "緑川",
    "first_name": "三郎",
    "department": "情報システム部",
    "postcode": "530-0001",
    "prefecture": "大阪府",
    "address": "大阪市北区梅田一丁目1番1号",
    "phone": "06-1234-5679",
    "utm_count": 2,
}
APPLICATION = {"deliveries": [DELIVERY], "applicant_name": "緑川 次郎", "applicant_email": "jiro@example.com"}


@pytest.fixture
def customer(make, tenant):
    return make.customer(tenant=tenant, name="かもめ工業", contact_email="contact@example.com")


@pytest.fixture
def user(make, customer):
    return make.portal_user(customer_row=customer, first_name="みどり", email="midori@example.com")


@pytest.fixture
def link(make, in_tenant):
    """The token of a link mailed to a user: ``link(user, LinkPurpose.RESET)``."""

    def issue(user, purpose=LinkPurpose.SIGN_UP, *, now=None):
        with in_tenant(user.tenant_id) as session:
            row = session.get_one(PortalUser, user.id)
            token = issue_link(session, row, purpose, now=now or clock.utc_now())
            session.commit()
        return token

    return issue


def apply_url(customer):
    return f"/customers/{customer.id}/utm-applications"


def read(make, statement):
    make.session.rollback()
    return make.session.execute(text(statement)).all()


def stored(make, user):
    make.session.rollback()
    make.session.expire_all()
    return make.session.get_one(PortalUser, user.id)


def field_of(answer):
    assert answer.mimetype == "application/problem+json"
    assert answer.json["status"] == answer.status_code
    return answer.status_code, answer.json.get("field")


# UTM applications


def test_an_application_is_received_and_both_sides_are_mailed_once(send, make, tenant, customer, user):
    make.confirmed_address(tenant, "desk@example.jp")

    answer = send(apply_url(customer), APPLICATION, user=user)

    assert answer.status_code == 201
    (application,) = make.session.scalars(select(UtmApplication)).all()
    assert answer.json == {
        "id": application.id,
        "state": "pending",
        "utm_count": 2,
        "applied_at": application.applied_at.isoformat(),
    }
    (delivery,) = application.deliveries
    assert (delivery.name, delivery.phone, delivery.utm_count) == ("緑川 三郎", "0612345679", 2)
    assert [tuple(row) for row in make.session.execute(select(MailMessage.kind, MailMessage.recipient))] == [
        ("utm_application_received", "jiro@example.com"),
        ("utm_application_arrived", "desk@example.jp"),
    ]
    (entry,) = read(make, "SELECT actor, tenant_id, subject_id FROM audit_entry WHERE action LIKE 'utm_application%'")
    assert tuple(entry) == (f"portal user {user.id}", tenant.id, application.id)


def test_without_an_applicant_the_contact_person_is_mailed(send, make, customer, user):
    assert send(apply_url(customer), {"deliveries": [DELIVERY]}, user=user).status_code == 201

    assert make.session.scalars(select(MailMessage.recipient)).all() == ["contact@example.com"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"company": ""}, "deliveries[0].company"),
        ({"company": "あ" * 41}, "deliveries[0].company"),
        ({"last_name": "あ" * 101}, "deliveries[0].last_name"),
        ({"first_name": "一\n二"}, "deliveries[0].first_name"),
        ({"department": "あ" * 41}, "deliveries[0].department"),
        ({"postcode": "53-0001"}, "deliveries[0].postcode"),
        ({"prefecture": "大阪"}, "deliveries[0].prefecture"),
        ({"address": "あ" * 101}, "deliveries[0].address"),
        ({"phone": "1" * 16}, "deliveries[0].phone"),
        ({"phone": "電話"}, "deliveries[0].phone"),
        ({"utm_count": 0}, "deliveries[0].utm_count"),
        ({"utm_count": 100}, "deliveries[0].utm_count"),
        ({"utm_count": "2"}, "deliveries[0].utm_count"),
        ({"utm_count": True}, "deliveries[0].utm_count"),
        ({"utm_count": 1.5}, "deliveries[0].utm_count"),
        ({"company": None}, "deliveries[0].company"),
        ({"company": 5}, "deliveries[0].company"),
        ({"company": "a\0b"}, "deliveries[0].company"),
        ({"company": "a\ud800b"}, "deliveries[0].company"),
        ({"department": {"a": 1}}, "deliveries[0].department"),
        ({"colour": "red"}, "deliveries[0].colour"),
    ],
)
def test_a_wrong_delivery_address_is_named(send, make, customer, user, changes, field):
    answer = send(apply_url(customer), {"deliveries": [DELIVERY | changes]}, user=user)

    assert field_of(answer) == (422, field)
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert read(make, "SELECT 1 FROM utm_application") == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "deliveries"),
        ({"deliveries": []}, "deliveries"),
        ({"deliveries": [DELIVERY] * 21}, "deliveries"),
        ({"deliveries": "x"}, "deliveries"),
        ({"deliveries": [1]}, "deliveries"),
        ({"deliveries": [DELIVERY], "applicant_email": "nobody"}, "applicant_email"),
        ({"deliveries": [DELIVERY], "applicant_name": "緑川"}, "applicant_email"),
        ({"deliveries": [DELIVERY], "applicant_name": "あ" * 257}, "applicant_name"),
        ({"deliveries": [DELIVERY], "memo": "x"}, "memo"),
    ],
    ids=range(9),
)
def test_a_wrong_application_is_named(send, customer, user, body, field):
    assert field_of(send(apply_url(customer), body, user=user)) == (422, field)


def test_every_error_is_reported(send, customer, user):
    wrong = [DELIVERY, DELIVERY | {"company": "", "phone": 1}]

    answer = send(apply_url(customer), {"deliveries": wrong, "x": 1}, user=user)

    assert {error["field"] for error in answer.json["errors"]} == {"x", "deliveries[1].company", "deliveries[1].phone"}


def test_twenty_addresses_are_one_application(send, customer, user):
    assert send(apply_url(customer), {"deliveries": [DELIVERY] * 20}, user=user).json["utm_count"] == 40


def test_the_acting_person_must_be_one_of_the_customer(send, make, tenant, customer, user):
    elsewhere = make.portal_user(tenant=tenant)
    deleted = make.portal_user(customer_row=customer, deleted_at=clock.utc_now())

    assert field_of(send(apply_url(customer), APPLICATION)) == (400, "X-Portal-User")
    for other in (elsewhere, deleted, make.portal_user(), "AA999999", "nobody", "x" * 300):
        assert field_of(send(apply_url(customer), APPLICATION, user=other)) == (404, "X-Portal-User")
    assert read(make, "SELECT 1 FROM utm_application") == []


def test_a_tenant_that_takes_no_applications_answers_so(send, make, tenant, customer, user):
    make.session.add(TenantSettings(tenant_id=tenant.id, utm_applications=False))
    make.session.commit()

    answer = send(apply_url(customer), APPLICATION, user=user)

    assert (answer.status_code, answer.json["detail"]) == (409, "UTM applications are not accepted at present.")


def test_ten_applications_wait_at_most(send, make, customer, user):
    for _ in range(10):
        make.utm_application(customer_row=customer)

    assert send(apply_url(customer), APPLICATION, user=user).status_code == 409


# Links and passwords


@pytest.mark.parametrize("purpose", LinkPurpose)
def test_a_link_tells_once_whom_it_is_for(send, link, customer, user, purpose):
    token = link(user, purpose)

    first, second = (send("/sign-ups/verify", {"token": token}) for _ in range(2))

    assert first.status_code == 200
    assert first.json == {
        "purpose": purpose,
        "portal_user": {
            "id": user.id,
            "customer_id": customer.id,
            "company_name": "かもめ工業",
            "last_name": "青空",
            "first_name": "みどり",
            "email": "midori@example.com",
            "mobile": "09012345678",
        },
    }
    assert (second.status_code, second.json["title"]) == (404, "The link is unknown, expired or used.")


def test_a_link_that_is_not_open_tells_nothing(send, make, link, user):
    expired = link(user, now=clock.utc_now() - timedelta(days=8))
    theirs = link(make.portal_user())
    replaced = link(make.portal_user(customer_row=user.customer))
    gone = make.portal_user(customer_row=user.customer)
    of_deleted = link(gone)
    make.session.execute(text("UPDATE portal_user SET deleted_at = now() WHERE id = :id"), {"id": gone.id})
    make.session.execute(
        text(
            "UPDATE portal_user_link SET ended_at = now() WHERE expires_at > now() + interval '6 days'"
            " AND user_id NOT IN (:a, :b)"
        ),
        {"a": gone.id, "b": user.id},
    )
    make.session.commit()

    for token in (expired, theirs, replaced, of_deleted, "", "psu_" + "x" * 43):
        assert send("/sign-ups/verify", {"token": token}).status_code == 404


@pytest.mark.parametrize(
    "body", [{}, {"token": 5}, {"token": "x" * 101}, {"token": "a\0"}, {"token": None}], ids=range(5)
)
def test_a_token_must_be_a_short_text(send, body):
    assert field_of(send("/sign-ups/verify", body)) == (422, "token")


def test_the_first_password_completes_the_sign_up(send, make, link, user):
    token = link(user)

    answer = send(f"/portal-users/{user.id}/password-set")

    row = stored(make, user)
    assert answer.status_code == 200
    assert answer.json == {
        "id": user.id,
        "sign_up": "done",
        "signed_up_at": row.signed_up_at.isoformat(),
        "first_sign_in_at": None,
        "last_sign_in_at": None,
    }
    assert send("/sign-ups/verify", {"token": token}).status_code == 404
    entries = read(make, "SELECT actor FROM audit_entry WHERE action = 'portal_user.password_set'")
    assert [entry.actor for entry in entries] == [f"portal user {user.id}"]


def test_the_first_and_the_last_sign_in_are_kept(send, make, user):
    first = send(f"/portal-users/{user.id}/sign-ins").json
    second = send(f"/portal-users/{user.id}/sign-ins", user=user).json

    assert first["first_sign_in_at"] == first["last_sign_in_at"] == second["first_sign_in_at"]
    assert second["last_sign_in_at"] > first["last_sign_in_at"]
    assert stored(make, user).last_sign_in_at.isoformat() == second["last_sign_in_at"]


def test_a_reset_is_mailed_or_sent_by_sms(send, make, customer):
    user = make.portal_user(customer_row=customer, mobile="09012345678", signed_up_at=clock.utc_now())

    by_mail, by_sms = (send(f"/portal-users/{user.id}/password-reset", {"by": way}) for way in ("mail", "sms"))

    assert (by_mail.status_code, by_mail.json) == (202, {"id": user.id, "by": "mail"})
    assert (by_sms.status_code, by_sms.json) == (202, {"id": user.id, "by": "sms"})
    (mail,) = make.session.scalars(select(MailMessage)).all()
    (sms,) = make.session.scalars(select(SmsMessage)).all()
    assert (mail.kind, mail.recipient) == ("password_reset_mail", user.email)
    assert (sms.kind, sms.recipient) == ("password_reset_sms", "09012345678")
    assert "https://customer.example.jp/password-reset/" in sms.body
    assert sms.secret.startswith("prs_")
    assert sms.secret not in sms.body
    # The SMS is newer, so its link is the one that works.
    assert send("/sign-ups/verify", {"token": mail.secret}).status_code == 404
    assert send("/sign-ups/verify", {"token": sms.secret}).json["purpose"] == "reset"


def test_who_has_not_signed_up_or_has_no_mobile_number_gets_no_reset(send, make, customer, user):
    without = make.portal_user(customer_row=customer, mobile="", signed_up_at=clock.utc_now())

    early = send(f"/portal-users/{user.id}/password-reset", {"by": "mail"})
    unreachable = send(f"/portal-users/{without.id}/password-reset", {"by": "sms"})

    assert (early.status_code, early.json["detail"]) == (409, "This user has not signed up yet.")
    assert (unreachable.status_code, unreachable.json["detail"]) == (409, "This user has no mobile number.")
    assert read(make, "SELECT 1 FROM portal_user_link") == []


def test_the_sixth_reset_within_an_hour_is_refused(send, make, customer):
    user = make.portal_user(customer_row=customer, signed_up_at=clock.utc_now())

    answers = [send(f"/portal-users/{user.id}/password-reset", {"by": "mail"}) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [202] * 5 + [409]
    told = "5 password resets have been sent to this user within the last hour. Try again later."
    assert answers[5].json["detail"] == told
    assert len(make.session.scalars(select(MailMessage)).all()) == 5


@pytest.mark.parametrize("body", [{}, {"by": "post"}, {"by": 1}, {"by": None}], ids=range(4))
def test_a_reset_names_its_way(send, user, body):
    assert field_of(send(f"/portal-users/{user.id}/password-reset", body)) == (422, "by")


@pytest.mark.parametrize("call", ["password-set", "sign-ins", "password-reset"])
def test_an_acting_person_of_another_customer_is_refused(send, make, tenant, user, call):
    other = make.portal_user(tenant=tenant)

    assert field_of(send(f"/portal-users/{user.id}/{call}", {}, user=other)) == (404, "X-Portal-User")


@pytest.mark.parametrize("call", ["password-set", "sign-ins"])
def test_a_call_without_members_takes_none(send, user, call):
    assert field_of(send(f"/portal-users/{user.id}/{call}", {"password": "x"})) == (422, "password")
    assert send(f"/portal-users/{user.id}/{call}", data=b"").status_code == 200


def test_what_is_unknown_deleted_or_of_another_tenant_is_not_found(send, make, tenant, user):
    deleted = make.portal_user(customer_row=user.customer, deleted_at=clock.utc_now())
    gone = make.customer(tenant=tenant, deleted_at=clock.utc_now())
    for other in (make.portal_user().id, deleted.id, "AA999999", "nobody", "あ", "A" * 3000):
        for call in ("password-set", "sign-ins", "password-reset"):
            assert send(f"/portal-users/{other}/{call}", {"by": "mail"}).status_code == 404
    for other in (make.customer().id, gone.id, "A99999999", "nobody"):
        assert send(f"/customers/{other}/utm-applications", APPLICATION, user=user).status_code == 404
