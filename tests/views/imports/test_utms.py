"""Bulk registration of UTMs, and their API tokens in one file."""

from __future__ import annotations

import csv
import io

import pytest
from sqlalchemy import select

from models import clock
from models.actor import SYSTEM
from models.audit import AuditEntry
from models.imports.import_run import ImportRun
from models.imports.tokens import issue_tokens
from models.utms.utm import Utm
from tests.support import concurrency
from tests.support.pages import Page
from tests.views.imports.files import of_tenant, run_key

ROW = "a0b1c200000{0},店舗{0},SERIAL-BULK-00000{0},100-0001,東京都千代田区1-1,受領済"


@pytest.fixture
def customer(make, operator):
    customer = make.customer(tenant=operator.tenant)
    make.contract(customer_row=customer)
    return customer


def send(client, lines="", file=None, **values):
    data = {"customer_id": "", "lines": lines} | values
    if file is not None:
        data["file"] = (io.BytesIO(file), "utms.csv")
    return client.post("/customers/import/utms", data=data, follow_redirects=True, content_type="multipart/form-data")


def form_of(page):
    (form,) = [each for each in page.forms if "lines" in each.names]
    return form


def errors(answer) -> list[tuple[str, str]]:
    page = Page(answer.text)
    return list(zip(page.column("行"), page.column("列"), strict=True))


@pytest.fixture
def registered(operator, customer, run_jobs):
    """An import of three UTMs that is done."""
    key = run_key(send(operator, "\n".join(ROW.format(n) for n in (1, 2, 3)), customer_id=customer.id))
    operator.post(f"/customers/import/{key}/start")
    run_jobs()
    return key


def tokens(answer) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


@pytest.mark.parametrize(
    "lines",
    [
        "{c}," + ROW.format(1),
        "会社ID\tUTM ID\tUTM名\t製造番号\tUTM郵便番号\tUTM住所\t配送状況\n{c}\t" + ROW.format(1).replace(",", "\t"),
        "UTM ID,UTM名,製造番号,UTM郵便番号,UTM住所,配送状況,会社ID\n" + ROW.format(1) + ",{c}",
    ],
)
def test_lines_are_taken_with_or_without_a_header(operator, make, customer, lines):
    answer = send(operator, lines.format(c=customer.id))

    assert Page(answer.text).column("登録内容") == ["新しいUTM a0b1c2000001"]
    assert of_tenant(make, Utm, operator.tenant) == []


def test_the_customer_is_given_once_for_rows_without_one(operator, customer, make):
    other = make.customer(tenant=operator.tenant)
    make.contract(customer_row=other)
    file = f"会社ID,UTM ID,UTM名,製造番号,UTM郵便番号,UTM住所,配送状況\n,{ROW.format(1)}\n{other.id},{ROW.format(2)}\n,{ROW.format(3)}\n"

    page = Page(operator.get("/customers/import/utms", query_string={"customer_id": customer.id}).text)
    assert form_of(page).sent()["customer_id"] == customer.id
    answer = send(operator, file=file.encode(), customer_id=customer.id.lower())

    assert Page(answer.text).column("会社名") == [customer.name, other.name, customer.name]


def test_every_error_of_every_line_is_told_and_what_was_pasted_stays(operator, make, customer):
    theirs = make.utm(utm_id="a0b1c2000003")
    lines = "\n".join(
        (
            "," + ROW.format(1),
            f"{customer.id},zz,店舗2,SHORT,100-0001,東京都,受領済",
            f"{customer.id},{ROW.format(3)}",
            f"{theirs.customer_id},{ROW.format(4)}",
        )
    )

    answer = send(operator, lines)

    assert answer.status_code == 422
    assert errors(answer) == [("1", "会社ID"), ("2", "UTM ID"), ("2", "製造番号"), ("3", "UTM ID"), ("4", "会社ID")]
    assert form_of(Page(answer.text)).sent()["lines"].replace("\r\n", "\n") == lines
    assert make.session.scalars(select(ImportRun)).all() == []


