from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from sqlalchemy import select

from models import clock
from models.contracts.invoice import Correction, Invoice, Usage
from tests.support.days import TODAY
from tests.support.pages import Page, answered

MONTH = clock.months_before(TODAY, 1)
pytestmark = pytest.mark.usefixtures("on_today")

HEAD = "契約番号,課金名,対象月,数量\r\n"


@pytest.fixture
def staff(make, signed_in):
    """NEC staff in a tenant: ``staff.tenant``."""
    tenant = make.tenant()
    client = signed_in(make.elevated("NEC Staff"), tenant)
    client.tenant = tenant
    return client


@pytest.fixture
def line(make, staff):
    """A line with a flat and a usage charge, in force in the last month."""
    customer = make.customer(tenant=staff.tenant, name="請求先商店")
    contract = make.contract(customer_row=customer, start_on=MONTH, end_on=date(2099, 1, 1))
    plan = make.rate_plan(product=contract.product)
    make.charge(rate_plan=plan, name="通信量", model="usage", unit_price=10)
    return make.contract_line(contract=contract, rate_plan=plan)


def usage_charge(line):
    return next(each for each in line.rate_plan.charges if each.model == "usage")


def stored(make, statement):
    make.session.rollback()
    return make.session.scalars(statement).all()


def test_a_month_that_is_over_is_issued_from_its_row(staff, line, make):
    page = Page(staff.get("/billing/").text)
    form = next(form for form in page.sendings if form.action == "/billing/issue")
    asked = staff.post("/billing/issue", data=form.sent())
    done = staff.post("/billing/issue", data=answered(form.sent()), follow_redirects=True)

    assert "発行します" in Page(asked.text).main.text
    assert "請求を発行しました: 1件" in Page(done.text).main.text
    assert [*Page(done.text).rows[0].values()][:4] == [f"{MONTH:%Y-%m}", "1", "¥6,600", "¥6,600"]
    assert "新しく請求するものはありません" in staff.post(
        "/billing/issue", data={"month": f"{MONTH:%Y-%m}"}, follow_redirects=True
    ).get_data(as_text=True)


def test_this_month_is_refused_and_nonsense_is_no_month(staff, line, make):
    answer = staff.post("/billing/issue", data={"month": f"{TODAY:%Y-%m}"}, follow_redirects=True)

    assert "終了した月だけ" in Page(answer.text).main.text
    assert staff.post("/billing/issue", data={"month": "nonsense"}).status_code == 400
    assert stored(make, select(Invoice)) == []


def test_invoices_are_found_by_month_customer_and_payment(staff, make):
    aozora, hibari = (make.customer(tenant=staff.tenant, name=name) for name in ("青空商店", "ひばり商店"))
    make.invoice(customer=aozora, month=date(2026, 9, 1), paid_on=date(2026, 10, 2), issued_on=date(2026, 10, 1))
    make.invoice(customer=aozora)
    make.invoice(customer=hibari)

    def found(**query):
        page = Page(staff.get("/billing/invoices/", query_string=query).text)
        return [(row["月"], row["顧客"]) for row in page.rows]

    assert len(found()) == 3
    assert found(month="2026-09") == [("2026-09", "青空商店")]
    assert found(customer="ひばり") == [("2026-10", "ひばり商店")]
    assert found(customer=hibari.id.lower()) == [("2026-10", "ひばり商店")]
    assert found(state="paid") == [("2026-09", "青空商店")]
    assert found(month="2026-10", customer="青空", state="unpaid") == [("2026-10", "青空商店")]


def test_several_invoices_are_paid_at_once_on_the_day_that_is_entered(staff, make):
    invoices = [make.invoice(customer=make.customer(tenant=staff.tenant)) for _ in range(3)]
    page = Page(staff.get("/billing/invoices/").text)
    form = next(each for each in page.forms if each.element.attributes.get("id") == "many")
    assert form.sent()["paid_on"] == TODAY.isoformat()

    sent = form.sent(rowid=[each.id for each in invoices[:2]], paid_on="2026-11-05")
    answer = staff.post("/billing/invoices/mark-paid", data=answered(sent), follow_redirects=True)

    assert "入金済みにしました。" in Page(answer.text).main.text
    assert sorted(map(str, stored(make, select(Invoice.paid_on)))) == ["2026-11-05", "2026-11-05", "None"]


