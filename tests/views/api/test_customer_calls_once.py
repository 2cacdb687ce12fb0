"""A call of the customers' portal takes effect once per key, and hostile input is refused without an error of the server."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import text

from models import clock
from tests.views.api.test_customer_calls import APPLICATION, DELIVERY, apply_url, field_of, read

VERIFY = "/sign-ups/verify"


@pytest.fixture
def user(make, tenant):
    return make.portal_user(customer_row=make.customer(tenant=tenant), signed_up_at=clock.utc_now())


def counts(make):
    return [read(make, f"SELECT count(*) FROM {table}")[0][0] for table in ("utm_application", "mail_message")]


def test_the_same_request_with_the_same_key_gets_the_same_response(send, make, user):
    answers = [send(apply_url(user.customer), APPLICATION, user=user, key="one") for _ in range(3)]

    assert [(answer.status_code, answer.json) for answer in answers] == [(201, answers[0].json)] * 3
    assert counts(make) == [1, 1]


def test_the_same_key_belongs_to_one_request(send, make, user):
    colleague = make.portal_user(customer_row=user.customer)
    url = apply_url(user.customer)
    send(url, APPLICATION, user=user, key="one")

    others = [
        send(url, {"deliveries": [DELIVERY]}, user=user, key="one"),
        send(url, APPLICATION, user=colleague, key="one"),
        send(f"/portal-users/{user.id}/sign-ins", {}, key="one"),
    ]

    assert [field_of(answer) for answer in others] == [(422, "Idempotency-Key")] * 3
    assert counts(make) == [1, 1]


def test_eight_calls_at_once_take_effect_once(send, make, user):
    together, url = Barrier(8), apply_url(user.customer)

    def call(_number):
        together.wait(timeout=30)
        return send(url, APPLICATION, user=user.id, key="one")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(call, range(8)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert counts(make) == [1, 1]


def test_a_key_is_of_one_token(send, make, issue, user):
    other = issue("もう一つ")

    first = send(apply_url(user.customer), APPLICATION, user=user, key="one")
    second = send(apply_url(user.customer), APPLICATION, user=user, key="one", token=other)

    assert first.json["id"] != second.json["id"]
    assert counts(make) == [2, 2]


def test_a_refused_call_leaves_its_key_free(send, make, user):
    refused = send(apply_url(user.customer), {"deliveries": []}, user=user, key="one")
    done = send(apply_url(user.customer), APPLICATION, user=user, key="one")

    assert (refused.status_code, done.status_code) == (422, 201)


def test_a_reset_is_sent_once_for_a_key(send, make, user):
    for _ in range(3):
        assert send(f"/portal-users/{user.id}/password-reset", {"by": "mail"}, key="one").status_code == 202

    assert counts(make)[1] == 1


@pytest.mark.parametrize("key", [None, "", " ", "a b", "x" * 256, "é", "a\tb"], ids=range(7))
def test_every_call_needs_a_key(app, token, key):
    headers = {"Authorization": f"Bearer {token}"} | ({} if key is None else {"Idempotency-Key": key})

    answer = app.test_client().post(f"/api/customer/v1{VERIFY}", json={"token": "x"}, headers=headers)

    assert field_of(answer) == (400, "Idempotency-Key")


@pytest.mark.parametrize("key", ["x" * 255, "!~"])
def test_a_key_has_up_to_255_visible_characters(send, key):
    assert send(VERIFY, {"token": "x"}, key=key).status_code == 404


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"data": b"{", "content_type": "application/json"}, 400),
        ({"data": b"[]", "content_type": "application/json"}, 400),
        ({"data": b"null", "content_type": "application/json"}, 400),
        ({"data": b'"x"', "content_type": "application/json"}, 400),
        ({"data": b'{"token": NaN}', "content_type": "application/json"}, 400),
        ({"data": b"[" * 50_000, "content_type": "application/json"}, 400),
        ({"data": b'{"token": ' + b"9" * 5_000 + b"}", "content_type": "application/json"}, 400),
        ({"data": b'{"token": "\xff"}', "content_type": "application/json"}, 400),
        ({"data": b"{}", "content_type": "text/plain"}, 415),
        ({"data": {"token": "x"}}, 415),
        ({"data": b"a=1", "content_type": "application/x-www-form-urlencoded"}, 415),
        ({"data": json.dumps({"token": "x" * 140_000}), "content_type": "application/json"}, 413),
        ({"data": b'{"token": "\\ud800"}', "content_type": "application/json"}, 422),
        ({"data": b'{"token": "\\u0000"}', "content_type": "application/json"}, 422),
        ({"data": b'{"\\ud800": 1, "token": "x"}', "content_type": "application/json"}, 422),
        ({"data": b'{"token": {"a": [1]}}', "content_type": "application/json"}, 422),
    ],
    ids=range(16),
)
def test_hostile_bodies_are_refused(send, sent, status):
    answer = send(VERIFY, **sent)

    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")


def test_without_a_token_nothing_is_changed(app, make, user):
    answer = app.test_client().post(
        f"/api/customer/v1/portal-users/{user.id}/sign-ins", json={}, headers={"Idempotency-Key": "one"}
    )

    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert read(make, "SELECT 1 FROM idempotency_key") == []


def test_problems_are_told_in_english_whatever_the_language(app, token, user):
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "one", "Accept-Language": "ja"}
    body = {"deliveries": [DELIVERY | {"company": ""}]}

    answer = app.test_client().post(
        f"/api/customer/v1{apply_url(user.customer)}", json=body, headers=headers | {"X-Portal-User": user.id}
    )

    assert answer.json["detail"] == "This field is required."


def test_a_key_is_forgotten_with_its_token(send, make, user):
    send(f"/portal-users/{user.id}/sign-ins", {}, key="one")
    make.session.execute(text("DELETE FROM portal_token"))
    make.session.commit()

    assert read(make, "SELECT 1 FROM idempotency_key") == []
