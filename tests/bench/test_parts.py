"""Each part at a tiny size: that it runs, and compares the same with the same. No time is looked at."""

from __future__ import annotations

import csv
import io
import re
import shutil
import zipfile

import pytest

from models import clock
from tests.bench import (
    applications,
    audit,
    charts,
    contract_rows,
    customers,
    declared,
    downloads,
    growth,
    heartbeats,
    imports,
    ingest,
    invoices,
    lists,
    rights,
    signin,
    threats,
    throughput,
)
from tests.bench.finding import Missing
from tests.bench.timing import probe, processes_kept


@pytest.fixture(scope="module", autouse=True)
def _processes():
    """Starting one takes longer than most tests."""
    with processes_kept():
        yield


def test_every_page_of_the_list_has_the_stock_lists_rows_and_few_statements(tiny):
    findings = lists.measure(tiny, runs=1, far_page=2)

    statements = {each.name: int(each.figures["statements"]) for each in findings}
    assert len(statements) == len(lists.cases(tiny))
    assert max(statements.values()) <= 8, statements


def test_every_filter_and_every_order_of_the_list_is_measured(tiny):
    asked = {name for case in lists.cases(tiny) for name in case.ours}
    orders = {(case.ours["sort"], case.ours["direction"]) for case in lists.cases(tiny) if "sort" in case.ours}

    assert asked >= {"utm", "action", "level", "function", "source", "destination", "alert_id", "url", "threat", "file"}
    # Newest first is the page without arguments.
    columns = ("alert_id", "occurred_at", "utm", "function", "action", "level")
    assert orders == {(name, way) for name in columns for way in ("asc", "desc")} - {("occurred_at", "desc")}
    assert lists.cases(tiny)[0].limit == 5.0
    assert {case.limit for case in lists.cases(tiny)[1:] if "sort" not in case.ours} == {4.0}
    assert {case.limit for case in lists.cases(tiny) if "sort" in case.ours} == {2.5}


def test_a_far_page_is_as_far_as_it_says(tiny):
    case = lists.cases(tiny, far_page=4)[-1]
    start = clock.day_start(tiny.recent[0])

    with probe("portal", tiny.env) as portal:
        page = portal.ask(lists.address(tiny, portal, case), text=True)["text"]

    with tiny.owner() as owner:
        (first,) = owner.execute(
            "SELECT seq FROM alert WHERE customer_id = %s AND occurred_at >= %s"
            " ORDER BY occurred_at DESC, seq DESC OFFSET 150 LIMIT 1",
            [tiny.customer_id, start],
        ).fetchone()
    assert re.search(r'<tr id="alert-(\d+)"', page)[1] == str(first)


def test_pages_of_other_rows_are_not_compared(tiny):
    case = lists.cases(tiny)[0]

    with pytest.raises(RuntimeError, match="the portal shows 1 rows and the stock list 2"):
        lists.check_rows(case, {"rows": 3}, {"rows": 3})


def test_every_page_of_the_declared_list_has_the_stock_lists_rows_and_few_statements(tiny):
    findings = declared.measure(tiny, runs=1, rows=60, far_page=2)

    assert [each.name for each in findings] == [case.name for case in declared.cases(2)]
    assert max(int(each.figures["statements"]) for each in findings) <= 8
    with tiny.owner() as owner:
        counted = owner.execute("SELECT count(*) FROM customer WHERE tenant_id = %s", [tiny.tenant_id])
        assert counted.fetchone() == (60,)


def test_declared_pages_of_other_rows_are_not_compared():
    with pytest.raises(RuntimeError, match="the portal shows 2 rows and the stock list 1"):
        declared.check_rows(declared.cases()[0], 3, 2)


def test_growth_asks_for_the_same_pages_of_two_datasets(tiny):
    findings = growth.measure(tiny, tiny, runs=1, far_page=2)

    of_list = [case.name for case in lists.cases(tiny, far_page=2)]
    assert [each.name for each in findings] == of_list + list(growth.PAGES)


