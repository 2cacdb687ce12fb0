"""Rows of an import that are written and undone together."""

from __future__ import annotations

import pytest
from sqlalchemy import event, select, text

from models import clock
from models.audit import AuditEntry
from models.contracts.contract import Contract
from models.customers.customer import Customer
from models.imports import processing
from models.imports.import_run import ImportRow
from models.utms.utm import Utm
from tests.support.pages import Page
from tests.views.imports.files import HEAD, MORE, UTM, csv, of_tenant, run_key, upload, whole_row


def new_customer(number: int) -> str:
    return f",株式会社{number},青空,花子,hanako@example.com,100-0001,東京都,千代田区{number},03-0000-{number:04d},"


def whole_file(first: int, rows: int) -> bytes:
    numbers = range(first, first + rows)
    return csv(*(whole_row(utm=number, customer=new_customer(number)) for number in numbers), head=f"{HEAD},{MORE}")


@pytest.fixture
def counted(operator, make, in_tenant):
    """Work on the tenant's import to its end, and return the number of statements."""

    def work() -> int:
        statements = []

        def count(*arguments):
            statements.append(arguments[2])

        event.listen(make.session.get_bind(), "before_cursor_execute", count)
        try:
            more = True
            while more:
                with in_tenant(operator.tenant.id) as session:
                    more = processing.work(session, now=clock.utc_now())
                    session.commit()
        finally:
            event.remove(make.session.get_bind(), "before_cursor_execute", count)
        return len(statements)

    return work


def test_many_rows_take_as_many_statements_as_few(operator, sold, counted):
    ran, undone = [], []
    for first, rows in ((10, 2), (20, 30)):
        key = run_key(upload(operator, whole_file(first, rows)))
        operator.post(f"/customers/import/{key}/start")
        ran.append(counted())
        operator.post(f"/customers/import/{key}/undo")
        undone.append(counted())

    assert ran[0] == ran[1] <= 40
    assert undone[0] == undone[1] <= 40


def test_many_changed_rows_take_few_statements_but_the_updates_of_customers(operator, make, counted):
    ran, undone = [], []
    for rows in (2, 20):
        known = [make.customer_with_utm(operator.tenant) for _ in range(rows)]
        head = "会社ID,部署名,UTM ID,UTM名"
        data = csv(*(f"{customer.id},営業部,{utm.utm_id},支社" for customer, utm in known), head=head)
        key = run_key(upload(operator, data))
        operator.post(f"/customers/import/{key}/start")
        ran.append(counted())
        operator.post(f"/customers/import/{key}/undo")
        undone.append(counted())

    # But one for each customer: SQLAlchemy checks the version of each.
    assert ran[0] - 2 == ran[1] - 20 <= 25
    assert undone[0] - 2 == undone[1] - 20 <= 30


def test_refused_rows_do_not_hold_up_the_rows_of_their_batch(operator, make, sold, run_jobs):
    key = run_key(upload(operator, whole_file(10, 12)))
    for number in (11, 18):
        make.utm(utm_id=f"a0b1c20000{number:02d}")
    operator.post(f"/customers/import/{key}/start")
    run_jobs()

    rows = of_tenant(make, ImportRow, operator.tenant)
    assert [row.number for row in rows if row.outcome == "refused"] == [3, 10]
    assert [row.outcome for row in rows].count("written") == 10
    assert "このUTM IDは既に登録されています。" in operator.get(f"/customers/import/{key}").text
    for model in (Customer, Contract, Utm):
        assert len(of_tenant(make, model, operator.tenant)) == 10
    entries = select(AuditEntry.action).where(AuditEntry.request_id == f"import {key}")
    actions = list(make.session.scalars(entries))
    assert sorted(actions) == sorted(["customer.created", "contract.created", "utm.registered"] * 10)


def test_only_refused_pieces_of_a_batch_are_written_row_by_row(operator, make, sold, monkeypatch, counted):
    monkeypatch.setattr(processing, "_PIECE", 3)
    key = run_key(upload(operator, whole_file(10, 12)))
    make.utm(utm_id="a0b1c2000014")
    operator.post(f"/customers/import/{key}/start")
    statements = counted()

    rows = of_tenant(make, ImportRow, operator.tenant)
    assert [row.number for row in rows if row.outcome == "refused"] == [6]
    assert len({row.written["customer"]["id"] for row in rows if row.written}) == 11
    # The batch, its four pieces and the rows of one of them, in place of 12 rows.
    assert statements <= 8 * 30


def test_rows_of_one_customer_are_refused_with_the_row_that_makes_it(operator, make, sold, run_jobs):
    second_utm = f"{new_customer(10)},,,,,,,," + UTM.format(id="A0:B1:C2:00:00:11", serial="SERIAL-IMPORT-11")
    whole = [whole_row(utm=number, customer=new_customer(number)) for number in (10, 12, 13)]
    key = run_key(upload(operator, csv(whole[0], second_utm, *whole[1:], head=f"{HEAD},{MORE}")))
    make.utm(utm_id="a0b1c2000010")
    operator.post(f"/customers/import/{key}/start")
    run_jobs()

    page = Page(operator.get(f"/customers/import/{key}").text)
    assert [row.outcome for row in of_tenant(make, ImportRow, operator.tenant)] == ["refused"] * 2 + ["written"] * 2
    assert "同じ顧客の2行目を取り込めませんでした。" in page.column("結果")[1]


def test_a_row_that_changed_while_undoing_is_kept_and_the_others_are_undone(operator, make, sold, imported, run_jobs):
    key = imported(whole_file(10, 6))
    operator.post(f"/customers/import/{key}/undo")
    changed = "UPDATE utm SET name = 'neu' WHERE utm_id = 'a0b1c2000013'"
    make.session.execute(text(changed))
    make.session.commit()
    run_jobs()

    rows = of_tenant(make, ImportRow, operator.tenant)
    assert [row.outcome for row in rows] == ["undone"] * 3 + ["kept"] + ["undone"] * 2
    assert [row.deleted_at is None for row in of_tenant(make, Customer, operator.tenant)].count(True) == 1
