"""What people type as a secret or a memo is in no entry of the audit log, whichever form they type it into."""

from __future__ import annotations

import re
import sys

import pytest
from flask_appbuilder import Model
from flask_wtf import FlaskForm
from sqlalchemy import String, text
from wtforms import BooleanField, PasswordField

from models import audit, clock
from models.accounts import password_link
from models.actor import SYSTEM
from tests.conventions.screens.cases import SCREENS
from tests.factories import PASSWORD
from tests.support.days import TODAY
from tests.support.fixtures import weak_hash
from tests.support.pages import Page, answered

TYPED = "Himitsu-Aozora-7"
MEMO = re.compile("memo|note|remark|comment")
SECRET = re.compile("^code$|secret|token")
CUSTOMER = {
    "name": "青空電機",
    "contact_last_name": "見守",
    "contact_first_name": "花子",
    "contact_email": "hanako@example.jp",
    "contact_phone": "0312345678",
    "postcode": "211-8666",
    "prefecture": "神奈川県",
    "address": "川崎市中原区下沼部1753",
}
MEMOS = {name: f"{TYPED} {name}" for name in ("memo1", "memo2", "memo3")}

FORMS = {
    "ApplicationForm": "a contract",
    "ChangeForm": "a contract",
    "CodeForm": "what confirms a change of the second factors",
    "ConnectionForm": "single sign-on",
    "ContractFields": "what both forms of a contract have",
    "CurrentPasswordForm": "what all forms with the current password have",
    "CustomerForm": "a customer",
    "DecisionForm": "a decision",
    "FirstPasswordForm": "what a registration has",
    "NewPasskeyForm": "what confirms a change of the second factors: the same rule",
    "NewPasswordForm": "a password by its link",
    "OwnProfileForm": "one's profile",
    "PasswordChangeForm": "one's password",
    "ProfileForm": "what a registration and one's profile have",
    "RegistrationCheckForm": "a registration",
    "RegistrationForm": "a registration",
    "SecondStepForm": "wrong passwords and codes",
    "SignInForm": "wrong passwords and codes",
}
"""Which test below tries a form. A new form with such a field needs one."""


def send(client, url, /, form=None, *, to="", **values):
    sent = (form or Page(client.get(url).text).main_form).sent(values)
    answer = client.post(to or url, data=answered(sent))
    assert answer.status_code in {200, 302}, Page(answer.text).main.text


@pytest.fixture
def told(make):
    """The texts of all entries, of which there are some."""

    def told():
        make.session.rollback()
        entries = make.session.execute(text("SELECT concat(before, after, subject_id, actor) FROM audit_entry")).all()
        assert entries
        return str(entries)

    return told


def test_every_form_with_a_secret_or_a_memo_is_tried_here(app):
    def is_one(name, field):
        kind = getattr(field, "field_class", BooleanField)
        hides = issubclass(kind, PasswordField) or MEMO.search(name) or SECRET.search(name)
        return name != "csrf_token" and not issubclass(kind, BooleanField) and hides

    def subclasses(cls):
        return {each for direct in cls.__subclasses__() for each in {direct, *subclasses(direct)}}

    # Forms made from a model are attributes of their screens alone.
    declared = {
        each for each in subclasses(FlaskForm) if getattr(sys.modules[each.__module__], each.__name__, None) is each
    }
    forms = {each for each in declared if each.__module__.startswith("views.")}
    forms |= {cls.form for cls in SCREENS.values() if cls.form is not None}

    found = {each.__name__ for each in forms if any(is_one(name, getattr(each, name, None)) for name in dir(each))}
    assert found == set(FORMS)


def test_every_column_of_a_memo_is_hidden(app):
    columns = {
        each.key: mapper.class_
        for mapper in Model.registry.mappers
        for each in mapper.column_attrs
        if isinstance(each.columns[0].type, String) and MEMO.search(each.key)
    }

    assert set(columns) == audit.MEMOS
    for name, row_class in columns.items():
        audit_values = audit._without_memos({name: TYPED, "name": row_class.__name__})
        assert audit_values == {name: "***", "name": row_class.__name__}


def test_the_memos_of_a_customer(operator, told):
    send(operator, "/customers/add", **CUSTOMER, **MEMOS)
    send(operator, "/customers/A00000001/edit", **{name: f"{typed} 2" for name, typed in MEMOS.items()})

    assert TYPED not in told()