@pytest.mark.parametrize("day", ["", "nonsense", "2026-10-31", "2099-01-01"])
def test_without_a_possible_day_nothing_is_paid(staff, make, day):
    invoices = [make.invoice(customer=make.customer(tenant=staff.tenant)) for _ in range(2)]

    data = {"rowid": [each.id for each in invoices], "paid_on": day}
    answer = staff.post("/billing/invoices/mark-paid", data=data, follow_redirects=True)

    assert "入金日" in Page(answer.text).root.one(role="alert").text
    assert stored(make, select(Invoice.paid_on)) == [None, None]


def test_a_correction_waits_on_the_list(staff, line, make):
    form = Page(staff.get("/billing/corrections/add").text).main_form
    values = {"customer_id": line.contract.customer_id, "amount": "-1000", "reason": "お詫び"}

    answer = staff.post("/billing/corrections/add", data=answered(form.sent(values, contract_id=line.contract_id)))

    row = Page(staff.get(answer.location).text).rows[0]
    assert [row[name] for name in ("顧客", "契約番号", "金額", "理由")] == [
        "請求先商店",
        line.contract_id,
        "-¥1,000",
        "お詫び",
    ]
    staff.post("/billing/issue", data={"month": f"{MONTH:%Y-%m}"})
    assert Page(staff.get("/billing/corrections/").text).rows == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": "0"}, "amount"),
        ({"customer_id": "A99999999"}, "customer_id"),
        ({"customer_id": "theirs"}, "customer_id"),
        ({"contract_id": "A-S99999999"}, "contract_id"),
    ],
)
def test_a_correction_that_cannot_be_is_told_beside_its_field(staff, line, make, changes, field):
    theirs = make.customer().id
    form = Page(staff.get("/billing/corrections/add").text).main_form
    values = {"customer_id": line.contract.customer_id, "amount": "1", "reason": "理由"} | changes
    if values["customer_id"] == "theirs":
        values["customer_id"] = theirs

    answer = staff.post("/billing/corrections/add", data=answered(form.sent(values)))

    assert answer.status_code == 422
    assert Page(answer.text).error_of(field)
    assert stored(make, select(Correction)) == []


def test_usage_is_entered_for_a_line_and_a_month(staff, line, make):
    page = Page(staff.get("/billing/usage/").text)
    assert [(row["顧客"], row["課金名"], row["数量"]) for row in page.rows] == [("請求先商店", "通信量", "未入力")]
    url = next(link for link in page.links if link.endswith(f"/{MONTH:%Y-%m}"))
    form = Page(staff.get(url).text).main_form
    asked = staff.post(url, data=form.sent(quantity="5"))
    answer = staff.post(url, data=answered(form.sent(quantity="5")))

    assert "従量を登録します" in Page(asked.text).main.text
    assert Page(staff.get(answer.location).text).column("数量") == ["5"]
    assert Page(staff.get(url).text).main_form.sent()["quantity"] == "5"
    staff.post("/billing/issue", data={"month": f"{MONTH:%Y-%m}"})
    (row,) = Page(staff.get(answer.location).text).rows
    assert row["請求"] == f"{line.contract.customer_id}-{MONTH:%Y%m}"
    assert url not in Page(staff.get(answer.location).text).links
    refused = staff.post(url, data={"quantity": "6"})
    assert refused.status_code == 422
    assert "この月は請求済みです" in Page(refused.text).main.text


def test_usage_that_no_invoice_bills_is_announced_with_the_run_that_bills_it(staff, line, make):
    url, warning = f"/billing/usage/?month={MONTH:%Y-%m}", "従量のうち1社分がまだ請求されていません"
    record = f"/billing/usage/{line.id}/{usage_charge(line).id}/{MONTH:%Y-%m}"
    staff.post(record, data={"quantity": "0"})
    assert warning not in Page(staff.get(url).text).main.text

    staff.post(record, data={"quantity": "5"})
    page = Page(staff.get(url).text)
    assert page.column("請求") == ["未請求"]
    assert warning in page.main.text
    form = next(form for form in page.sendings if form.action == "/billing/issue")
    staff.post("/billing/issue", data=answered(form.sent()))

    assert warning not in Page(staff.get(url).text).main.text
    assert [invoice.total for invoice in stored(make, select(Invoice))] == [6650]


