"""Reused and forged tokens in the URLs of the public pages, and what is sent to the confirmation page."""

from __future__ import annotations

import io

import pytest
from itsdangerous import URLSafeSerializer, URLSafeTimedSerializer
from sqlalchemy import select, text

from models.mail.outbox import MailMessage
from tests.support.pages import Page
from tests.support.public_forms import ENTERED, UTM_ENTERED

OTHER_KEY = "a key of somebody else, 32 characters"
SALTS = {"apply": "service application invitation", "apply-utm": "UTM application form"}
TOKENS = [
    *("x", "apl_", "apl_" + "a" * 43, "apl_' OR '1'='1", "apl_%00", "<script>alert(1)</script>", "apl_\u202eabc"),
    *("あ", "apl_" + "a" * 7_000, "..", "%2e%2e%2f", "[]", "null"),
]
WRONG = {
    "another type": ["T0000001", "1"],
    "no list": {"tenant": "T0000001"},
    "a number as tenant": [1, 1],
    "SQL as tenant": ["T0000001' OR '1'='1", 1],
    "too many members": ["T0000001", 1, 1, 1],
    "a negative number": ["T0000001", -1],
    "a huge number": ["T0000001", 10**30],
    "nothing": None,
}


@pytest.fixture(autouse=True)
def _unlimited(app):
    limiter = app.extensions["appbuilder"].sm.limiter
    limiter.enabled = False
    yield
    limiter.enabled = True


@pytest.fixture
def link(visitor, make):
    """The path of the link in the mail of a sent form."""
    visitor.send()
    token = make.session.scalars(select(MailMessage.secret)).one()
    make.session.rollback()
    return f"/confirm-application/{token}"


def is_told(answer):
    return (
        answer.status_code in {400, 403, 404, 410, 413} and "<h1" in answer.text and "<script>alert" not in answer.text
    )


@pytest.mark.parametrize("entered", [ENTERED, UTM_ENTERED], ids=["apply", "apply-utm"])
@pytest.mark.parametrize("token", TOKENS, ids=range(len(TOKENS)))
def test_a_forged_url_of_a_form_reveals_and_makes_nothing(app, tenant, nothing_made, token, entered):
    page = "apply-utm" if entered is UTM_ENTERED else "apply"
    client = app.test_client()

    answers = [client.get(f"/{page}/{token}"), client.post(f"/{page}/{token}", data=entered | {"send": "1"})]
    receipt = client.get(f"/{page}/sent/{token}")

    assert all(is_told(answer) and tenant.name not in answer.text for answer in [*answers, receipt])
    nothing_made()


@pytest.mark.parametrize("page", SALTS)
def test_a_url_signed_with_another_key_or_for_another_purpose_is_unknown(app, tenant, customer, page):
    signed = [tenant.id, 1] if page == "apply" else [tenant.id, customer.id, 1]
    key = app.config["SECRET_KEY"]
    forged = [
        URLSafeSerializer(OTHER_KEY, salt=SALTS[page]).dumps(signed),
        URLSafeSerializer(key, salt="another purpose").dumps(signed),
        URLSafeTimedSerializer(key, salt=SALTS[page]).dumps(signed),
    ]

    assert [app.test_client().get(f"/{page}/{each}").status_code for each in forged] == [404] * 3


@pytest.mark.parametrize("page", SALTS)
@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_a_signed_url_with_other_content_is_told(app, page, content):
    signed = URLSafeSerializer(app.config["SECRET_KEY"], salt=SALTS[page]).dumps(content)

    answer = app.test_client().get(f"/{page}/{signed}")

    assert is_told(answer), answer.status_code


def test_a_pass_signed_with_another_key_or_for_another_purpose_makes_nothing(app, visitor, utm_visitor, nothing_made):
    for each in (visitor, utm_visitor):
        carried = each.carried()
        content = URLSafeTimedSerializer(app.config["SECRET_KEY"], salt="public form pass").loads(carried)
        forged = [
            URLSafeTimedSerializer(OTHER_KEY, salt="public form pass").dumps(content),
            URLSafeTimedSerializer(app.config["SECRET_KEY"], salt="public form sent").dumps(content),
            URLSafeTimedSerializer(app.config["SECRET_KEY"], salt="public form pass").dumps([content[0], 1]),
            carried.rpartition(".")[0],
        ]
        assert [each.send(one).status_code in {403, 422} for one in forged] == [True] * 4
    nothing_made()


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("token", TOKENS, ids=range(len(TOKENS)))
def test_a_forged_link_confirms_nothing(app, link, applications, token, method):
    answer = getattr(app.test_client(), method)(f"/confirm-application/{token}")

    assert is_told(answer), answer.status_code
    assert [each.state for each in applications()] == ["unconfirmed"]


def test_the_token_of_another_kind_of_link_confirms_nothing(app, link, make, tenant, applications):
    user = make.portal_user(tenant=tenant)
    make.session.execute(
        text(
            "INSERT INTO portal_user_link (tenant_id, user_id, purpose, token_hash, created_at, expires_at)"
            " VALUES (:tenant, :user, 'sign_up', encode(sha256('psu_x'), 'hex'), now(), now() + interval '1 day')"
        ),
        {"tenant": tenant.id, "user": user.id},
    )
    make.session.commit()

    assert app.test_client().post("/confirm-application/psu_x").status_code == 404
    assert [each.state for each in applications()] == ["unconfirmed"]


@pytest.mark.parametrize("state", ["pending", "held", "denied"])
def test_a_reused_link_changes_nothing(app, link, make, applications, mails, state):
    app.test_client().post(link)
    decided = ", decided_at = now()" if state == "denied" else ""
    make.session.execute(text(f"UPDATE service_application SET state = '{state}'{decided}"))
    make.session.commit()
    before = (applications()[0].applied_at, mails())
    make.session.rollback()

    answer = app.test_client().post(link)

    assert Page(answer.text).root.one("h1").text == "申込みはすでに確定されています"
    assert "株式会社みどり電機" not in answer.text
    assert (applications()[0].state, applications()[0].applied_at, mails()) == (state, *before)


@pytest.mark.parametrize(
    "sent",
    [
        {"data": {"company": "a" * 1_100_000}},
        {"data": b"a" * (16 * 1024 * 1024 + 1), "content_type": "application/octet-stream"},
        {"data": {"file": (io.BytesIO(b"text"), "file.txt")}, "content_type": "multipart/form-data"},
        {"data": {"a\0": "b\0"}},
    ],
    ids=["an oversized field", "an oversized body", "a file", "NUL"],
)
def test_a_body_that_is_no_form_confirms_nothing(app, link, applications, sent):
    answer = app.test_client().post(link, **sent)

    assert is_told(answer), answer.status_code
    assert [each.state for each in applications()] == ["unconfirmed"]


@pytest.mark.parametrize(
    "sent",
    [
        {"state": "approved", "tenant_id": "T0000001", "id": "AAP-00000000"},
        {"company": "<script>alert(1)</script>", "email": "' OR '1'='1"},
        {"company": "a\u202eb"},
        {f"deliveries-{number}-company": "x" for number in range(10_000)},
    ],
    ids=["attributes", "script", "right-to-left text", "10,000 delivery addresses"],
)
def test_nothing_that_is_sent_with_the_confirmation_is_stored(app, link, applications, sent):
    answer = app.test_client().post(link, data=sent)

    (application,) = applications()
    assert "<script>alert" not in answer.text
    assert (application.company, application.email) == ("株式会社みどり電機", "jiro@example.com")
    assert (application.state, len(application.deliveries)) in {("pending", 1), ("unconfirmed", 1)}
