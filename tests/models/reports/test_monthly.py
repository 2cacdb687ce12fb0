"""§7.16: the numbers and the text of monthly reports, who gets one, and who is mailed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from models import clock
from models.alerts import ingest as alert_ingest
from models.alerts import threat_stat_ingest
from models.mail.outbox import MailMessage
from models.reports import issuing, monthly
from models.reports.monthly import MonthlyReport
from models.tenants.settings import TenantSettings
from tests.support.alerts import line

OCTOBER = date(2026, 10, 1)
NOW = datetime(2026, 10, 31, 19, 0, tzinfo=UTC)
"""The 1st of November, 04:00 in Tokyo."""
OLD = datetime(2026, 5, 1, tzinfo=UTC)
ONLINE_FOR = timedelta(minutes=10)


@pytest.fixture
def customer(make):
    made = make.customer(name="青空商店", tenant=make.tenant())
    make.contract(customer_row=made, start_on=date(2026, 1, 10), end_on=date(2027, 1, 9))
    return made


@pytest.fixture
def store(engine):
    """Let alerts and statistics of a UTM arrive."""

    def arrive(utm, alerts=(), stats=()):
        raw = [
            json.dumps({"hour": f"{hour}:00:00+09:00", "function": function, "category": category, "count": number})
            for hour, function, category, number in stats
        ]
        with Session(engine, info={"tenant_scope": utm.tenant_id}) as session:
            sender = alert_ingest.Sender(utm.tenant_id, utm.customer_id, utm.id)
            alert_ingest.store(session, sender, list(enumerate(alerts, 1)), now=NOW, retention_months=13)
            lines = [(number, each.encode()) for number, each in enumerate(raw, 1)]
            threat_stat_ingest.store(session, sender, lines, now=NOW, retention_months=13)
            session.commit()

    return arrive


@pytest.fixture
def issue(in_tenant):
    """Issue the reports of a month: ``issue(tenant_id)``."""

    def run(tenant_id, month=OCTOBER, **arguments):
        with in_tenant(tenant_id) as session:
            issued = issuing.issue_batch(session, month, now=NOW, online_for=ONLINE_FOR, **arguments)
            session.commit()
            return issued

    return run


def at(day: int, hour: int = 12, month: int = 10) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=clock.TOKYO)


def mails(make) -> list[MailMessage]:
    return list(make.session.scalars(select(MailMessage).order_by(MailMessage.id)))


def test_the_text_has_all_numbers_with_their_sources(make, customer, store, issue):
    head = make.utm(
        customer_row=customer,
        utm_id="a0b1c2ffff01",
        name="本社",
        created_at=OLD,
        last_seen_at=NOW,
        address="東京都港区1",
    )
    gone = make.utm(
        customer_row=customer,
        utm_id="a0b1c2ffff02",
        name="旧店舗",
        created_at=at(5),
        removed_at=at(20),
        address="大阪府堺市2",
    )
    make.utm(customer_row=customer, name="九月の店舗", created_at=OLD, removed_at=at(30, month=9))
    make.utm(customer_row=customer, name="十一月の店舗", created_at=NOW)
    store(
        head,
        [
            line(1, at=at(1, 0), type="ips", alert_severity="high", msg="Scan"),
            line(2, at=at(31, 23), type="ips", alert_severity="low", msg="Scan"),
            line(3, at=at(2), type="antivirus", alert_severity="low", virus="Eicar"),
            line(4, at=at(30, 23, month=9), type="ips", alert_severity="low", msg="Earlier"),
        ],
        [
            ("2026-10-01T00", "url_filter", "ギャンブル", 1200),
            ("2026-10-31T23", "url_filter", "SNS", 5),
            ("2026-10-31T23", "ips", "Scan", 2),
            ("2026-09-30T23", "url_filter", "SNS", 1210),
        ],
    )
    store(gone, [line(1, at=at(6), type="ips", alert_severity="high", msg="Scan")])

    assert (issue(customer.tenant_id), issue(customer.tenant_id)) == (1, 0)

    report = make.session.scalars(select(MonthlyReport)).one()
    assert (
        report.text
        == f"""\
