"""The API of the customers' portal: a tenant's token, what it tells, how it ends."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import text

from models import clock
from models.actor import SYSTEM
from models.tenants import api_token
from models.tenants.settings import TenantSettings
from tests.conventions.routes import routes

TENANT = "/api/customer/v1/tenant"


def test_a_tenant_that_set_nothing_takes_applications_and_has_no_links(ask, token, tenant):
    answer = ask(token)

    assert answer.status_code == 200
    assert answer.json == {"id": tenant.id, "name": "サンプルパートナー", "utm_applications": True, "links": []}


def test_a_tenants_settings_and_links_are_told_in_their_order(make, ask, token, tenant):
    make.session.add(TenantSettings(tenant_id=tenant.id, utm_applications=False))
    make.session.commit()
    for name in ("二", "一"):
        make.portal_link(tenant=tenant, name=name)

    answer = ask(token).json

    assert answer["utm_applications"] is False
    assert [link["name"] for link in answer["links"]] == ["二", "一"]
    assert answer["links"][0] == {
        "name": "二",
        "url": "https://www.example.jp/guide",
        "description": "使い方の説明です。",
        "posted_on": "2026-11-01",
    }


def test_a_token_sees_its_own_tenant_alone(make, ask, issue, tenant):
    other = make.tenant(name="テストパートナー")

    answers = [ask(issue("ポータル", of)).json["name"] for of in (tenant, other)]

    assert answers == ["サンプルパートナー", "テストパートナー"]


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer cst_" + "x" * 43},
        {"Authorization": "Basic cst_"},
        {"Authorization": "Bearer " + "あ".encode().decode("latin-1")},
    ],
    ids=range(6),
)
def test_without_a_token_in_force_nobody_gets_in(app, token, header):
    answer = app.test_client().get(TENANT, headers=header)

    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert (answer.json["status"], answer.json["title"]) == (401, "A valid bearer token is needed.")


def test_a_signed_in_persons_cookie_opens_nothing(operator):
    assert operator.get(TENANT).status_code == 401


def test_a_utms_token_opens_nothing(make, ask, tenant):
    from models.utms import device_token

    _, utm = make.customer_with_utm(tenant)
    token = device_token.issue(make.session, utm, now=clock.utc_now(), by=SYSTEM)
    make.session.commit()

    assert ask(token).status_code == 401


@pytest.mark.parametrize("end", ["reissue", "revoke"])
def test_a_token_that_was_reissued_or_revoked_ends_at_once(ask, token, tenant, in_tenant, end):
    assert ask(token).status_code == 200
    with in_tenant(tenant.id) as session:
        (row,) = api_token.in_force(session)
        new = getattr(api_token, end)(session, row, now=clock.utc_now(), by=SYSTEM)
        session.commit()

    assert ask(token).status_code == 401
    assert end == "revoke" or ask(new).status_code == 200


def test_the_last_use_is_kept_without_a_write_a_call(make, ask, token):
    def last_use():
        make.session.rollback()
        return make.session.execute(text("SELECT last_used_at, xmin::text FROM portal_token")).one()

    start = clock.utc_now()
    with time_machine.travel(start, tick=False) as now:
        ask(token)
        first = last_use()
        now.shift(timedelta(seconds=59))
        ask(token)
        second = last_use()
        now.shift(timedelta(seconds=1))
        ask(token)
        third = last_use()

    assert first.last_used_at == start
    assert second == first
    assert third.last_used_at == start + timedelta(seconds=60)


def test_a_token_that_calls_too_often_is_told_when_to_come_back(ask, token, issue):
    other = issue("もう一つ")
    answers = {ask(token).status_code for _ in range(60)}

    slowed = ask(token)

    assert answers == {200}
    assert (slowed.status_code, slowed.mimetype) == (429, "application/problem+json")
    assert 1 <= int(slowed.headers["Retry-After"]) <= 60
    assert ask(other).status_code == 200


def test_what_is_not_there_is_a_problem_with_details(ask, token):
    answer = ask(token, "/api/customer/v1/nothing")

    assert (answer.status_code, answer.mimetype, answer.json["status"]) == (404, "application/problem+json", 404)


def test_the_api_describes_each_of_its_routes(app):
    described = app.test_client().get("/api/customer/v1/openapi.json").json
    told = {
        f"{method.upper()} /api/customer/v1{path}" for path, methods in described["paths"].items() for method in methods
    }

    assert described["openapi"] == "3.1.0"
    assert told | {"GET /api/customer/v1/openapi.json"} == {
        re.sub(r"<\w+:(\w+)>", r"{\1}", str(route)) for route in routes(app) if route.rule.startswith("/api/customer/")
    }


def test_an_answer_has_what_the_description_says(app, make, ask, token, tenant):
    schemas = app.test_client().get("/api/customer/v1/openapi.json").json["components"]["schemas"]
    make.portal_link(tenant=tenant)

    answer = ask(token).json

    assert set(answer) == set(schemas["Tenant"]["properties"]) == set(schemas["Tenant"]["required"])
    assert set(answer["links"][0]) == set(schemas["Link"]["properties"]) == set(schemas["Link"]["required"])