@pytest.mark.usefixtures("on_today")
def test_the_memos_of_a_contract(operator, make, told):
    customer = make.customer(tenant=operator.tenant)
    product = make.product()
    plan = make.rate_plan(product=product)
    root = f"/customers/{customer.id}/contracts"
    typed = {"start_on": TODAY.isoformat(), "product_id": str(product.id), "ships_utm": "0"}
    typed |= {"lines-0-rate_plan_id": str(plan.id), "lines-0-quantity": "1"}

    send(operator, f"{root}/add", **typed, **MEMOS)
    contract = make.session.scalar(text("SELECT id FROM contract"))
    send(operator, f"{root}/{contract}/edit", memo1=f"{TYPED} 2")

    assert TYPED not in told()


def test_the_memos_of_a_decision(operator, make, told):
    row = make.service_application(tenant=operator.tenant)
    address = f"/service-applications/{row.id}"
    page = Page(operator.get(address).text)
    hold = next(each for each in page.root.all("button") if each.text == "保存して保留")

    send(operator, address, to=hold.attributes["formaction"], **MEMOS)
    kept = make.session.scalar(text("SELECT memo1 FROM service_application"))

    assert (kept, TYPED in told()) == (MEMOS["memo1"], False)


def test_the_remarks_of_ones_profile(operator, told):
    send(operator, "/profile/", note=TYPED)

    assert TYPED not in told()


def test_the_password_and_the_remarks_of_a_registration(app, make, told):
    make.user_invitation(tenant=make.tenant(), email="hanako@example.jp", token="inv_link")
    visitor = app.test_client()
    typed = {"password": TYPED, "confirmation": TYPED, "name": "見守 花子", "note": TYPED}

    checked = Page(visitor.post("/register/inv_link", data=typed).text)
    visitor.post("/register/inv_link", data=checked.forms[0].sent(register="1"))

    assert TYPED not in told()
    assert make.session.scalar(text("SELECT note FROM ab_user")) == TYPED


def test_ones_old_and_new_password(make, signed_in, told):
    client = signed_in(make.elevated("NEC Admin", password=weak_hash()))
    for current in (f"{TYPED} wrong", PASSWORD):
        data = {"current_password": current, "password": TYPED, "confirmation": TYPED}
        client.post("/password/", data=data)

    assert TYPED not in told()


def test_a_password_set_by_its_link(app, make, told):
    user = make.elevated("NEC Admin")
    token = password_link.issue(make.session, user, now=clock.utc_now(), by=SYSTEM)
    make.session.commit()

    answer = app.test_client().post(f"/setup/{token}", data={"password": TYPED, "confirmation": TYPED})

    assert answer.status_code == 302
    assert {TYPED in told(), token in told()} == {False}


def test_wrong_passwords_and_codes(app, make, told):
    user = make.user(password=weak_hash())
    make.totp(user)
    visitor = app.test_client()

    visitor.post("/login/", data={"email": user.email, "password": TYPED})
    visitor.post("/login/", data={"email": user.email, "password": PASSWORD})
    visitor.post("/second-step/", data={"code": TYPED})

    assert TYPED not in told()


def test_what_confirms_a_change_of_the_second_factors(make, signed_in, told):
    user = make.elevated("NEC Admin", password=weak_hash())
    codes = make.totp(user)
    client = signed_in(user)

    for current, code in ((TYPED, "1"), (PASSWORD, TYPED), (PASSWORD, codes[0])):
        client.post("/second-factor/app/off", data={"current_password": current, "code": code})

    assert {each in told() for each in (TYPED, *codes)} == {False}
    assert not make.session.scalar(text("SELECT count(*) FROM totp"))


def test_the_client_secret_of_single_sign_on(make, signed_in, told):
    tenant = make.tenant()
    staff = signed_in(make.elevated("NEC Staff"))
    address = f"/staff/tenants/{tenant.id}/single-sign-on"
    form = Page(staff.get(address).text).form_to(address)
    typed = {"issuer": "https://login.example/tenant", "client_id": "portal", "label": "社員", "client_secret": TYPED}

    send(staff, address, form, **typed)

    assert TYPED not in told()


def test_the_tokens_that_are_shown_once(operator, make, told):
    url = "/tenant-settings/tokens/"
    made = operator.post(f"{url}add", data={"name": "連携"}, follow_redirects=True).text
    key = make.session.scalar(text("SELECT id FROM portal_token"))
    reissued = operator.post(f"{url}{key}/reissue", follow_redirects=True).text
    tokens = [re.search(r'value="(cst_[^"]+)"', page)[1] for page in (made, reissued)]

    assert {each in told() for each in tokens} == {False}
