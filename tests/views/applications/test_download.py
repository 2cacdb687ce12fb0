"""ダウンロード of service applications (§13.2)."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from models.applications.application import ApplicationAnswer
from models.audit import AuditEntry
from tests.factories.applications import APPLIED_AT, DELIVERY

URL = "/service-applications/download"
COLUMNS = [
    "application_number",
    "application_date",
    "status",
    "account_name",
    "last_name",
    "first_name",
    "department",
    "position",
    "mail_address",
    "zipcode",
    "state",
    "address",
    "phone_number",
    "payment_method",
    "payment_type",
    "notes",
    "notes2",
    "notes3",
    "utm_account_name",
    "utm_last_name",
    "utm_first_name",
    "utm_department",
    "utm_phone_number",
    "utm_zipcode",
    "utm_address",
    "utm_application_time",
    "utm_count",
]
MANY = 5_000


def read(file: bytes) -> list[list[str]]:
    """The rows of a file, the head first."""
    return list(csv.reader(io.StringIO(file.decode("utf-8-sig"), newline="")))


@pytest.fixture
def download(operator):
    """The rows of the file with some conditions, the head first."""

    def download(**query):
        answer = operator.get(URL, query_string=query)
        assert answer.status_code == 200
        return read(answer.data)

    return download


def test_the_columns_are_those_of_the_manual_in_order(operator, make, download):
    created = datetime(2026, 11, 20, 2, 55, tzinfo=UTC)
    make.service_application(
        tenant=operator.tenant,
        id="AAP-3KJXLH50",
        company="みどり電機",
        state="held",
        memo1="めも1",
        memo2="めも2",
        memo3="めも3",
        deliveries=[DELIVERY | {"created_at": created}],
    )

    head, row = download()

    assert head == COLUMNS
    assert row == [
        *("AAP-3KJXLH50", "2026-11-20 12:00:00", "保留", "みどり電機", "緑川", "次郎", "総務部", "課長"),
        *("jiro@example.com", "530-0001", "大阪府", "大阪市北区梅田一丁目1番1号", "0612345678", "その他", ""),
        *("めも1", "めも2", "めも3", "株式会社みどり電機", "緑川", "三郎", "情報システム部", "0612345679", "530-0001"),
        *("大阪府大阪市北区梅田一丁目1番1号", "2026-11-20 11:55:00", "2"),
    ]


def test_the_file_is_for_spreadsheets(operator, make):
    make.service_application(tenant=operator.tenant, memo1="一行目\n二行目", company='=HYPERLINK("http://x")')

    answer = operator.get(URL, query_string={"unit": "month", "month": "2026-11"})

    assert answer.data.startswith("\ufeff".encode())
    assert answer.data.count(b"\r\n") == 2
    assert "'=HYPERLINK" in answer.text
    assert answer.headers["Content-Disposition"] == 'attachment; filename="service_applications_202611.csv"'


def test_each_delivery_address_is_a_row(operator, make, download):
    make.service_application(
        tenant=operator.tenant, deliveries=[DELIVERY | {"utm_count": 3}, DELIVERY | {"company": "倉庫", "utm_count": 1}]
    )
    make.service_application(tenant=operator.tenant, deliveries=[])

    _, none, first, second = download()

    assert (none[18], none[26]) == ("", "")
    assert first[:18] == second[:18]
    assert [(row[18], row[26]) for row in (first, second)] == [("株式会社みどり電機", "3"), ("倉庫", "1")]


def test_extra_questions_follow_with_their_present_titles_and_retired_ones_at_the_end(operator, make, download):
    old = make.application_field(tenant=operator.tenant, title="前の質問", position=1, retired_at=APPLIED_AT)
    same = make.application_field(tenant=operator.tenant, title="業種", position=1, retired_at=APPLIED_AT)
    second = make.application_field(tenant=operator.tenant, title="従業員数", position=2)
    first = make.application_field(tenant=operator.tenant, title="業種", position=1)
    make.application_field(title="他のテナントの質問")
    for answers in ({old: "はい", same: "製造"}, {first: "小売", second: "30"}):
        row = make.service_application(tenant=operator.tenant)
        for field, value in answers.items():
            make.save(ApplicationAnswer(tenant_id=row.tenant_id, application_id=row.id, field_id=field.id, value=value))

    head, newer, older = download()

    assert head[len(COLUMNS) :] == ["業種", "従業員数", "前の質問"]
    assert newer[len(COLUMNS) :] == ["小売", "30", ""]
    assert older[len(COLUMNS) :] == ["製造", "", "はい"]


def test_only_the_period_counts(operator, make, download):
    for month, state in ((10, "pending"), (11, "denied"), (11, "pending")):
        make.service_application(
            tenant=operator.tenant, state=state, applied_at=datetime(2026, month, 15, 3, 0, tzinfo=UTC)
        )

    rows = download(unit="month", month="2026-11", status="held", company="別の会社", id="AAP-0")

    assert sorted(row[2] for row in rows[1:]) == ["否認", "未承認"]


def test_no_other_tenant_is_in_the_file(make, download):
    make.service_application()

    assert len(download()) == 1


def test_a_download_is_audited(operator, make, download):
    download(unit="month", month="2026-11")

    entry = make.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.subject_id) == ("service_application.downloaded", "2026-11")
    assert (entry.tenant_id, entry.actor) == (operator.tenant.id, operator.user.email)


@pytest.fixture
def many(operator, make):
    """Five thousand applications with texts that are difficult in a file."""
    texts = ["改行\nあり", '引用"符', "カンマ,あり", "'=1+1", "＝1", "普通"]
    make.session.execute(
        text(
            "INSERT INTO service_application (tenant_id, id, state, company, search_name, last_name, first_name, email,"
            " phone, postcode, prefecture, address, memo1, submitted_at, token_hash, expires_at, applied_at)"
            " SELECT :tenant, 'AAP-' || lpad(n::text, 8, '0'), 'pending', '会社' || n, '会社' || n, '姓', '名', 'a@example.com',"
            " '0612345678', '530-0001', '大阪府', '住所', (CAST(:texts AS text[]))[n % 6 + 1], :at, 'many ' || n, :at,"
            " :at + n * interval '1 second' FROM generate_series(1, :many) AS n"
        ),
        {"tenant": operator.tenant.id, "texts": texts, "at": APPLIED_AT, "many": MANY},
    )
    make.session.execute(
        text(
            "INSERT INTO service_delivery (tenant_id, application_id, company, last_name, first_name, postcode, prefecture,"
            " address, phone, utm_count) SELECT tenant_id, id, '送付先' || id, '姓', '名', '530-0001', '大阪府', '住所',"
            " '0612345678', 1 FROM service_application WHERE tenant_id = :tenant"
        ),
        {"tenant": operator.tenant.id},
    )
    make.session.commit()
    # A text that a spreadsheet would take for a formula has an apostrophe before it.
    return [
        (
            f"AAP-{number:08}",
            f"{(APPLIED_AT + timedelta(hours=9, seconds=number)):%Y-%m-%d %H:%M:%S}",
            texts[number % 6].replace("＝", "'＝"),
            f"送付先AAP-{number:08}",
        )
        for number in range(MANY, 0, -1)
    ]


def test_five_thousand_applications_are_in_the_file_as_they_are_stored(download, many, statements):
    statements.clear()

    rows = download()

    assert [(row[0], row[1], row[15], row[18]) for row in rows[1:]] == many
    # The rows themselves come from one COPY.
    assert len(statements) < 15


def test_libreoffice_reads_the_file_as_it_is(operator, many, tmp_path):
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        pytest.skip("there is no LibreOffice on this machine")
    file = operator.get(URL).data
    (tmp_path / "file.csv").write_bytes(file)
    subprocess.run(
        [
            *(program, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to"),
            "csv:Text - txt - csv (StarCalc):44,34,76,1",
            *("--infilter=CSV:44,34,76,1,,0,true", "--outdir", str(tmp_path / "out"), str(tmp_path / "file.csv")),
        ],
        check=True,
        timeout=180,
        capture_output=True,
    )

    saved = (tmp_path / "out" / "file.csv").read_bytes()
    assert read(saved) == read(file)
    assert [row[12] for row in read(saved)[1:]] == ["0612345678"] * len(many)