============================================================
月次レポート 2026年10月
============================================================
会社名: 青空商店
会社ID: {customer.id}
対象期間: 2026-10-01 から 2026-10-31 まで(日本時間)
作成日時: 2026-11-01 04:00:00
UTM: 2台(うち削除済み 1台)

■ 全体

【機能別の検知数】(UTMの統計)
  アンチウィルス: 0件(前月比 ±0)
  IPS: 2件(前月比 +2)
  Webガード: 0件(前月比 ±0)
  URLフィルタリング: 1,205件(前月比 -5)
  アプリケーションガード: 0件(前月比 ±0)
  合計: 1,207件(前月比 -3)

【レベル別のアラート数】(アラートの記録)
  High: 2件(前月比 +2)
  Low: 2件(前月比 +1)
  合計: 4件(前月比 +3)

【多く検知した脅威】(アラートの記録)
  1. [IPS] Scan: 3件(うちHigh 2件)
  2. [アンチウィルス] Eicar: 1件

【多く検知したカテゴリ】(UTMの統計)
  1. [URLフィルタリング] ギャンブル: 1,200件
  2. [URLフィルタリング] SNS: 5件
  3. [IPS] Scan: 2件

------------------------------------------------------------
■ UTM 1/2: 旧店舗(削除済み)
UTM ID: a0b1c2ffff02
設置場所: 大阪府堺市2
状態: 削除済み(2026-10-20 12:00:00に削除) / 最終接続 —

【機能別の検知数】(UTMの統計)
  この月の統計は受信していません。

【レベル別のアラート数】(アラートの記録)
  High: 1件(前月比 —)
  Low: 0件(前月比 —)
  合計: 1件(前月比 —)

【多く検知した脅威】(アラートの記録)
  1. [IPS] Scan: 1件(うちHigh 1件)

【多く検知したカテゴリ】(UTMの統計)
  この月の統計は受信していません。

------------------------------------------------------------
■ UTM 2/2: 本社
UTM ID: a0b1c2ffff01
設置場所: 東京都港区1
状態: オンライン / 最終接続 2026-11-01 04:00:00

【機能別の検知数】(UTMの統計)
  アンチウィルス: 0件(前月比 ±0)
  IPS: 2件(前月比 +2)
  Webガード: 0件(前月比 ±0)
  URLフィルタリング: 1,205件(前月比 -5)
  アプリケーションガード: 0件(前月比 ±0)
  合計: 1,207件(前月比 -3)

【レベル別のアラート数】(アラートの記録)
  High: 1件(前月比 +1)
  Low: 2件(前月比 +1)
  合計: 3件(前月比 +2)

【多く検知した脅威】(アラートの記録)
  1. [IPS] Scan: 2件(うちHigh 1件)
  2. [アンチウィルス] Eicar: 1件

【多く検知したカテゴリ】(UTMの統計)
  1. [URLフィルタリング] ギャンブル: 1,200件
  2. [URLフィルタリング] SNS: 5件
  3. [IPS] Scan: 2件

