"""ジョブ, for NEC's staff."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from redis import Redis
from rq.results import Result
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from jobs import queues, worker_liveness
from jobs.queue_monitor import QueueMonitor
from models import clock
from models.audit import AuditEntry
from models.errors import DomainError
from models.operations import schedule
from models.operations.schedule import ScheduledTask
from tests.support.concurrency import outcomes
from views.operations.job_tables import QUEUE_NAMES


@pytest.fixture
def staff(make, signed_in):
    """Staff who have chosen no tenant."""
    return signed_in(make.elevated("NEC Staff", email="staff@example.jp"))


@pytest.fixture
def tasks(engine):
    """The rows of the timetable, to be changed."""
    with Session(engine) as session:
        session.execute(delete(ScheduledTask))
        schedule.reconcile(session, now=clock.utc_now())
        session.commit()
        yield lambda name, **values: _change(session, name, values)
        session.execute(delete(ScheduledTask))
        schedule.reconcile(session, now=clock.utc_now())
        session.commit()


def _change(session, name, values) -> None:
    for key, value in values.items():
        setattr(session.get(ScheduledTask, name), key, value)
    session.commit()


@pytest.fixture
def failed(app):
    """A job that has failed."""
    with app.app_context():
        queue = queues.queue(queues.DEFAULT)
        job = queue.enqueue("jobs.mail.sweep", "secret@example.jp", **queues.LIMITS)
        app.extensions["redis"].lrem(queue.key, 0, job.id)
        frame = 'Traceback:\n  File "/srv/models/mail/outbox.py", line 9, in f\n    secret()\n'
        queue.failed_job_registry.add(job, ttl=3600)
        Result.create_failure(job, 3600, f"{frame}ValueError: secret@example.jp\n")
        job.ended_at = clock.utc_now()
        job.save()
        return job


def row(page: str, name: str) -> str:
    return next(each for each in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if name in each)


def test_every_queue_has_a_name():
    assert set(QUEUE_NAMES) == set(queues.BY_URGENCY)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, ["未実行"]),
        ({"last_claimed_at": -60, "last_finished_at": -50}, ["成功"]),
        (
            {"last_claimed_at": -60, "last_finished_at": -50, "last_error": "OperationalError 57P03"},
            ["失敗", "OperationalError 57P03"],
        ),
        ({"last_claimed_at": -50, "last_finished_at": -60, "last_error": "OperationalError"}, ["実行中"]),
        ({"last_claimed_at": -50}, ["実行中"]),
        ({"last_finished_at": -50}, ["成功"]),
        ({"next_run_at": -119}, []),
        ({"next_run_at": -180}, ["遅延"]),
    ],
)
def test_the_timetable_says_how_each_run_went(staff, tasks, values, words):
    now = clock.utc_now()
    moments = {
        key: now + timedelta(seconds=value) if isinstance(value, int) else value
        for key, value in ({"next_run_at": 60} | values).items()
    }
    tasks("mail", **moments)

    shown = row(staff.get("/staff/jobs/").text, "送信待ちメールの送信")

    for word in words:
        assert word in shown
    assert ("遅延" in shown) == ("遅延" in words)
    assert ("OperationalError" in shown) == ("失敗" in words)
    assert clock.screen_time(moments["next_run_at"]) in shown


@pytest.fixture
def queued(app):
    """The jobs in the queue of the periodic ones."""
    with app.app_context():
        queue = queues.queue(queues.PERIODIC)
    queue.empty()
    yield lambda: [job.func_name for job in queue.jobs]
    queue.empty()


RUN_DASHBOARD = "/staff/jobs/schedule/dashboard/run"


def test_the_timetable_says_how_long_the_last_run_took(staff, tasks):
    tasks("dashboard", last_finished_at=clock.utc_now(), last_run_ms=12_345)

    assert "12.3秒" in row(staff.get("/staff/jobs/").text, "ダッシュボード")


def test_a_scheduled_job_is_run_now_once_and_the_audit_log_says_who(staff, tasks, queued, make):
    answers = [staff.post(RUN_DASHBOARD, follow_redirects=True).text for _ in range(2)]

    assert queued() == ["jobs.dashboard.refresh"]
    assert "ジョブをキューに入れました。" in answers[0]
    assert "このジョブは待機中または実行中です。" in answers[1]
    entry = make.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.actor, entry.subject_id) == ("job.started", "staff@example.jp", "dashboard")
    assert staff.post("/staff/jobs/schedule/nothing/run").status_code == 404


def test_a_job_that_was_never_scheduled_cannot_be_run(staff, tasks, engine):
    with Session(engine) as session, session.begin():
        session.execute(delete(ScheduledTask).where(ScheduledTask.name == "dashboard"))

    assert staff.post(RUN_DASHBOARD).status_code == 404


def test_a_job_whose_run_ended_or_was_lost_is_run_again(staff, tasks, queued):
    now = clock.utc_now()
    tasks("dashboard", last_claimed_at=now - timedelta(minutes=11), last_finished_at=now - timedelta(hours=1))
    tasks("invoices", last_claimed_at=now - timedelta(minutes=2), last_finished_at=now - timedelta(minutes=1))

    for name in ("dashboard", "invoices"):
        staff.post(f"/staff/jobs/schedule/{name}/run")

    assert queued() == ["jobs.dashboard.refresh", "jobs.contracts.issue_invoices"]


def test_of_many_who_run_a_job_at_once_one_does(engine, tasks):
    found = outcomes(engine, "*", lambda session, _number: _claim(session))

    assert found == {"done": 1, "already": 15}


def _claim(session) -> None:
    if not schedule.claim_now(session, "dashboard", now=clock.utc_now()):
        raise DomainError("already")


def test_without_redis_nothing_is_claimed(app, staff, tasks, monkeypatch, tmp_path, make):
    monkeypatch.setitem(app.extensions, "queue_monitor", QueueMonitor(Redis.from_url(f"unix://{tmp_path}/nobody.sock")))

    assert "Redisが応答しません。" in staff.post(RUN_DASHBOARD, follow_redirects=True).text
    assert make.session.get(ScheduledTask, "dashboard").last_claimed_at is None
    assert make.session.scalars(select(AuditEntry)).all() == []


def test_the_page_says_the_same_of_the_workers_as_readyz(app, staff, tasks):
    told = "稼働中のワーカーを確認できません。"
    assert told in staff.get("/staff/jobs/").text
    assert app.test_client().get("/readyz").json["checks"]["worker"] is False

    tasks("heartbeat", last_finished_at=clock.utc_now())
    assert told in staff.get("/staff/jobs/").text
    redis = app.extensions["redis"]
    worker_liveness.record(redis, "one", since=worker_liveness.server_time(redis))

    assert told not in staff.get("/staff/jobs/").text
    assert app.test_client().get("/readyz").json["checks"]["worker"] is True


def test_without_redis_the_page_says_so_and_shows_what_the_database_knows(app, staff, failed, monkeypatch, tmp_path):
    monkeypatch.setitem(app.extensions, "queue_monitor", QueueMonitor(Redis.from_url(f"unix://{tmp_path}/nobody.sock")))

    answer = staff.get("/staff/jobs/")

    assert answer.status_code == 200
    assert "Redisが応答しません。" in answer.text
    assert "送信待ちメールの送信" in answer.text
    assert "失敗したジョブ</h2>" not in answer.text
    for method in ("retry", "delete"):
        told = staff.post(f"/staff/jobs/{failed.id}/{method}", follow_redirects=True).text
        assert "Redisが応答しません。復旧後にもう一度実行してください。" in told
    assert failed.id in failed.failed_job_registry.get_job_ids()


def test_a_failed_job_is_shown_without_what_it_was_called_with(staff, failed):
    page = staff.get("/staff/jobs/").text

    shown = row(page, "jobs.mail.sweep")
    for words in (
        "通常",
        "ValueError",
        "models/mail/outbox.py:9",
        "jobs.mail.sweep を再実行します。よろしいでしょうか。",
    ):
        assert words in shown
    assert "secret" not in page


def test_a_failed_job_is_retried_and_the_audit_log_says_who(app, staff, failed, make):
    answer = staff.post(f"/staff/jobs/{failed.id}/retry", follow_redirects=True)

    assert "ジョブをキューに戻しました。" in answer.text
    assert failed.get_status() == "queued"
    entry = make.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.actor, entry.subject_type, entry.subject_id, entry.after) == (
        "job.retried",
        "staff@example.jp",
        "Job",
        failed.id,
        {"function": "jobs.mail.sweep"},
    )
    again = staff.post(f"/staff/jobs/{failed.id}/retry", follow_redirects=True)
    assert "この失敗したジョブは既に再実行または削除されています。" in again.text


def test_a_failed_job_is_deleted_and_the_audit_log_says_who(staff, failed, make):
    answer = staff.post(f"/staff/jobs/{failed.id}/delete", follow_redirects=True)

    assert "失敗したジョブを削除しました。" in answer.text
    assert "直近24時間に失敗したジョブはありません。" in answer.text
    assert make.session.scalars(select(AuditEntry.action)).all() == ["job.deleted"]
    again = staff.post(f"/staff/jobs/{failed.id}/delete", follow_redirects=True)
    assert "この失敗したジョブは既に再実行または削除されています。" in again.text
    assert staff.post("/staff/jobs/nobody/delete").status_code == 404


def test_an_administrator_sees_the_same_inside_a_tenant(make, signed_in, failed):
    client = signed_in(make.elevated("NEC Admin"), make.tenant())

    assert "jobs.mail.sweep" in client.get("/staff/jobs/").text