def test_more_utms_than_contracted_are_a_warning(operator, make):
    customer = make.customer(tenant=operator.tenant)
    make.contract_line(contract=make.contract(customer_row=customer), quantity=2)
    make.utm(customer_row=customer)

    page = Page(send(operator, "\n".join(ROW.format(n) for n in (1, 2)), customer_id=customer.id).text)
    tab = Page(operator.get(f"/customers/{customer.id}/security").text)
    make.utm(customer_row=customer)
    make.utm(customer_row=customer)
    too_many = Page(operator.get(f"/customers/{customer.id}/security").text)

    assert ["契約数（2台）を超えます" in each for each in page.column("確認事項")] == [False, True]
    assert [len(each.main.classed("notice-warning")) for each in (tab, too_many)] == [0, 1]
    assert f"/customers/import/utms?customer_id={customer.id}" in tab.links


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "行の貼り付けとファイルの選択のどちらか一方"),
        ({"lines": "a,b", "file": b"x"}, "行の貼り付けとファイルの選択のどちらか一方"),
        ({"lines": "会社ID,会社名\nA00000001,x"}, "会社名"),
        ({"lines": "会社ID,UTM ID\n" + "A00000001,x\n" * 5_001}, "5,000"),
    ],
)
def test_what_is_not_a_list_of_utms_is_refused(operator, values, told):
    answer = send(operator, **values)

    assert answer.status_code == 422
    assert told in Page(answer.text).main.text


def test_the_template_can_be_pasted(operator):
    lines = operator.get("/customers/import/template?utms=1").data.decode("utf-8-sig")

    assert errors(send(operator, lines)) == [("2", "会社ID")]


def test_the_tokens_are_downloaded_once(app, operator, make, registered, customer):
    page = f"/customers/import/{registered}"
    assert f"{page}/tokens" in [each.action for each in Page(operator.get(page).text).sendings]

    answer = operator.post(f"{page}/tokens")
    again = operator.post(f"{page}/tokens", follow_redirects=True)

    head, *rows = tokens(answer)
    assert head == ["会社ID", "UTM ID", "APIトークン"]
    assert [row[:2] for row in rows] == [[customer.id, f"a0b1c200000{n}"] for n in (1, 2, 3)]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "既にダウンロードされています。" in Page(again.text).main.text
    assert f"{page}/tokens" not in [each.action for each in Page(again.text).sendings]
    heartbeat = app.test_client().post(
        "/api/device/v1/heartbeat", json={"version": "1"}, headers={"Authorization": f"Bearer {rows[2][2]}"}
    )
    assert heartbeat.status_code == 200
    stored = make.session.execute(select(AuditEntry.after).where(AuditEntry.action == "import.tokens_issued")).all()
    assert stored == [({"utms": 3},)]


def test_the_same_form_sent_twice_leads_to_the_page_the_second_time(operator, registered):
    page = f"/customers/import/{registered}"
    (form,) = [each for each in Page(operator.get(page).text).sendings if each.action == f"{page}/tokens"]
    sent = {"form_key": form.sent()["form_key"]}

    assert [operator.post(f"{page}/tokens", data=sent).status_code for _ in range(2)] == [200, 302]


def test_a_token_that_is_in_use_and_a_removed_utm_are_left_alone(operator, make, registered, customer):
    first, second, third = of_tenant(make, Utm, operator.tenant)
    operator.post(f"/customers/{customer.id}/utms/{first.id}/token")
    operator.post(f"/customers/{customer.id}/utms/{second.id}/delete")

    _, *rows = tokens(operator.post(f"/customers/import/{registered}/tokens"))

    assert [row[1] for row in rows] == [third.utm_id]


def test_of_many_downloads_at_once_one_has_the_tokens(engine, operator, registered):
    def act(session, _number):
        issue_tokens(session, session.get(ImportRun, registered), now=clock.utc_now(), by=SYSTEM)

    found = concurrency.outcomes(engine, operator.tenant.id, act)

    assert sorted(found.values()) == [1, concurrency.MANY - 1]


def test_an_undone_import_has_no_tokens_and_undoing_ends_them(app, operator, registered, run_jobs):
    _, *rows = tokens(operator.post(f"/customers/import/{registered}/tokens"))
    operator.post(f"/customers/import/{registered}/undo")
    run_jobs()

    refused = app.test_client().post(
        "/api/device/v1/heartbeat", json={}, headers={"Authorization": f"Bearer {rows[0][2]}"}
    )
    assert refused.status_code == 401


def test_nobody_else_has_them(operator, make, signed_in, registered):
    viewer = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)
    other = make.tenant()
    elsewhere = signed_in(make.member(other, "Partner Operator"), other)

    assert [viewer.get("/customers/import/utms").status_code, send(viewer, "x").status_code] == [403, 403]
    assert "/customers/import/utms" not in Page(viewer.get("/utms/").text).links
    assert "/customers/import/utms" in Page(operator.get("/utms/").text).links
    answers = [each.post(f"/customers/import/{registered}/tokens").status_code for each in (viewer, elsewhere)]
    assert answers == [403, 404]
