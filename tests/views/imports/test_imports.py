"""Imports from the upload to the undo."""

from __future__ import annotations

import pytest
from sqlalchemy import event, func, select, text

from jobs import imports as import_jobs
from models import clock
from models.audit import AuditEntry
from models.contracts.contract import Contract
from models.customers.customer import Customer
from models.imports import processing
from models.imports.import_run import ImportRow, ImportRun
from models.mail.outbox import MailMessage
from models.utms.utm import Utm
from tests.support.pages import Page
from tests.views.imports.files import AOZORA, HEAD, MIDORI, MORE, UTM, csv, of_tenant, run_key, upload, whole_row


def test_a_file_is_checked_and_nothing_is_written_before_it_is_started(operator, make, run_jobs):
    answer = upload(operator, csv(AOZORA, MIDORI))

    assert Page(answer.text).column("登録内容") == ["新しい顧客", "新しい顧客"]
    assert of_tenant(make, Customer, operator.tenant) == []

    key = run_key(answer)
    page = operator.post(f"/customers/import/{key}/start", follow_redirects=True)
    assert "2行中0行" in page.text
    assert page.headers["Refresh"] == "3"
    run_jobs()

    done = operator.get(f"/customers/import/{key}")
    assert Page(done.text).column("結果") == ["取り込み済み", "取り込み済み"]
    assert "Refresh" not in done.headers
    rows = of_tenant(make, Customer, operator.tenant)
    assert [(row.name, row.contact_phone, row.status) for row in rows] == [
        ("株式会社あおぞら", "0312345678", "draft"),
        ("株式会社みどり", "0312340000", "draft"),
    ]
    entries = make.session.scalars(
        select(AuditEntry).where(AuditEntry.tenant_id == operator.tenant.id, AuditEntry.action == "customer.created")
    ).all()
    assert [(each.actor, each.request_id) for each in entries] == [(operator.user.email, f"import {key}")] * 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_encodings_of_spreadsheets_and_full_width_characters_are_read(operator, imported, make, encoding):
    text_of_file = csv(AOZORA.replace("03-1234-5678", "０３ー１２３４ー５６７８")).decode()
    imported(text_of_file.encode(encoding))

    assert [row.contact_phone for row in of_tenant(make, Customer, operator.tenant)] == ["0312345678"]


def test_all_errors_of_all_rows_are_told_at_once_as_the_forms_tell_them(operator, make):
    bad = csv(
        AOZORA.replace("hanako@example.com", "hanako").replace("株式会社あおぞら", "あ" * 41),
        "",
        MIDORI.replace("東京都", "東京"),
        "A99999999" + MIDORI,
    )
    answer = upload(operator, bad)
    page = Page(answer.text)

    assert answer.status_code == 422
    assert list(zip(page.column("行"), page.column("列"), page.column("エラー"), strict=True))[:4] == [
        ("2", "会社名", "40文字以下で入力してください。"),
        ("2", "メールアドレス", "メールアドレスの形式が正しくありません。"),
        ("4", "都道府県", "選択肢から選択してください。"),
        ("5", "会社ID", "この会社IDの顧客はありません。"),
    ]
    assert make.session.scalar(select(func.count()).select_from(ImportRun)) == 0