def test_a_download_is_compared_with_psqls_file_of_the_same_rows(tiny):
    if shutil.which("psql") is None or shutil.which("zip") is None:
        with pytest.raises(Missing, match="apt-get install"):
            downloads.measure(tiny, runs=1)
        return

    found, *memory = downloads.measure(tiny, runs=1, slow_rate=10_000_000)

    with tiny.owner() as owner:
        (count,) = owner.execute("SELECT count(*) FROM alert WHERE utm_id = %s", [tiny.utms[0]]).fetchone()
    assert found.name == f"{count:,} alerts"
    assert len(memory) == 2


def test_files_with_other_rows_are_not_compared():
    with pytest.raises(RuntimeError, match="The download has 1 rows and psql's file 2"):
        downloads.check_rows(_packed(["1"]), _packed(["1", "2"]))


def test_a_file_of_applications_is_compared_with_the_copy_of_its_rows_and_nothing_of_it_stays(tiny):
    tables = ("service_application", "service_delivery", "application_answer", "application_field")
    before = _counts(tiny, *tables)

    (found,) = applications.measure(tiny, runs=1, applications=3)

    with tiny.owner() as owner:
        (known,) = owner.execute(
            "SELECT count(*) FROM service_application WHERE tenant_id = %s AND state <> 'unconfirmed'", [tiny.tenant_id]
        ).fetchone()
    assert found.name == f"{known + 3} applications"
    assert found.figures.keys() == {"portal", "COPY", "ratio"}
    assert _counts(tiny, *tables) == before


def test_files_of_other_applications_are_not_compared():
    with pytest.raises(RuntimeError, match="The download has 1 rows and COPY 2"):
        applications.check_rows(b"application_number\r\nAAP-1\r\n", b"AAP-1\nAAP-2\n")


def test_alerts_are_sent_in_both_forms_and_nothing_of_them_stays(tiny):
    findings = ingest.measure(tiny, runs=1, lines=20)

    assert [each.name for each in findings] == ["20 lines, plain", "20 lines, gzip"]
    with tiny.owner() as owner:
        left = owner.execute("SELECT count(*), to_regclass('bench_copy') FROM utm WHERE utm_id = %s", [ingest.UTM])
        assert left.fetchone() == (0, None)
        assert owner.execute("SELECT count(*) FROM alert").fetchone() == (6_600,)


def test_the_same_small_pages_are_asked_of_both_servers(tiny):
    form, tenants = throughput.measure(tiny, runs=1, seconds=0)

    assert (form.name, tenants.name) == ("the form for a new password", "the list of tenants, with figures")
    assert form.figures.keys() == tenants.figures.keys() == {"portal", "stock", "ratio"}


def test_detections_are_compared_with_the_same_groups(tiny):
    (found,) = threats.measure(tiny, runs=1)

    assert found.figures.keys() == {"portal", "by hand", "ratio"}
    with pytest.raises(RuntimeError, match="The portal shows 2 detections and the statement by hand 3"):
        threats.check_rows(2, 3)


def test_heartbeats_are_taken_by_every_utm_in_turn_and_no_token_stays(tiny):
    (found,) = heartbeats.measure(tiny, runs=1, rate=60, seconds=1)

    assert found.name == "60 a second"
    with tiny.owner() as owner:
        assert owner.execute("SELECT count(*) FROM device_token").fetchone() == (0,)
        assert owner.execute("SELECT count(*) FROM utm WHERE firmware IS NOT NULL").fetchone() == (0,)
        beats = owner.execute("SELECT count(*) FROM utm WHERE last_seen_at > created_at + interval '500 days'")
        assert beats.fetchone() == (120,)


def test_waiting_in_line_counts():
    assert heartbeats.p50_p95([0.001] * 90 + [0.1] * 10) == (0.001, 0.1)


def test_a_right_taken_away_is_gone_at_the_next_request_of_each_worker(tiny):
    (found,) = rights.measure(tiny)

    assert found.figures == {"with the right": "200, 200", "without": "403, 403", "with it again": "200, 200"}
    assert found.held