def test_usage_of_an_amount_that_no_invoice_holds_is_refused(staff, line, make):
    message, month = "数量×単価は99,999,999,999円以下にしてください。", f"{MONTH:%Y-%m}"

    answer = staff.post(f"/billing/usage/{line.id}/{usage_charge(line).id}/{month}", data={"quantity": "10000000000"})
    page = Page(upload(staff, f"{HEAD}{line.contract_id},通信量,{month},10000000000\r\n").text)

    assert message in Page(answer.text).main.text
    assert page.column("エラー") == [message]
    assert stored(make, select(Usage)) == []


def test_usage_of_the_current_month_is_not_announced(staff, line):
    staff.post(f"/billing/usage/{line.id}/{usage_charge(line).id}/{TODAY:%Y-%m}", data={"quantity": "5"})

    page = Page(staff.get(f"/billing/usage/?month={TODAY:%Y-%m}").text)

    assert page.column("数量") == ["5"]
    assert "まだ請求されていません" not in page.main.text


def test_usage_of_another_tenant_of_no_charge_and_of_no_month_is_not_found(staff, line, make):
    theirs = make.contract_line()
    charge = make.charge(rate_plan=theirs.rate_plan, name="従量", model="usage", unit_price=1)
    month = f"{MONTH:%Y-%m}"

    for url in (
        f"/billing/usage/{theirs.id}/{charge.id}/{month}",
        f"/billing/usage/{line.id}/{charge.id}/{month}",
        f"/billing/usage/{line.id}/{line.rate_plan.charges[0].id}/{month}",
        f"/billing/usage/{line.id}/{usage_charge(line).id}/2026-1",
        f"/billing/usage/{line.id}/{usage_charge(line).id}/nonsense",
    ):
        assert staff.get(url).status_code == 404, url
        assert staff.post(url, data={"quantity": "1"}).status_code == 404, url


def upload(client, text, *, encoding="utf-8-sig"):
    file = (io.BytesIO(text.encode(encoding)), "usage.csv")
    return client.post("/billing/usage/import", data={"file": file}, content_type="multipart/form-data")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_a_file_without_errors_is_checked_and_then_recorded(staff, line, make, encoding):
    checked = upload(staff, f'{HEAD}{line.contract_id},通信量,{MONTH:%Y/%m},"1,234"\r\n', encoding=encoding)
    page = Page(checked.text)
    assert "登録できる行: 1" in page.main.text
    assert stored(make, select(Usage)) == []
    form = next(form for form in page.forms if "record" in form.names)

    asked = staff.post("/billing/usage/import", data=form.sent())
    answer = staff.post("/billing/usage/import", data=answered(form.sent()), follow_redirects=True)

    assert "1行を登録します" in Page(asked.text).main.text
    assert "従量を登録しました: 1行" in Page(answer.text).main.text
    assert stored(make, select(Usage.quantity)) == [1234]


def test_every_error_of_every_row_is_told_and_nothing_is_recorded(staff, line, make):
    theirs = make.contract()
    month, own = f"{MONTH:%Y-%m}", line.contract_id
    make.contract_line(contract=line.contract, rate_plan=make.rate_plan(product=line.contract.product))
    twice = make.rate_plan(product=line.contract.product)
    make.charge(rate_plan=twice, name="重複", model="usage", unit_price=1)
    for _ in range(2):
        make.contract_line(contract=line.contract, rate_plan=twice)
    rows = [
        f"{own},通信量,{month},1",
        f"{theirs.id},通信量,{month},1",
        f"{own},ない課金,{month},1",
        f"{own},通信量,十月,-1",
        f"{own},通信量,2025-01,1",
        f"{own},重複,{month},1",
        f"{own},通信量,{month},2",
        f"{own},通信量",
    ]

    answer = upload(staff, HEAD + "\r\n".join(rows))

    assert answer.status_code == 422
    assert [tuple(row.values()) for row in Page(answer.text).rows] == [
        ("3", f"契約「{theirs.id}」はありません。"),
        ("4", "この契約に従量課金「ない課金」はありません。"),
        ("5", "対象月はYYYY-MMの形式で入力してください。"),
        ("5", "12桁以内の整数を入力してください。"),
        ("6", "この月はサービス提供期間外のため、従量を登録できません。"),
        ("7", "この契約には同じ課金がこの月に複数あります。画面から入力してください。"),
        ("8", "2行目と契約番号、課金名、対象月が同じです。"),
        ("9", "4列で入力してください。"),
    ]
    assert stored(make, select(Usage)) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1行目は次のとおり"),
        ("契約,課金\r\n", "1行目は次のとおり"),
        (HEAD, "データの行がありません"),
        (HEAD + "x,y,2026-10,1\r\n" * 1001, "1,000行以下"),
        (HEAD + '"x', "CSVファイルではありません"),
        (HEAD + "\0", "CSVファイルではありません"),
    ],
)
def test_what_is_no_file_of_usage_is_refused(staff, text, message):
    answer = upload(staff, text)

    assert answer.status_code == 422
    assert message in Page(answer.text).main.text


