"""The customers' own look at their UTMs, and what they change of them, through the API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from models import clock
from models.utms.utm import Utm
from tests.views.api.conftest import ROOT

MAC = "A1:B2:C3:D4:E5:F6"


@pytest.fixture
def customer(make, tenant):
    return make.customer(tenant=tenant)


@pytest.fixture
def user(make, customer):
    return make.portal_user(customer_row=customer)


@pytest.fixture
def utm(make, customer):
    return make.utm(
        customer_row=customer,
        utm_id="a1b2c3d4e5f6",
        name="本社",
        delivery_status="受領済の印",
        desk_email1="desk@example.com",
        customer_email1="us@example.com",
    )


@pytest.fixture
def patch(app, token, user):
    def send(utm_id, body, *, version='"1"', by=user, token=token):
        headers = {"Authorization": f"Bearer {token}"}
        headers |= {"If-Match": version} if version is not None else {}
        headers |= {"X-Portal-User": by.id} if by is not None else {}
        return app.test_client().patch(f"{ROOT}/utms/{utm_id}", json=body, headers=headers)

    return send


def stored(make, utm) -> Utm:
    make.session.rollback()
    make.session.expire_all()
    return make.session.get_one(Utm, utm.id)


def test_a_utm_is_shown_without_what_is_the_partners(ask, token, utm):
    answer = ask(token, f"{ROOT}/utms/{utm.utm_id}")

    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    assert answer.json["id"] == "a1b2c3d4e5f6"
    assert (answer.json["state"], answer.json["last_seen_at"], answer.json["version"]) == ("unconnected", None, 1)
    assert (answer.json["mac_address_entered"], answer.json["customer_email1"]) == (False, "us@example.com")
    assert "受領済の印" not in str(answer.json)
    assert "desk" not in str(answer.json)


def test_the_utms_of_a_customer_are_listed_without_removed_ones_and_others(ask, make, token, tenant, customer, utm):
    make.utm(customer_row=customer, name="一号", last_seen_at=clock.utc_now() - timedelta(hours=1))
    make.utm(customer_row=customer, name="外した", removed_at=clock.utc_now())
    make.utm(tenant=tenant, name="よその")

    found = ask(token, f"{ROOT}/customers/{customer.id}/utms").json["utms"]

    assert [(each["name"], each["state"]) for each in found] == [("一号", "offline"), ("本社", "unconnected")]


def test_what_is_another_tenants_or_removed_or_none_is_not_found(ask, make, token, patch, utm):
    theirs, gone = make.utm(), make.utm(customer_row=utm.customer, removed_at=clock.utc_now())

    for path in (
        *(f"/utms/{each}" for each in (theirs.utm_id, gone.utm_id, utm.id, "A1B2C3D4E5F6", "ffffffffffff")),
        *(f"/customers/{each}/utms" for each in (theirs.customer_id, "A99999999", "x")),
    ):
        assert ask(token, f"{ROOT}{path}").status_code == 404, path
    for each in (theirs.utm_id, gone.utm_id):
        assert patch(each, {"name": "x"}).status_code == 404


def test_a_person_of_another_customer_sees_and_changes_nothing(ask, make, token, tenant, patch, utm):
    other = make.portal_user(customer_row=make.customer(tenant=tenant))

    assert ask(token, f"{ROOT}/utms/{utm.utm_id}", **{"X-Portal-User": other.id}).status_code == 404
    assert ask(token, f"{ROOT}/customers/{utm.customer_id}/utms", **{"X-Portal-User": other.id}).status_code == 404
    assert patch(utm.utm_id, {"name": "x"}, by=other).status_code == 404
    assert patch(utm.utm_id, {"name": "x"}, by=None).status_code == 400
    assert stored(make, utm).name == "本社"


def test_a_change_is_saved_with_its_person_in_the_log(make, patch, utm, user):
    answer = patch(utm.utm_id, {"name": "支店", "report_email2": "ｒ@example.com", "mac_address": "a1-b2-c3-d4-e5-f6"})

    assert (answer.status_code, answer.headers["ETag"], answer.json["version"]) == (200, '"2"', 2)
    assert (answer.json["name"], answer.json["mac_address_entered"]) == ("支店", True)
    row = stored(make, utm)
    assert (row.name, row.report_email2, row.mac_address) == ("支店", "r@example.com", MAC)
    (actor,) = make.session.scalars(text("SELECT actor FROM audit_entry WHERE action = 'utm.changed'")).all()
    assert actor == f"portal user {user.id}"


def test_a_change_of_an_older_version_is_refused(make, patch, utm):
    patch(utm.utm_id, {"name": "先"})

    second = patch(utm.utm_id, {"name": "後"})

    assert (second.status_code, second.mimetype) == (412, "application/problem+json")
    assert stored(make, utm).name == "先"
    assert patch(utm.utm_id, {"name": "後"}, version='"2"').status_code == 200


@pytest.mark.parametrize(("version", "status"), [(None, 428), ("1", 400), ("*", 400), ('W/"1"', 400), ('"9"', 412)])
def test_a_change_needs_the_version_that_was_read(make, patch, utm, version, status):
    assert patch(utm.utm_id, {"name": "支店"}, version=version).status_code == status
    assert stored(make, utm).name == "本社"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": "あ" * 51}, "name"),
        ({"address": "一\n二"}, "address"),
        ({"postcode": "73-30001"}, "postcode"),
        ({"customer_email1": "none"}, "customer_email1"),
        ({"mac_address": ""}, "mac_address"),
        ({"mac_address": "A1:B2"}, "mac_address"),
        ({"mac_address": "A1:B2:C3:D4:E5:F7"}, "mac_address"),
        *(({name: "x"}, name) for name in ("utm_id", "serial", "delivery_status", "desk_email1", "removed_at")),
    ],
)
def test_what_is_wrong_is_told_with_its_member(make, patch, utm, body, field):
    answer = patch(utm.utm_id, {"report_email1": "r@example.com"} | body)

    assert (answer.status_code, answer.json["field"]) == (422, field)
    assert stored(make, utm).report_email1 == ""


def test_the_mac_address_is_entered_once(make, patch, utm):
    patch(utm.utm_id, {"mac_address": MAC})

    again = patch(utm.utm_id, {"mac_address": "A1:B2:C3:D4:E5:F7"}, version='"2"')

    assert (again.status_code, again.json["field"]) == (422, "mac_address")
    assert stored(make, utm).mac_address == MAC


def test_saving_what_is_stored_is_refused(patch, utm):
    assert patch(utm.utm_id, {"name": "本社"}).status_code == 409
    assert patch(utm.utm_id, {}).status_code == 409