def test_a_contract_of_too_high_an_amount_is_an_error_of_the_check(operator, sold, make):
    sold.price_editable = True
    make.session.commit()
    row = whole_row().replace(",2,,", ",9999,9999999999,")

    page = Page(upload(operator, csv(row, head=f"{HEAD},{MORE}")).text)

    assert page.column("列") == ["単価"]
    assert "99,999,999,999円" in page.column("エラー")[0]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "ファイルにデータの行がありません。"),
        (csv(), "ファイルにデータの行がありません。"),
        (csv(AOZORA, head=HEAD + ",何か"), "「何か」という列はありません。"),
        (csv(AOZORA, head=HEAD + ",会社名"), "列「会社名」が重複しています。"),
        (csv("x", head="会社名"), "次の列がありません：氏名（姓）"),
        (b"\xff\xfe\x00", "ファイルを読み取れません。"),
        (b"PK\x03\x04 no workbook", "ファイルを読み取れません。"),
        (csv(*["x"] * 5001), "ファイルは5,000行以内"),
        (b"x" * (5 * 1024 * 1024 + 1), "5MB以下のファイル"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(operator, data, told):
    answer = upload(operator, data)

    assert answer.status_code == 422
    assert told in Page(answer.text).main.text


def test_each_changed_field_is_shown_with_before_and_after_and_other_columns_stay(operator, imported, make):
    row = make.customer(tenant=operator.tenant, name="旧社名", memo1="メモ", contact_title="部長")
    data = csv(f"{row.id},新社名", head="会社ID,会社名")
    answer = upload(operator, data)

    assert Page(answer.text).column("登録内容") == ["会社名：旧社名 → 新社名"]
    imported(data)
    make.session.refresh(row)
    assert (row.name, row.memo1, row.contact_title) == ("新社名", "メモ", "部長")


def test_the_same_name_and_phone_number_as_a_customer_is_a_warning(operator, make):
    row = make.customer(tenant=operator.tenant, name="株式会社あおぞら", contact_phone="0312345678")

    answer = upload(operator, csv(AOZORA))

    assert Page(answer.text).column("確認事項") == [f"会社名と電話番号が同じ顧客がいます：{row.id}"]


def test_customers_are_imported_with_contracts_and_utms_without_mails(operator, imported, make, sold):
    make.confirmed_address(operator.tenant, "notified@example.jp")
    head = f"{HEAD},{MORE}"
    second_utm = f"{AOZORA},,,,,,,," + UTM.format(id="a0b1c2000002", serial="SERIAL-IMPORT-02")
    imported(csv(whole_row(), second_utm, head=head))

    (customer,) = of_tenant(make, Customer, operator.tenant)
    (contract,) = of_tenant(make, Contract, operator.tenant)
    assert customer.status == "active"
    assert (contract.initial_months, contract.renewal_months, contract.ships_utm) == (12, 1, False)
    assert [(line.quantity, line.unit_price, line.rate_plan_id) for line in contract.lines] == [(2, 6600, sold.id)]
    assert [(utm.utm_id, utm.customer_id) for utm in of_tenant(make, Utm, operator.tenant)] == [
        ("a0b1c2000001", customer.id),
        ("a0b1c2000002", customer.id),
    ]
    subjects = make.session.scalars(select(MailMessage.kind).where(MailMessage.tenant_id == operator.tenant.id)).all()
    assert "contract_made" not in subjects


def test_contracts_and_utms_follow_the_rules(operator, make, sold):
    head = f"{HEAD},{MORE}"
    theirs = make.utm(utm_id="a0b1c2000009")
    rows = [
        whole_row(start=-1, utm=1),
        whole_row(utm=2, customer=MIDORI).replace("見守り", "無い商品"),
        whole_row(utm=1, customer=MIDORI.replace("0000", "1111")).replace("月額,2,", "月額,0,7000"),
        whole_row(utm=9, customer=MIDORI.replace("0000", "2222")),
        MIDORI.replace("0000", "3333") + ",,,,,,,," + UTM.format(id="a0b1c2000004", serial="SERIAL-IMPORT-04"),
    ]
    page = Page(upload(operator, csv(*rows, head=head)).text)

    assert theirs.utm_id == "a0b1c2000009"
    assert list(zip(page.column("行"), page.column("列"), strict=True)) == [
        ("2", "契約開始日"),
        ("3", "商品"),
        ("4", "数量"),
        ("4", "UTM ID"),
        ("4", "製造番号"),
        ("5", "UTM ID"),
        ("6", "UTM ID"),
    ]


def test_a_known_utm_is_changed_and_its_serial_number_is_not(operator, imported, make):
    customer, utm = make.customer_with_utm(operator.tenant)
    head = "会社ID,UTM ID,UTM名"
    imported(csv(f"{customer.id},{utm.utm_id},支社", head=head))
    make.session.refresh(utm)
    assert utm.name == "支社"

    refused = upload(operator, csv(f"{customer.id},{utm.utm_id},SERIAL-OF-ANOTHER", head="会社ID,UTM ID,製造番号"))

    assert Page(refused.text).column("エラー") == ["登録済みのUTMの製造番号は変更できません。"]


def test_an_import_is_undone_as_a_whole(operator, imported, make, sold, run_jobs):
    known = make.customer(tenant=operator.tenant, name="旧社名")
    changed = f"{known.id},新社名,姓,名,a@example.com,100-0001,東京都,住所,0311112222,,,,,,,,,,,,,,"
    key = imported(csv(whole_row(), changed, head=f"{HEAD},{MORE}"))
    page = operator.post(f"/customers/import/{key}/undo", follow_redirects=True)
    assert "取り消し中" in page.text
    run_jobs()

    done = Page(operator.get(f"/customers/import/{key}").text)
    assert done.column("結果") == ["取り消し済み", "取り消し済み"]
    first, second = of_tenant(make, Customer, operator.tenant)
    assert (first.name, first.deleted_at) == ("旧社名", None)
    assert second.deleted_at is not None
    assert [row.status for row in of_tenant(make, Contract, operator.tenant)] == ["void"]
    assert [row.removed_at is not None for row in of_tenant(make, Utm, operator.tenant)] == [True]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE customer SET version = version + 1 WHERE tenant_id = :tenant",
        "UPDATE contract SET memo1 = 'neu' WHERE tenant_id = :tenant",
        "UPDATE utm SET name = 'neu' WHERE tenant_id = :tenant",
    ],
)
def test_an_import_that_changed_since_is_not_undone(operator, imported, make, sold, change):
    key = imported(csv(MIDORI + "," * 13, whole_row(), head=f"{HEAD},{MORE}"))
    make.session.execute(text(change), {"tenant": operator.tenant.id})
    make.session.commit()

    page = Page(operator.post(f"/customers/import/{key}/undo", follow_redirects=True).text)

    assert "次の行の内容が取り込み後に変更されているため、取り消せません" in page.main.text
    assert "3" in page.main.text.partition("取り消せません：")[2][:5]