def test_a_month_that_was_invoiced_since_the_check_is_refused_when_it_is_recorded(staff, line, make):
    text = f"{HEAD}{line.contract_id},通信量,{MONTH:%Y-%m},5\r\n"
    form = next(form for form in Page(upload(staff, text).text).forms if "record" in form.names)
    staff.post("/billing/issue", data={"month": f"{MONTH:%Y-%m}"})

    answer = staff.post("/billing/usage/import", data=answered(form.sent()))

    assert answer.status_code == 422
    assert "この月は請求済みです" in Page(answer.text).main.text
    assert stored(make, select(Usage)) == []


def test_other_forms_still_take_no_file(staff):
    file = (io.BytesIO(b"x"), "x.csv")

    answer = staff.post("/billing/issue", data={"file": file}, content_type="multipart/form-data")

    assert answer.status_code == 400


def test_a_file_that_is_too_large_is_refused(staff):
    assert upload(staff, "x" * 17 * 1024 * 1024).status_code == 413


def test_a_customer_without_an_invoice_reads_when_the_first_is_issued(staff, line):
    page = Page(staff.get(f"/customers/{line.contract.customer_id}/invoices/").text)

    assert "請求は月が終わってから発行されます。" in page.main.text


def test_the_page_of_an_invoice_explains_each_line(make, signed_in, line, staff):
    staff.post("/billing/issue", data={"month": f"{MONTH:%Y-%m}"})
    invoice = stored(make, select(Invoice))[0]
    viewer = signed_in(make.member(staff.tenant, "Partner Viewer"), staff.tenant)
    listed = Page(viewer.get(f"/customers/{invoice.customer_id}/invoices/").text)
    url = next(link for link in listed.links if link.partition("?")[0].endswith(f"/invoices/{invoice.id}"))

    page = Page(viewer.get(url).text)
    file = viewer.get(f"/customers/{invoice.customer_id}/invoices/{invoice.id}/lines")

    assert page.main.all("dd")[0].text == "請求先商店"
    row = page.rows[0]
    assert row["契約番号"] == line.contract_id
    assert row["数量 × 単価"] == "1 × ¥6,600"
    assert row["前月からの変更"] == f"契約開始({MONTH.isoformat()})"
    assert [link.text for link in page.root.classed("nav-link") if "active" in link.attributes["class"]][-1:] == [
        "請求"
    ]
    cells = list(csv.DictReader(io.StringIO(file.data.decode("utf-8-sig"))))
    assert cells[0]["金額"] == "6600"
    assert cells[0]["契約番号"] == line.contract_id


def test_the_lines_of_the_file_are_no_formulas_and_gone_lines_have_no_amount(make, operator):
    customer = make.customer(tenant=operator.tenant)
    before = make.invoice(customer=customer, month=date(2026, 9, 1))
    make.invoice_line(invoice=before, charge_name="前月の明細", plan_name="プラン")
    invoice = make.invoice(customer=customer)
    make.invoice_line(invoice=invoice, charge_name="=1+1", kind="correction")

    answer = operator.get(f"/customers/{customer.id}/invoices/{invoice.id}/lines")

    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row[3] for row in rows[1:]] == ["'=1+1", "前月の明細"]
    assert rows[2][9] == ""


@pytest.mark.parametrize("role", ["Partner Operator", "Partner Viewer"])
def test_partners_read_invoices_and_do_not_bill(make, signed_in, line, role, staff):
    client = signed_in(make.member(staff.tenant, role), staff.tenant)

    for url in ("/billing/", "/billing/invoices/", "/billing/corrections/", "/billing/usage/", "/billing/usage/import"):
        assert client.get(url).status_code == 403, url
    assert client.post("/billing/issue", data={"month": "2026-10"}).status_code == 403
    assert client.get(f"/customers/{line.contract.customer_id}/invoices/").status_code == 200
