"""二要素認証: setting it up and turning it off, signing in with it, and who must have it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import time_machine
from sqlalchemy import select, text

from models.accounts import password_rules, second_factor
from models.accounts.user import User
from models.actor import SYSTEM
from models.mail.outbox import MailMessage
from tests.factories import PASSWORD
from tests.factories.accounts import TOTP_SECRET
from tests.support.fixtures import weak_hash
from tests.support.pages import Page
from tests.support.restoring import draft_of, send_too_late

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as travelling:
        yield travelling


@pytest.fixture
def tenant(make):
    return make.tenant()


@pytest.fixture
def member(make, tenant, clock):
    return make.member(tenant, "Partner Operator", email="one@example.jp", password=weak_hash())


@pytest.fixture
def client(member, tenant, signed_in):
    return signed_in(member, tenant)


@pytest.fixture
def log(make):
    return lambda: list(make.session.scalars(text("SELECT action FROM audit_entry ORDER BY id")))


def code(secret=TOTP_SECRET, seconds=0):
    return pyotp.TOTP(secret).at(datetime.now(UTC) + timedelta(seconds=seconds))


def wrong():
    return f"{(int(code()) + 500_000) % 1_000_000:06}"


def sign_in(client, password=PASSWORD, email="one@example.jp", **query):
    return client.post("/login/", data={"email": email, "password": password}, query_string=query)


def step(client, typed, url="/second-step/"):
    return client.post(url, data={"code": typed})


def kinds(make):
    return list(make.session.scalars(select(MailMessage.kind).order_by(MailMessage.id)))


def has_factor(make, user):
    make.session.expire_all()
    return make.session.get_one(User, user.id).has_second_factor


def set_up(client):
    """Set an app up as a person does; returns its secret and the recovery codes."""
    secret = Page(client.get("/second-factor/app").text).main.classed("totp-secret")[0].text.replace(" ", "")
    answer = client.post("/second-factor/app", data={"current_password": PASSWORD, "code": code(secret)})
    assert answer.location == "/second-factor/"
    shown = Page(client.get(answer.location).text).main
    return secret, [each.text for each in shown.classed("recovery-codes")[0].all("code")]


def test_an_app_is_set_up_by_its_first_code_and_recovery_codes_are_shown_once(client, make, member, log):
    page = Page(client.get("/second-factor/app").text).main

    secret, codes = set_up(client)

    assert page.classed("qr-code")[0].one("svg").attributes.keys() == {"viewbox"}
    assert has_factor(make, member)
    assert (len(codes), codes[0] in client.get("/second-factor/").text) == (10, False)
    assert log() == ["second_factor.added"]
    mail = make.session.scalars(select(MailMessage)).one()
    assert (mail.kind, mail.recipient, "認証アプリ" in mail.body) == ("second_factor_added", member.email, True)
    assert secret not in mail.body
    with client.session_transaction() as session:
        assert not session.keys() & {"totp_secret", "new_token"}


@pytest.mark.parametrize(
    ("sent", "counted"),
    [({"code": "000000x"}, 0), ({"current_password": "wrong"}, 1), ({"code": ""}, 0)],
    ids=["wrong code", "wrong password", "no code"],
)
def test_an_app_is_not_set_up_with_a_wrong_code_or_password(client, make, member, sent, counted):
    secret = Page(client.get("/second-factor/app").text).main.classed("totp-secret")[0].text.replace(" ", "")
    right = {"current_password": PASSWORD, "code": code(secret)}

    answer = client.post("/second-factor/app", data=right | sent)

    assert answer.status_code == 422
    assert secret in answer.text.replace(" ", "")
    assert not has_factor(make, member)
    assert make.session.scalar(text("SELECT coalesce(sum(fail_login_count), 0) FROM ab_user")) == counted


def test_after_the_password_nobody_is_signed_in_before_the_code(app, make, member, log):
    make.totp(member)
    client = app.test_client()

    first = sign_in(client)
    before = client.get("/customers/").location
    second = step(client, code())

    assert (first.location, before) == ("/second-step/", "/login/?next=/customers/")
    assert second.location == "/"
    assert client.get("/customers/").status_code == 200
    assert log() == ["sign_in.second_step", "sign_in.succeeded"]
    with client.session_transaction() as session:
        assert "second_step" not in session


def test_a_code_signs_in_once_and_a_recovery_code_too(app, make, member):
    recovery = make.totp(member)
    answers = []
    for typed in (code(), code(), recovery[3], recovery[3]):
        client = app.test_client()
        sign_in(client)
        answers.append(step(client, typed).status_code)

    assert answers == [302, 401, 302, 401]


def test_ten_wrong_codes_lock_the_account_though_the_password_is_right_each_time(app, make, member, log):
    make.totp(member)
    for _ in range(5):
        client = app.test_client()
        sign_in(client)
        for _ in range(2):
            assert step(client, wrong()).status_code == 401

    locked = step(client, code())

    assert locked.status_code == 401
    assert sign_in(app.test_client()).status_code == 401
    assert log().count("sign_in.failed") == 10
    assert log()[-3:] == ["account.locked", "sign_in.refused", "sign_in.refused"]
    assert kinds(make) == ["account_locked"]


def test_the_second_step_takes_five_minutes_at_most(app, make, member, clock):
    make.totp(member)
    answers = []
    for seconds in (299, 301):
        client = app.test_client()
        sign_in(client, next="/customers/")
        clock.shift(timedelta(seconds=seconds))
        answers.append(step(client, code(), url="/second-step/?next=/customers/").location)

    assert answers == ["/customers/", "/login/?next=/customers/"]


@pytest.mark.parametrize("change", ["password", "active", "deleted"])
def test_a_change_of_the_account_ends_the_second_step(app, make, member, change):
    make.totp(member)
    client = app.test_client()
    sign_in(client)
    if change == "password":
        password_rules.set_password(make.session, make.session.get(User, member.id), "Tsugumi-2026!", by=SYSTEM)
    elif change == "active":
        make.session.execute(text("UPDATE ab_user SET active = false"))
    else:
        make.session.execute(text("DELETE FROM membership"))
        make.session.execute(text("DELETE FROM ab_user"))
    make.session.commit()

    assert client.get("/second-step/").location == "/login/"
    assert step(client, code()).location == "/login/"


def test_nobody_reaches_the_second_step_without_the_password(app, make, member):
    make.totp(member)
    client = app.test_client()

    assert sign_in(client, password="wrong").status_code == 401
    assert [client.get(page).status_code for page in ("/second-step/", "/second-step/passkey")] == [302, 404]
    assert step(client, code()).location == "/login/"


def test_a_form_sent_too_late_and_the_choice_of_tenants_wait_for_the_second_step(app, make, client, member):
    make.totp(member)
    late = send_too_late(client, "/customers/add", Page(client.get("/customers/add").text).main_form.sent(name="青空"))
    first = client.post(late.location, data={"email": member.email, "password": PASSWORD})
    restored = step(client, code(), url=first.location)
    make.join(member, make.tenant(), "Partner Viewer")
    other = app.test_client()
    sign_in(other)

    assert restored.location == f"/restored-form/?draft={draft_of(late)}"
    assert step(other, code(seconds=30)).location == "/tenants/"


def test_turning_the_app_off_takes_password_and_code_and_ends_the_other_sessions(make, member, tenant, signed_in, log):
    make.totp(member)
    client, elsewhere = signed_in(member, tenant), signed_in(member, tenant)
    refused = [
        client.post("/second-factor/app/off", data={"current_password": password, "code": typed}).status_code
        for password, typed in (("wrong", code()), (PASSWORD, wrong()))
    ]
    still = elsewhere.get("/").status_code

    answer = client.post("/second-factor/app/off", data={"current_password": PASSWORD, "code": code()})

    assert (refused, still, answer.location) == ([422, 422], 200, "/second-factor/")
    assert (client.get("/").status_code, elsewhere.get("/").location) == (200, "/login/")
    assert not has_factor(make, member)
    assert log() == ["sign_in.failed", "sign_in.failed", "second_factor.removed"]
    assert kinds(make) == ["second_factor_removed"]
    assert make.session.scalar(text("SELECT count(*) FROM recovery_code")) == 0


def test_new_recovery_codes_need_a_code_of_the_app_and_end_the_old_ones(app, client, make, member, log):
    old = make.totp(member)
    refused = client.post("/second-factor/codes", data={"current_password": PASSWORD, "code": wrong()}).status_code

    answer = client.post("/second-factor/codes", data={"current_password": PASSWORD, "code": code()})

    shown = Page(client.get(answer.location).text).main
    new = [each.text for each in shown.classed("recovery-codes")[0].all("code")]
    assert (refused, len(new), set(new) & set(old)) == (422, 10, set())
    assert log()[-1] == "second_factor.codes_renewed"
    other = app.test_client()
    sign_in(other)
    assert [step(other, each).status_code for each in (old[0], new[0])] == [401, 302]


def test_a_locked_account_changes_nothing_with_the_right_password(client, make, member):
    make.totp(member)
    for _ in range(10):
        client.post("/second-factor/app/off", data={"current_password": "wrong", "code": code()})

    answer = client.post("/second-factor/app/off", data={"current_password": PASSWORD, "code": code()})

    assert (answer.status_code, has_factor(make, member)) == (422, True)


def test_an_administrator_resets_the_factors_of_a_user_but_not_their_own(make, member, tenant, signed_in, log):
    admin = make.elevated("NEC Admin", email="admin@example.jp")
    own = signed_in(admin)
    theirs = signed_in(member, tenant)
    make.totp(member)
    make.passkey(member)
    make.totp(admin)
    url = f"/users/reset-second-factor/{member.id}"
    offered = url in own.get(f"/users/show/{member.id}").text
    by_operator = theirs.post(f"/users/reset-second-factor/{admin.id}").status_code

    answer = own.post(url)
    refused = own.post(f"/users/reset-second-factor/{admin.id}", follow_redirects=True).text

    assert "ご自身の二要素認証は、二要素認証の画面で解除してください。" in refused
    assert (offered, answer.location) == (True, f"/users/show/{member.id}")
    assert (has_factor(make, member), has_factor(make, admin)) == (False, True)
    assert theirs.get("/").location == "/login/"
    assert by_operator == 403
    assert log() == ["second_factor.reset"]
    assert kinds(make) == ["second_factor_reset"]
    held = second_factor.overview(make.session, member.id)
    assert (held.app_since, held.passkeys, held.codes_left) == (None, [], 0)


def require(make, tenant):
    tenant.second_factor_required = True
    make.save(tenant)


def test_who_must_have_a_second_factor_reaches_only_its_pages_until_it_is_set_up(app, make, tenant, member):
    require(make, tenant)
    client = app.test_client()
    door = sign_in(client, next="/customers/")

    wanted = [client.get(page).location for page in ("/", "/nowhere", "/tenants/", door.location)]
    sent = client.post("/customers/add", data={"name": "青空"}).location
    reached = [client.get(page).status_code for page in ("/second-factor/", "/second-factor/app", "/password/")]
    menu = Page(client.get("/second-factor/").text).root.all("a", href="/customers/")
    secret = Page(client.get("/second-factor/app").text).main.classed("totp-secret")[0].text.replace(" ", "")
    client.post("/second-factor/app", data={"current_password": PASSWORD, "code": code(secret)})
    onwards = Page(client.get("/second-factor/").text).main.classed("btn-primary")

    assert [*wanted, sent] == ["/second-factor/"] * 5
    assert (reached, menu) == ([200] * 3, [])
    assert client.get("/customers/").status_code == 200
    assert has_factor(make, member)
    assert [each.attributes["href"] for each in onwards] == ["/customers/"]


def test_a_form_that_was_being_filled_in_waits_for_the_second_factor(client, make, tenant):
    typed = Page(client.get("/customers/add").text).main_form.sent(name="青空商店")
    require(make, tenant)

    client.post("/customers/add", data=typed)
    told = client.get("/second-factor/").text
    secret = Page(client.get("/second-factor/app").text).main.classed("totp-secret")[0].text.replace(" ", "")
    client.post("/second-factor/app", data={"current_password": PASSWORD, "code": code(secret)})
    (onwards,) = Page(client.get("/second-factor/").text).main.classed("btn-primary")

    assert "15分以内に設定すると、入力した内容を画面に戻します。" in told
    assert "青空商店" in client.get(onwards.attributes["href"]).text


def test_one_of_several_tenants_is_enough_to_require_it_and_a_sign_out_is_possible(make, member, tenant, signed_in):
    other = make.tenant()
    make.join(member, other, "Partner Viewer")
    client, bystander = signed_in(member, tenant), signed_in(make.member(tenant, "Partner Viewer"), tenant)
    require(make, other)

    assert client.get("/customers/").location == "/second-factor/"
    assert bystander.get("/customers/").status_code == 200
    assert client.post("/logout/").location == "/login/"


@pytest.mark.parametrize("role", ["NEC Staff", "NEC Admin"])
def test_necs_roles_must_have_it_where_the_setting_says_so(app, make, tenant, member, signed_in, monkeypatch, role):
    staff = make.elevated(role, password=weak_hash())
    nec, partner = signed_in(staff, tenant), signed_in(member, tenant)
    before = nec.get("/customers/").status_code

    monkeypatch.setitem(app.config, "NEC_SECOND_FACTOR", True)

    assert (before, partner.get("/customers/").status_code) == (200, 200)
    assert nec.get("/customers/").location == "/second-factor/"
    make.totp(staff)
    assert nec.get("/customers/").status_code == 200


def test_the_requirement_costs_no_statement(make, tenant, member, signed_in, statements):
    require(make, tenant)
    client = signed_in(member, tenant)
    statements.clear()

    client.get("/nowhere")

    assert len(statements) == 1


def test_the_31st_code_of_a_minute_is_told_to_wait(app, make, member):
    client = app.test_client()

    assert [step(client, "1").status_code for _ in range(31)] == [302] * 30 + [429]