def test_an_invoice_run_is_compared_with_the_insert_of_its_rows_and_nothing_of_it_stays(tiny):
    contract_rows.fill(tiny, customers=5)
    stored = "SELECT sum(balance), max(last_invoiced_on), (SELECT count(*) FROM invoice) FROM customer"
    with tiny.owner() as owner:
        before = owner.execute(stored).fetchone()

    found, memory = invoices.measure(tiny, runs=1, customers=5)

    # The first customers of the tenant; others may have contracts of other parts.
    assert int(found.name.split()[0]) >= 5
    assert found.figures.keys() == {"portal", "INSERT", "ratio"}
    assert memory.held
    with tiny.owner() as owner:
        assert owner.execute(stored).fetchone() == before
        assert owner.execute("SELECT to_regclass('bench_invoice')").fetchone() == (None,)


def test_every_search_field_of_the_customer_list_is_asked_with_few_statements(tiny):
    findings = customers.measure(tiny, runs=1, customers=5)

    assert [each.name for each in findings] == [case.name for case in customers.CASES]
    assert max(int(each.figures["statements"]) for each in findings) <= customers.STATEMENTS
    asked = {name for case in customers.CASES for name in case.arguments}
    assert asked >= {"id", "name", "balance", "last_invoiced_on", "status"}


def test_searches_with_other_rows_are_not_compared():
    with pytest.raises(RuntimeError, match="all: the portal shows 2 rows and the statement by hand 1"):
        customers.check_rows(customers.CASES[0], 2, 1)


def test_the_numbers_of_every_chart_are_compared_with_the_same_sums(tiny):
    findings = charts.measure(tiny, runs=1)

    assert [each.name for each in findings] == [
        f"{screen}, {unit}" for screen in ("threats", "average", "utms") for unit in ("day", "month")
    ]
    with pytest.raises(RuntimeError, match=r"utms, day: the portal's numbers come to 3, those by hand to 4"):
        charts.check_totals("utms", "day", 3, 4)


def test_an_import_is_compared_with_the_copy_of_its_rows_and_nothing_of_it_stays(tiny):
    findings = imports.measure(tiny, runs=1, rows=3)

    assert [each.name for each in findings] == ["3 rows, run", "check", "undo"]
    with tiny.owner() as owner:
        left = owner.execute("SELECT count(*) FROM audit_entry WHERE request_id LIKE 'import%'").fetchone()
        assert left == owner.execute("SELECT count(*) FROM import_row").fetchone() == (0,)
        assert owner.execute("SELECT count(*) FROM utm WHERE serial LIKE '%IMPORT%'").fetchone() == (0,)


def _counts(dataset, *tables):
    with dataset.owner() as owner:
        return [owner.execute(f"SELECT count(*) FROM {table}").fetchone() for table in tables]


def _packed(ids: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([["alert_id"], *([each] for each in ids)])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("alerts.csv", text.getvalue())
    return file.getvalue()


def test_both_addresses_are_answered_and_nothing_of_the_requests_stays(tiny):
    found = signin.measure(tiny, runs=1)

    assert [each.name for each in found] == list(signin.PATHS)
    with tiny.owner() as owner:
        waiting = owner.execute("SELECT count(*) FROM password_request").fetchone()
        failed = owner.execute("SELECT max(fail_login_count) FROM ab_user").fetchone()
    assert (waiting, failed) == ((0,), (0,))


def test_changes_are_chained_again_after_they_were_not(tiny):
    declared.fill(tiny, 16)

    (found,) = audit.measure(tiny, runs=2, changes=2, processes=2)

    assert found.name == "16 changes"
    with tiny.owner() as owner:
        enabled = owner.execute("SELECT tgenabled FROM pg_trigger WHERE tgname = 'chain_audit_entries'").fetchone()
        changed = owner.execute(
            "SELECT count(*), count(entry_id) FROM audit_entry LEFT JOIN audit_link ON entry_id = audit_entry.id"
            " WHERE action = 'customer.changed'"
        ).fetchone()
    # Three rounds with the chain, of which the first is not counted; those of the rounds without it are gone.
    assert (enabled, changed) == (("O",), (48, 48))
