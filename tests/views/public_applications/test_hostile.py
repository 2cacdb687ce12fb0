"""Whatever is sent to the public forms gets a page that says what to do, and makes nothing."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from models.applications.utm_application import UtmApplication
from tests.support.pages import Page
from tests.support.public_forms import ENTERED, UTM_ENTERED

LONG = "あ" * 100_000
MANY = {f"deliveries-{number}-company": "x" for number in range(10_000)}
CHANGES = {
    "no fields": dict.fromkeys(ENTERED),
    "an oversized company": {"company": LONG},
    "an oversized address": {"deliveries-0-address": LONG},
    "an oversized name of a user": {"users-0-last_name": LONG},
    "an oversized mail address": {"email": f"{'a' * 100_000}@example.jp"},
    "an oversized phone number": {"phone": "0" * 100_000},
    "an oversized count": {"deliveries-0-utm_count": "9" * 100_000},
    "an oversized postcode": {"postcode": "1" * 100_000},
    "a count that is no number": {"deliveries-0-utm_count": "many"},
    "a negative count": {"deliveries-0-utm_count": "-1"},
    "a count with a sign": {"deliveries-0-utm_count": "+1"},
    "a count with an exponent": {"deliveries-0-utm_count": "1e1"},
    "a count in another script": {"deliveries-0-utm_count": "٣"},
    "NaN": {"deliveries-0-utm_count": "NaN"},
    "no mail address": {"email": "<script>alert(1)</script>"},
    "a mail address with a header": {"email": "a@example.jp\r\nBcc: b@example.jp"},
    "two mail addresses": {"email": "a@example.jp,b@example.jp"},
    "a mail address with quotes": {"email": '"a b"@example.jp\n'},
    "a prefecture that is not listed": {"prefecture": "' OR '1'='1"},
    "a script as prefecture": {"deliveries-0-prefecture": "<script>"},
    "SQL as phone number": {"phone": "0'; DROP TABLE customer; --"},
    "SQL as postcode": {"postcode": "'; DELETE FROM ab_user; --"},
    "a line break in a name": {"last_name": "a\nb"},
    "a line separator in a name": {"company": "a\u2028b"},
    "a control character in a name": {"first_name": "a\x1bb"},
    "only invisible characters": {"company": "\u200b\u202e\u3164"},
    "only right-to-left marks": {"users-0-last_name": "\u202e\u2066"},
    "NUL in a value": {"company": "a\0b"},
    "NUL in a name": {"company\0": "a"},
    "10,000 delivery addresses": MANY,
    "10,000 users": {f"users-{number}-email": f"{number}@example.jp" for number in range(10_000)},
    "21 delivery addresses": {
        f"deliveries-{number}-{name.rpartition('-')[2]}": value
        for number in range(21)
        for name, value in ENTERED.items()
        if name.startswith("deliveries")
    },
    "a row with a huge number": {"company": "", f"deliveries-{'9' * 5_000}-company": "x"},
    "a row with a superscript number": {"company": "", "deliveries-²-company": "x"},
    "a row with a negative number": {"company": "", "users--1-email": "x"},
    "a row within a row": {"deliveries-0-0-company": "x", "consent": None},
    "a removed row that does not exist": {"remove_delivery": "99"},
    "a removed row that is no number": {"remove_user": "²"},
    "an address of a row that does not exist": {"find_delivery_address": "-1"},
    "a copy into no row": {"copy_company": "x"},
    "every button at once": dict.fromkeys(("back", "add_user", "add_delivery", "find_address", "copy_contact"), "1"),
    "the question of another form": {"ask": "1", "question": "<script>", "consent": None},
    "a cancelled question": {"back_to_form": "1", "consent": None},
    "a consent that is not given": {"consent": "false"},
    "a forged pass": {"form_pass": "forged"},
    "an empty pass": {"form_pass": ""},
    "an oversized pass": {"form_pass": "a" * 200_000},
    "a pass in another script": {"form_pass": "パス.パス.パス"},
    "a list as pass": {"form_pass": ["x", "y"]},
    "another tenant's marker": {"made_in": "T0000001", "company": ""},
    "no consent, twice": {"consent": ["", ""]},
    "the first of several values": {"company": ["", "second"]},
    "a million characters": {"company": "a" * 1_100_000},
    "attributes of the form": {"form_errors": "x", "questions": "x", "csrf_token": "x", "meta": "x", "company": ""},
    "attributes of the row": {"id": "AAP-00000000", "state": "approved", "tenant_id": "T0000001", "email": ""},
}


UTM_CHANGES = {
    "no fields": dict.fromkeys(UTM_ENTERED),
    "an oversized name": {"applicant_name": LONG},
    "a million characters": {"applicant_name": "a" * 1_100_000},
    "a mail address with a header": {"applicant_email": "a@example.jp\nBcc: b@example.jp"},
    "two mail addresses": {"applicant_email": "a@example.jp,b@example.jp"},
    "a script as mail address": {"applicant_email": "<script>alert(1)</script>"},
    "SQL as phone number": {"deliveries-0-phone": "0'; DROP TABLE customer; --"},
    "NUL in a name": {"applicant_name": "a\0"},
    "only right-to-left marks": {"applicant_name": "\u202e\u2066"},
    "a forged pass": {"form_pass": "x"},
    "a list as pass": {"form_pass": ["x", "y"]},
    "no address, twice": {"applicant_email": ["", ""]},
    "10,000 delivery addresses": MANY,
    "100 units": {"deliveries-0-utm_count": "100", "deliveries-²-company": "x"},
    "units as a list": {"deliveries-0-utm_count": ["many", "2"]},
    "another customer": {"customer_id": "A00000001", "tenant_id": "T0000001", "applicant_email": ""},
}


@pytest.fixture
def unlimited(app):
    limiter = app.extensions["appbuilder"].sm.limiter
    limiter.enabled = False
    yield
    limiter.enabled = True


def is_told(answer):
    """Whether the response is a page that says what to do."""
    return answer.status_code in {200, 400, 403, 404, 413, 422} and "<h1" in answer.text


@pytest.mark.usefixtures("unlimited")
@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_nothing_is_made_of_it(visitor, nothing_made, changes):
    answer = visitor.send(**changes)

    assert is_told(answer), answer.status_code
    assert "<script>" not in answer.text
    nothing_made()


@pytest.mark.usefixtures("unlimited")
@pytest.mark.parametrize("changes", UTM_CHANGES.values(), ids=UTM_CHANGES)
def test_nothing_is_made_of_it_by_the_utm_form(utm_visitor, nothing_made, changes):
    answer = utm_visitor.send(**changes)

    assert is_told(answer), answer.status_code
    assert "<script>" not in answer.text
    nothing_made()


@pytest.mark.usefixtures("unlimited")
@pytest.mark.parametrize("field", ["company", "form_pass", "deliveries-0-company", "other"])
def test_a_file_is_refused(visitor, utm_visitor, nothing_made, field):
    for each in (visitor, utm_visitor):
        values = each.entered | {"form_pass": each.carried(), "send": "1"} | {field: (io.BytesIO(b"text"), "file.txt")}
        answer = each.client.post(each.path, data=values, content_type="multipart/form-data")
        assert answer.status_code == 400
    nothing_made()


@pytest.mark.usefixtures("unlimited")
@pytest.mark.parametrize("size", [1_100_000, 16 * 1024 * 1024 + 1], ids=["of the form", "of any request"])
def test_an_oversized_body_is_told(visitor, utm_visitor, nothing_made, size):
    for each in (visitor, utm_visitor):
        body = f"form_pass={each.carried()}&send=1&other=".encode() + b"a" * size
        answer = each.client.post(each.path, data=body, content_type="application/x-www-form-urlencoded")
        assert (answer.status_code, "<h1" in answer.text) == (413, True)
    nothing_made()


@pytest.mark.usefixtures("unlimited")
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"company": "x"}', "application/json"),
        (b"<a/>", "text/xml"),
        (b"\xff\xfe%zz=%ff&&&==", "application/x-www-form-urlencoded"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"company=x", "application/x-www-form-urlencoded; charset=utf-16"),
        (b"", ""),
    ],
)
def test_a_body_of_another_kind_is_no_form(visitor, nothing_made, body, kind):
    answer = visitor.client.post(visitor.path, data=body, content_type=kind)

    assert is_told(answer), answer.status_code
    nothing_made()


@pytest.mark.usefixtures("unlimited")
def test_repeated_keys_count_once(visitor, utm_visitor, applications, make):
    for each in (visitor, utm_visitor):
        values = MultiDict(each.entered | {"form_pass": each.carried(), "send": "1"})
        for name, value in each.entered.items():
            values.add(name, value)
        assert each.client.post(each.path, data=values).status_code == 302

    (application,) = applications()
    assert (len(application.deliveries), len(application.users)) == (1, 1)
    assert len(make.session.scalars(select(UtmApplication)).one().deliveries) == 1


@pytest.mark.usefixtures("unlimited")
def test_a_pass_of_a_sent_form_makes_nothing_more_of_the_same(visitor, applications):
    carried = visitor.carried()

    answers = [visitor.send(carried) for _ in range(3)]

    assert {answer.status_code for answer in answers} == {302}
    assert len(applications()) == 1


@pytest.mark.usefixtures("unlimited")
@pytest.mark.parametrize("method", ["put", "delete", "patch", "trace"])
def test_another_method_is_refused(visitor, method):
    assert getattr(visitor.client, method)(visitor.path).status_code in {404, 405}


@pytest.mark.usefixtures("unlimited")
@pytest.mark.parametrize("company", ["<script>alert(1)</script>", "' OR '1'='1' --", "{{7*7}}", "a\u202eb", "مرحبا"])
def test_what_looks_like_code_is_only_text(visitor, applications, company):
    review = visitor.post(company=company)
    answer = visitor.send(company=company)

    assert (review.status_code, answer.status_code) == (200, 302)
    assert "<script>alert" not in review.text
    assert [each.company for each in applications()] == [company.replace("\u202e", "")]


@pytest.mark.parametrize(("name", "method"), [("form", "get"), ("form", "post"), ("link", "get"), ("link", "post")])
def test_the_limiter_answers_with_a_page_that_says_to_wait(app, form_path, utm_path, nothing_made, name, method):
    paths = [form_path, utm_path] if name == "form" else ["/confirm-application/apl_x"]
    for path in paths:
        sender = {"environ_base": {"REMOTE_ADDR": "192.0.2.88"}}
        answers = [getattr(app.test_client(), method)(path, **sender) for _ in range(61)]

        assert 429 not in {answer.status_code for answer in answers[:60]}
        assert answers[60].status_code == 429
        heading = Page(answers[60].text).root.one("h1").text
        assert heading == "アクセスが集中しています"
    nothing_made()
