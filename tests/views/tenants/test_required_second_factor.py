"""The setting of a tenant that requires two-factor authentication."""

from __future__ import annotations

from sqlalchemy import text

from tests.views.tenants.test_settings import GOOD, URL


def test_two_factor_authentication_that_is_required_is_asked_of_who_requires_it_too(operator, make):
    data = GOOD | {"second_factor_required": "1", "passkey_sign_in": "1"}

    answer = operator.post(URL, data=data)

    assert answer.location == URL
    assert operator.get(URL).location == "/second-factor/"
    rows = make.session.execute(text("SELECT second_factor_required, passkey_sign_in FROM tenant")).all()
    assert [tuple(row) for row in rows] == [(True, True)]
    after = make.session.scalar(text("SELECT after FROM audit_entry"))
    assert after == {"second_factor_required": True, "passkey_sign_in": True}