------------------------------------------------------------
■ 集計について
・機能別の検知数とカテゴリは、UTMが1時間ごとに数えた統計によります(最終受信 2026-11-01 04:00:00)。
・アラート数と脅威は、UTMから届いたアラートの記録によります(2026-11-01 04:00:00時点)。
・検知が非常に多いとき、UTMは一部のアラートを記録しません。このため統計とアラートの数は一致しないことがあります。
・状態は作成日時のものです。月の途中で削除されたUTMも集計に含みます。
・「—」は、比べる前月の値などがないことを表します。
・本レポートの内容は、発行後に届いたデータによって変わることはありません。
"""
    )
    assert report.content["days"]["url_filter"] == [1200, *[0] * 29, 5]


def test_names_of_devices_cannot_break_the_lines_of_the_text(make, customer, store, issue):
    utm = make.utm(customer_row=customer, name="店\u202e舗", created_at=OLD)
    hostile = "A\r\n■ UTM 9/9\u2028\x1b[31m\u202e"
    store(utm, [line(1, at=at(1), type="ips", msg=hostile)], [("2026-10-01T00", "ips", hostile, 1)])

    issue(customer.tenant_id)

    report = make.session.scalars(select(MonthlyReport)).one()
    assert report.text.count("■ UTM") == 1 + 4
    assert "  1. [IPS] A ■ UTM 9/9 [31m: 1件\n" in report.text
    assert "■ UTM 1/1: 店舗\n" in report.text
    assert not set("\r\x1b\u2028\u202e") & set(report.text)


@pytest.mark.parametrize(
    ("contract", "utm", "issued"),
    [
        ({}, {}, 1),
        ({"start_on": date(2026, 10, 31)}, {}, 1),
        ({"start_on": date(2026, 11, 1)}, {}, 0),
        ({"status": "cancelled", "end_on": date(2026, 10, 1)}, {}, 1),
        ({"status": "cancelled", "end_on": date(2026, 9, 30)}, {}, 0),
        ({"status": "expired", "end_on": date(2026, 9, 30)}, {}, 0),
        # Not renewed yet, because the nightly run did not happen.
        ({"end_on": date(2026, 9, 30)}, {}, 1),
        # Cancelled before it started.
        ({"status": "cancelled", "start_on": date(2026, 10, 20), "end_on": date(2026, 10, 10)}, {}, 0),
        ({"status": "void"}, {}, 0),
        (None, {}, 0),
        ({}, None, 0),
        ({}, {"removed_at": datetime(2026, 9, 30, 15, 0, tzinfo=UTC)}, 1),
        ({}, {"removed_at": datetime(2026, 9, 30, 14, 59, tzinfo=UTC)}, 0),
        ({}, {"created_at": datetime(2026, 10, 31, 15, 0, tzinfo=UTC)}, 0),
    ],
)
def test_a_customer_with_a_contract_in_force_and_a_utm_in_the_month_has_a_report(make, issue, contract, utm, issued):
    customer = make.customer()
    dates = {"start_on": date(2026, 1, 1), "end_on": date(2026, 12, 31)}
    if contract is not None:
        make.contract(customer_row=customer, **dates | contract)
    if utm is not None:
        make.utm(customer_row=customer, **{"created_at": OLD} | utm)

    assert issue(customer.tenant_id) == issued


def test_each_address_of_all_groups_gets_one_mail(make, customer, issue):
    one = {"customer_email1": "a@example.jp", "desk_email2": "desk@example.jp", "report_email3": "r@example.jp"}
    make.utm(customer_row=customer, created_at=OLD, **one)
    make.utm(customer_row=customer, created_at=OLD, report_email1="A@example.jp", customer_email3="b@example.jp")
    silent = make.customer(tenant_id=customer.tenant_id)
    make.contract(customer_row=silent, start_on=date(2026, 1, 1), end_on=date(2026, 12, 31))
    make.utm(customer_row=silent, created_at=OLD)
    theirs = make.customer_with_utm(make.tenant(), created_at=OLD, report_email1="theirs@example.jp")[0]

    assert (issue(customer.tenant_id, limit=1), issue(customer.tenant_id), issue(customer.tenant_id)) == (1, 1, 0)

    sent = mails(make)
    assert sorted(mail.recipient for mail in sent) == [
        "a@example.jp",
        "b@example.jp",
        "desk@example.jp",
        "r@example.jp",
    ]
    assert {mail.subject for mail in sent} == {"【見守りサービス】2026年10月 月次レポート(青空商店)"}
    reports = {each.customer_id: each for each in make.session.scalars(select(MonthlyReport))}
    assert set(reports) == {customer.id, silent.id}
    assert theirs.id not in reports
    assert reports[customer.id].text.strip() in sent[0].body
    assert {mail.attachment for mail in sent} == {None}


def test_the_pdf_is_attached_where_the_tenant_wants_it(make, customer, issue):
    make.utm(customer_row=customer, created_at=OLD, report_email1="r@example.jp")
    make.save(TenantSettings(tenant_id=customer.tenant_id, report_pdf=True))

    issue(customer.tenant_id)

    assert [mail.attachment for mail in mails(make)] == [f"monthly_report/{customer.id}/2026-10"]


def test_missed_months_are_issued_from_the_newest_one_on(make, in_tenant):
    customer = make.customer()
    today = date(2026, 11, 1)
    with in_tenant(customer.tenant_id) as session:
        assert issuing.missing_months(session, today=today) == [OCTOBER]
        session.add(MonthlyReport(customer_id=customer.id, month=date(2026, 8, 1), text="", content={}, created_at=NOW))
        session.flush()
        assert issuing.missing_months(session, today=today) == [date(2026, 8, 1), date(2026, 9, 1), OCTOBER]
        assert issuing.missing_months(session, today=date(2028, 1, 1))[0] == date(2027, 1, 1)


def test_a_report_is_frozen(make, customer, issue, in_tenant):
    make.utm(customer_row=customer, created_at=OLD)
    issue(customer.tenant_id)

    for write in ("UPDATE monthly_report SET text = ''", "DELETE FROM monthly_report"):
        with in_tenant(customer.tenant_id) as session, pytest.raises(ProgrammingError, match="permission denied"):
            session.connection().exec_driver_sql(write)


def test_many_customers_are_read_with_few_statements(make, engine, customer, issue):
    for _ in range(20):
        other = make.customer(tenant_id=customer.tenant_id)
        make.contract(customer_row=other, start_on=date(2026, 1, 1), end_on=date(2026, 12, 31))
        for _ in range(3):
            make.utm(customer_row=other, created_at=OLD)
    seen = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert issue(customer.tenant_id, mailed=False) == 20
    finally:
        event.remove(engine, "before_cursor_execute", note)

    assert len(seen) <= 12


def test_another_tenants_report_is_not_found(make, customer, issue, in_tenant):
    make.utm(customer_row=customer, created_at=OLD)
    issue(customer.tenant_id)

    with in_tenant(customer.tenant_id) as session:
        assert monthly.months_of(session, customer.id) == [OCTOBER]
        assert monthly.report_of(session, customer.id, OCTOBER) is not None
    with in_tenant(make.tenant().id) as session:
        assert monthly.months_of(session, customer.id) == []
        assert monthly.report_of(session, customer.id, OCTOBER) is None


def test_a_utm_has_the_history_of_the_one_it_was_exchanged_for(make, customer, store, issue):
    old = make.utm(customer_row=customer, name="本社", created_at=OLD, removed_at=at(20))
    new = make.utm(customer_row=customer, name="本社", created_at=at(20), replaces_id=old.id)
    exchanged_after_the_month = make.utm(customer_row=customer, name="支社", created_at=OLD, removed_at=NOW)
    make.utm(customer_row=customer, name="支社", created_at=NOW, replaces_id=exchanged_after_the_month.id)
    before = line(1, at=at(5, month=9), msg="Scan")
    store(old, [before, *(line(n, at=at(n), msg="Scan") for n in (2, 3))], [("2026-10-05T01", "ips", "Scan", 7)])
    store(new, [line(4, at=at(25), msg="scan")], [("2026-10-25T01", "ips", "Scan", 5)])

    issue(customer.tenant_id)

    (content,) = make.session.scalars(select(MonthlyReport.content)).all()
    parts = {part["utm_id"]: part["numbers"] for part in content["utms"]}
    assert set(parts) == {new.utm_id, exchanged_after_the_month.utm_id}
    numbers = parts[new.utm_id]
    assert (numbers["levels"]["low"], numbers["levels_before"]["low"], numbers["functions"]["ips"]) == (3, 1, 12)
    assert [threat[2] for threat in numbers["threats"]] == [3]
    assert [category[1:] for category in numbers["categories"]] == [["Scan", 12]]