def test_a_customer_that_was_given_something_since_is_not_taken_back(operator, imported, make):
    key = imported(csv(AOZORA))
    make.contract(customer_row=of_tenant(make, Customer, operator.tenant)[0])

    page = Page(operator.post(f"/customers/import/{key}/undo", follow_redirects=True).text)

    assert "取り消せません：2" in page.main.text


def test_what_changed_between_check_and_run_is_refused_and_the_rest_is_imported(operator, make, run_jobs):
    row = make.customer(tenant=operator.tenant, name="旧社名")
    rest = ",姓,名,a@example.com,100-0001,東京都,住所,0311112222,"
    key = run_key(upload(operator, csv(f"{row.id},新社名{rest}", AOZORA)))
    row.memo1 = "その間に"
    make.save(row)
    operator.post(f"/customers/import/{key}/start")
    run_jobs()

    page = Page(operator.get(f"/customers/import/{key}").text)
    assert page.column("結果") == ["取り込めませんでした ファイルのチェック後に変更されました。", "取り込み済み"]
    make.session.refresh(row)
    assert row.name == "旧社名"


def test_one_import_of_a_tenant_runs_at_a_time(operator, make):
    first, second = (run_key(upload(operator, csv(each))) for each in (AOZORA, MIDORI))
    operator.post(f"/customers/import/{first}/start")

    page = operator.post(f"/customers/import/{second}/start", follow_redirects=True)
    again = operator.post(f"/customers/import/{first}/start", follow_redirects=True)

    assert "別の取り込みを実行中です。" in page.text
    assert "この取り込みは既に開始されています。" in again.text


@pytest.mark.parametrize("batch", [1, 2])
def test_a_worker_that_dies_at_any_statement_loses_and_repeats_nothing(
    operator, make, sold, in_tenant, monkeypatch, batch
):
    monkeypatch.setattr(processing, "BATCH", batch)
    key = run_key(upload(operator, csv(whole_row(), MIDORI + "," * 13, head=f"{HEAD},{MORE}")))
    operator.post(f"/customers/import/{key}/start")

    class Killed(BaseException):
        pass

    engine, survived, kill_at = make.session.get_bind(), False, 0
    while not survived:
        kill_at += 1
        seen = 0

        def kill(*_arguments, limit=kill_at):
            nonlocal seen
            seen += 1
            if seen == limit:
                raise Killed

        event.listen(engine, "before_cursor_execute", kill)
        try:
            more = True
            while more:
                with in_tenant(operator.tenant.id) as session:
                    more = processing.work(session, now=clock.utc_now())
                    session.commit()
            survived = True
        except Killed:
            pass
        finally:
            event.remove(engine, "before_cursor_execute", kill)

    assert kill_at > 20
    assert [row.name for row in of_tenant(make, Customer, operator.tenant)] == ["株式会社あおぞら", "株式会社みどり"]
    assert len(of_tenant(make, Contract, operator.tenant)) == len(of_tenant(make, Utm, operator.tenant)) == 1
    assert [row.outcome for row in of_tenant(make, ImportRow, operator.tenant)] == ["written", "written"]
    created = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "customer.created")
    assert make.session.scalar(created.where(AuditEntry.tenant_id == operator.tenant.id)) == 2


def test_files_that_nobody_starts_are_deleted_after_a_day_and_rows_after_a_month(app, operator, imported, make):
    waiting = run_key(upload(operator, csv(MIDORI)))
    done = imported(csv(AOZORA))
    for key, age in ((waiting, "25 hours"), (done, "31 days")):
        make.session.execute(
            text(f"UPDATE import_run SET created_at = now() - interval '{age}' WHERE id = :key"), {"key": key}
        )
    make.session.commit()
    with app.app_context():
        import_jobs.sweep()

    assert operator.get(f"/customers/import/{waiting}").status_code == 404
    assert operator.get(f"/customers/import/{done}").status_code == 200
    assert of_tenant(make, ImportRow, operator.tenant) == []
    refused = operator.post(f"/customers/import/{done}/undo", follow_redirects=True)
    assert "この取り込みは、もう取り消せません。" in refused.text


def test_a_checked_file_can_be_discarded(operator):
    key = run_key(upload(operator, csv(AOZORA)))

    page = operator.post(f"/customers/import/{key}/discard", follow_redirects=True)

    assert "ファイルを破棄しました。" in page.text
    assert operator.get(f"/customers/import/{key}").status_code == 404


def test_an_import_of_another_tenant_is_not_found(operator, make, signed_in):
    key = run_key(upload(operator, csv(AOZORA)))
    tenant = make.tenant()
    other = signed_in(make.member(tenant, "Partner Operator"), tenant)

    assert other.get(f"/customers/import/{key}").status_code == 404
    assert other.post(f"/customers/import/{key}/start").status_code == 404


def test_a_viewer_has_no_import(make, signed_in):
    tenant = make.tenant()
    viewer = signed_in(make.member(tenant, "Partner Viewer"), tenant)

    assert "取り込み" not in viewer.get("/customers/").text
    assert viewer.get("/customers/import/").status_code == 403
