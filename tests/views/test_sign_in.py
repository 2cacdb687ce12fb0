from __future__ import annotations

from tests.factories import PASSWORD
from tests.fixtures import weak_hash


def test_a_member_of_one_tenant_lands_on_the_dashboard(app, make):
    tenant = make.tenant()
    make.member(tenant, "Partner Operator", email="one@example.jp", password=weak_hash())

    answer = app.test_client().post("/login/", data={"email": " ONE@example.jp", "password": PASSWORD})

    assert (answer.status_code, answer.location) == (302, "/")
