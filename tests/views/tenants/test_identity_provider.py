"""シングルサインオン of a tenant, for NEC's staff: the connection, its domains and the bound accounts."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from models import sealed_secret
from models.accounts.identity_subject import IdentitySubject
from models.actor import Actor
from models.audit import AuditEntry
from models.tenants import identity_domain, identity_provider
from models.tenants.identity_domain import MAX_DOMAINS, TAKEN, TOO_MANY, IdentityDomain
from models.tenants.identity_provider import IdentityProvider, is_issuer
from models.tenants.tenant import Tenant
from tests.support.concurrency import outcomes
from tests.support.pages import Page, answered

SECRET = "client-secret-äß-1"
ISSUER = "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000/v2.0"
NOBODY_LEFT = "パスワードでのログインを禁止できるのは"


@pytest.fixture
def staff(make, signed_in):
    return signed_in(make.elevated("NEC Staff", email="staff@example.jp"))


@pytest.fixture
def tenant(make):
    return make.tenant(name="東販売")


def path(tenant, more=""):
    return f"/staff/tenants/{tenant.id}/single-sign-on{more}"


def form_of(client, tenant, to=""):
    return Page(client.get(path(tenant)).text).form_to(path(tenant, to))


def save(client, tenant, **changes):
    form = answered(form_of(client, tenant).sent(changes))
    return client.post(path(tenant), data=form)


def press(client, tenant, to, row):
    return client.post(path(tenant, to), data={"key": row.id}, follow_redirects=True)


def entries(make):
    make.session.expire_all()
    return make.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()


def test_a_connection_is_created_and_its_secret_is_nowhere_to_be_read(app, staff, make, tenant):
    values = {"issuer": ISSUER, "client_id": "portal", "client_secret": SECRET, "label": "社員ログイン"}

    answer = save(staff, tenant, **values, active="y", trusts_addresses="y")

    page = staff.get(path(tenant)).text
    row = make.session.scalars(select(IdentityProvider)).one()
    (entry,) = entries(make)
    assert answer.location == path(tenant)
    assert SECRET.encode() not in row.client_secret
    assert identity_provider.client_secret(row) == SECRET
    assert sealed_secret.unseal(row.client_secret, identity_provider.purpose("T0000000")) is None
    assert SECRET not in page
    assert (entry.action, entry.actor, entry.tenant_id) == ("identity_provider.created", "staff@example.jp", tenant.id)
    assert entry.after == {
        "issuer": ISSUER,
        "client_id": "portal",
        "label": "社員ログイン",
        "active": True,
        "trusts_addresses": True,
        "password_sign_in": True,
        "secret_replaced": True,
    }
    assert f"{app.config['PORTAL_URL']}/single-sign-on/{tenant.id}/callback" in page
    log = Page(staff.get("/staff/audit-log/").text)
    assert log.column("操作") == ["作成"]


def test_it_is_reached_from_the_page_of_the_tenant(staff, tenant):
    link = Page(staff.get(f"/staff/tenants/{tenant.id}").text).main.one("a", href=path(tenant))

    assert link.text == "シングルサインオン"


def test_an_empty_secret_keeps_the_stored_one_and_a_wrong_one_is_not_shown_again(app, staff, make, tenant):
    sealed = sealed_secret.seal(SECRET, identity_provider.purpose(tenant.id))
    make.identity_provider(tenant=tenant, client_secret=sealed)

    wrong = save(staff, tenant, issuer="http://evil.example", client_secret="new-secret")
    nothing = save(staff, tenant)
    save(staff, tenant, label="社員")

    make.session.expire_all()
    row = make.session.scalars(select(IdentityProvider)).one()
    assert (wrong.status_code, nothing.status_code) == (422, 422)
    assert "new-secret" not in wrong.text
    assert "https://" in Page(wrong.text).error_of("issuer")
    assert (row.label, row.client_secret) == ("社員", sealed)
    (entry,) = entries(make)
    assert (entry.before, entry.after) == ({"label": "社員ログイン"}, {"label": "社員"})


def test_the_first_time_a_secret_is_needed(staff, tenant):
    answer = save(staff, tenant, issuer=ISSUER, client_id="portal", label="社員")

    assert "クライアントシークレットを入力してください。" in Page(answer.text).error_of("client_secret")


def test_of_two_who_save_at_the_same_time_the_second_is_told(staff, make, tenant):
    make.identity_provider(tenant=tenant)
    forms = [answered(form_of(staff, tenant).sent(label=label)) for label in ("一", "二")]

    answers = [staff.post(path(tenant), data=form) for form in forms]

    assert [each.status_code for each in answers] == [302, 409]
    assert Page(answers[1].text).differences == [("ボタンの表示名", "一", "二")]


def test_passwords_are_forbidden_only_while_somebody_can_sign_in_otherwise(staff, make, tenant):
    make.identity_provider(tenant=tenant, active=False)
    inactive = save(staff, tenant, password_sign_in=None)
    without_domain = save(staff, tenant, password_sign_in=None, active="y")
    domain = make.identity_domain(tenant=tenant)
    forbidden = save(staff, tenant, password_sign_in=None, active="y")
    stopped = save(staff, tenant, active=None)
    removed = press(staff, tenant, "/remove-domain", domain)

    assert [each.status_code for each in (inactive, without_domain, forbidden, stopped)] == [422, 422, 302, 422]
    assert NOBODY_LEFT in Page(inactive.text).error_of("password_sign_in")
    assert "パスワードでのログインを許可してください。" in Page(removed.text).main.text
    make.session.expire_all()
    assert make.session.get(Tenant, tenant.id).password_sign_in is False
    assert make.session.get(IdentityDomain, domain.id) is not None
    # The name of the tenant can still be changed by a form that was opened before.
    assert make.session.get(Tenant, tenant.id).version == 1


@pytest.mark.parametrize(
    ("changes", "ended", "released"),
    [
        ({"label": "社員"}, False, False),
        ({"active": None}, True, False),
        ({"issuer": ISSUER}, True, True),
        ({"client_id": "other"}, True, True),
    ],
    ids=["label", "no longer in use", "issuer", "client"],
)
def test_another_provider_ends_the_sessions_and_forgets_the_subjects(staff, make, tenant, changes, ended, released):
    make.identity_provider(tenant=tenant)
    user = make.member(tenant, "Partner Viewer")
    make.save(IdentitySubject(tenant_id=tenant.id, user_id=user.id, issuer="https://login.example.jp", subject="s"))
    make.session_token(user)
    make.session.execute(text("UPDATE user_session SET tenant_id = :id WHERE user_id = :user"), _of(tenant, user))
    make.session_token(user)
    make.session.commit()

    assert save(staff, tenant, **changes).status_code == 302

    revoked = "SELECT revoked_at IS NOT NULL FROM user_session WHERE user_id = :user ORDER BY id"
    assert make.session.scalars(text(revoked), {"user": user.id}).all() == [ended, False]
    assert (make.session.scalar(text("SELECT count(*) FROM identity_subject")) == 0) is released


def _of(tenant, user):
    return {"id": tenant.id, "user": user.id}


def test_a_domain_is_added_confirmed_and_removed(staff, make, tenant):
    form = form_of(staff, tenant, "/add-domain").sent(domain=" 日本語.JP ")
    staff.post(path(tenant, "/add-domain"), data=form)
    row = make.session.scalars(select(IdentityDomain)).one()
    before = Page(staff.get(path(tenant)).text)
    confirmed = press(staff, tenant, "/verify-domain", row)
    again = press(staff, tenant, "/verify-domain", row)
    make.session.expire_all()
    stored = (row.domain, row.verified_by, row.verified_at is not None)
    removed = press(staff, tenant, "/remove-domain", row)

    assert stored == ("xn--wgv71a119e.jp", "staff@example.jp", True)
    assert before.column("TXTレコード") == [f"partner-portal-domain-verification={row.proof}"]
    assert before.column("確認日時") == ["未確認"]
    assert "ドメインを確認済みにしました。" in confirmed.text
    assert "すでに確認済みです。" in again.text
    assert "ドメインがありません。" in removed.text
    log = [(entry.action, entry.tenant_id) for entry in entries(make)]
    assert log == [(f"identity_domain.{each}", tenant.id) for each in ("added", "verified", "removed")]


@pytest.mark.parametrize(
    "typed", ["", "localhost", "a b.jp", "-a.jp", "a..jp", "@a.jp", "x@a.jp", "a" * 64 + ".jp", "*.a.jp"]
)
def test_what_is_not_a_domain_is_refused(staff, make, tenant, typed):
    answer = staff.post(path(tenant, "/add-domain"), data={"domain": typed})

    assert answer.status_code == 422
    assert Page(answer.text).error_of("domain")


def test_a_domain_belongs_to_one_tenant_and_a_tenant_has_twenty(engine, make, tenant):
    other, by = make.tenant(), Actor("staff@example.jp")
    make.identity_domain(tenant=other, domain="taken.example.jp")
    found = outcomes(
        engine,
        "*",
        lambda session, number: identity_domain.add(
            session, session.merge(tenant), f"d{number // 2}.example.jp", by=by
        ),
    )
    for number in range(8, MAX_DOMAINS - 1):
        make.identity_domain(tenant=tenant, domain=f"d{number}.example.jp")
    last = outcomes(
        engine,
        "*",
        lambda session, number: identity_domain.add(session, session.merge(tenant), f"e{number}.example.jp", by=by),
    )

    assert found == {"done": 8, TAKEN: 8}
    assert last == {"done": 1, TOO_MANY: 15}


def test_a_domain_of_another_tenant_is_not_found_below_this_one(staff, make, tenant):
    row = make.identity_domain()

    for to in ("/verify-domain", "/remove-domain", "/release"):
        assert staff.post(path(tenant, to), data={"key": row.id}).status_code == 404
        assert staff.post(path(tenant, to), data={"key": "x"}).status_code == 404
    assert staff.get("/staff/tenants/T0000000/single-sign-on").status_code == 404


def test_an_account_is_released_from_its_user(staff, make, tenant):
    user = make.member(tenant, "Partner Viewer", email="one@example.jp")
    row = make.save(IdentitySubject(tenant_id=tenant.id, user_id=user.id, issuer=ISSUER, subject="s-1"))

    before = Page(staff.get(path(tenant)).text).column("プロバイダのアカウント")
    released = press(staff, tenant, "/release", row)

    assert before == ["s-1"]
    assert "シングルサインオンでログインしたユーザはまだいません。" in released.text
    (entry,) = entries(make)
    assert (entry.action, entry.before["user"]) == ("identity_subject.released", "one@example.jp")


def test_issuers():
    good = ["https://accounts.google.com", ISSUER, "https://login.example.jp:8443/realms/one", "https://a.jp/"]
    bad = [
        "http://a.jp",
        "ftp://a.jp",
        "https://",
        "https://a.jp?x",
        "https://a.jp/#",
        "https://u@a.jp",
        "https://a.jp/ b",
        "a",
    ]

    assert all(is_issuer(each, allow_local=False) for each in good)
    assert not any(
        is_issuer(each, allow_local=True) for each in [*bad, "http://localhost.evil.example", "http://10.0.0.1"]
    )
    assert is_issuer("http://localhost:9400", allow_local=True)
    assert not is_issuer("http://localhost:9400", allow_local=False)


@pytest.mark.parametrize("role", ["Partner Operator", "Partner Viewer"])
def test_partners_have_no_access(make, signed_in, role):
    tenant = make.tenant()
    client = signed_in(make.member(tenant, role), tenant)

    assert client.get(path(tenant)).status_code == 403
    for to in ("", "/add-domain", "/verify-domain", "/remove-domain", "/release"):
        assert client.post(path(tenant, to)).status_code == 403
