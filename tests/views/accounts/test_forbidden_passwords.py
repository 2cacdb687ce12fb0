"""A tenant that does not allow sign-in by password."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from jobs import password_requests
from tests.factories import PASSWORD
from tests.support.fixtures import weak_hash
from tests.support.single_sign_on import EMAIL, entries, sign_in


class TestForbiddenPasswords:
    """A tenant that only its provider signs people in to."""

    @pytest.fixture
    def strict(self, make, tenant, member):
        make.session.execute(text("UPDATE tenant SET password_sign_in = false WHERE id = :id"), {"id": tenant.id})
        make.session.commit()
        return tenant

    def by_password(self, app, client=None):
        return (client or app.test_client()).post("/login/", data={"email": EMAIL, "password": PASSWORD})

    def test_the_answer_is_that_to_a_wrong_password(self, app, make, strict):
        answer = self.by_password(app)

        assert answer.status_code == 401
        assert "メールアドレスまたはパスワードが正しくありません。" in answer.text
        assert len(entries(make, "sign_in.refused")) == 1

    def test_single_sign_on_works(self, app, strict, provider):
        assert sign_in(app.test_client(), strict, provider).location == "/"

    def test_with_another_tenant_only_that_one_can_be_entered(self, app, make, strict, member, signed_in):
        other = make.tenant(name="別のテナント")
        make.join(member, other, "Partner Operator")
        client = app.test_client()

        answer = self.by_password(app, client)
        forced = client.post("/tenants/select", data={"tenant_id": strict.id, "reason": "調査"})

        assert answer.location == "/"
        with client.session_transaction() as browser:
            assert browser["tenant_id"] == other.id
        assert forced.status_code == 404

    def test_a_password_session_loses_the_tenant_at_the_next_request(self, app, strict, member, signed_in):
        assert signed_in(member, strict).get("/customers/").location == "/tenants/"

    def test_nec_signs_in_by_password_and_enters(self, app, make, strict, signed_in):
        make.elevated("NEC Staff", email="nec@sso.example.jp", password=weak_hash())
        client = app.test_client()
        client.post("/login/", data={"email": "nec@sso.example.jp", "password": PASSWORD})

        assert client.post("/tenants/select", data={"tenant_id": strict.id, "reason": "調査"}).location == "/"
        assert client.get("/customers/").status_code == 200

    def test_a_forgotten_password_is_answered_the_same_and_mails_nothing(self, app, make, strict):
        answer = app.test_client().post("/forgotten-password/", data={"email": EMAIL})
        with app.app_context():
            password_requests.answer_waiting()

        assert answer.location == "/forgotten-password/sent"
        assert make.session.scalar(text("SELECT count(*) FROM mail_message")) == 0
