"""ジョブ: what happens by itself, for NEC's staff: queues, workers, the timetable, failed jobs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import abort, current_app, flash, redirect, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext
from redis.exceptions import RedisError
from sqlalchemy import select
from werkzeug.wrappers import Response

from models import audit, clock
from models.db import db
from models.operations import schedule
from models.operations.schedule import Entry, ScheduledTask
from views.base import PortalView, actor, render
from views.operations.health import worker_lives

OVERDUE_AFTER = timedelta(minutes=2)
"""What is due is started at the next full minute; this long after its time something is wrong."""

QUEUE_NAMES = {
    "urgent": lazy_gettext("Urgent"),
    "default": lazy_gettext("Ordinary"),
    "periodic": lazy_gettext("Periodic"),
}
"""What the queues are called on the screen."""


class JobBoardView(PortalView):
    """The jobs screen."""

    route_base = "/staff/jobs"
    class_permission_name = "JobBoard"
    tenantless = True

    @expose("/")
    @has_access
    def list(self) -> str:
        """Everything at this moment; without Redis what the database knows."""
        now = clock.utc_now()
        tasks = {task.name: task for task in db.session.scalars(select(ScheduledTask))}
        heartbeat = tasks.get("heartbeat")
        try:
            snapshot = current_app.extensions["job_board"].snapshot(now=now)
        except RedisError:
            snapshot = None
        return render(
            "operations/jobs.html",
            as_of=clock.screen_time(now),
            worker_lives=worker_lives(heartbeat, now=now),
            worker_seen_at=clock.screen_time(heartbeat.last_finished_at) if heartbeat else "",
            queues=[_queue_row(each) for each in snapshot.queues] if snapshot else None,
            workers=[_worker_row(each) for each in snapshot.workers] if snapshot else None,
            failed=[self._failed_row(each) for each in snapshot.failed] if snapshot else None,
            failed_count=sum(each.failed for each in snapshot.queues) if snapshot else 0,
            tasks=[_task_row(each, tasks.get(each.name), now=now) for each in schedule.entries()],
        )

    @expose("/<string:job_id>/retry", methods=["POST"])
    @has_access
    def retry(self, job_id: str) -> Response:
        """Put a failed job back into its queue."""
        return _change(job_id, "retry", "job.retried", gettext("The job has been put back into its queue."))

    @expose("/<string:job_id>/delete", methods=["POST"])
    @has_access
    def delete(self, job_id: str) -> Response:
        """Forget a failed job."""
        return _change(job_id, "delete", "job.deleted", gettext("The failed job has been deleted."))

    def _failed_row(self, job: Any) -> dict[str, Any]:
        may = self.appbuilder.sm.has_access
        return {
            "id": job.id,
            "function": job.function,
            "queue": QUEUE_NAMES[job.queue],
            "failed_at": clock.screen_time(job.failed_at),
            "error": job.error,
            "place": job.place,
            "retry_url": url_for("JobBoardView.retry", job_id=job.id)
            if may("can_retry", self.class_permission_name)
            else None,
            "delete_url": url_for("JobBoardView.delete", job_id=job.id)
            if may("can_delete", self.class_permission_name)
            else None,
        }


def _change(job_id: str, method: str, action: str, done: str) -> Response:
    """Do something to a failed job and note who did; 404 when there is none of this ID."""
    try:
        function = getattr(current_app.extensions["job_board"], method)(job_id)
    except RedisError:
        flash(gettext("Redis does not answer. Try again when it does."), "danger")
        return redirect(url_for("JobBoardView.list"))
    if function is None:
        abort(404)
    audit.record(db.session(), action, ("Job", job_id), by=actor(), after={"function": function})
    flash(done, "success")
    return redirect(url_for("JobBoardView.list"))


def _queue_row(queue: Any) -> dict[str, Any]:
    return {"name": QUEUE_NAMES[queue.name], "waiting": queue.waiting, "started": queue.started, "failed": queue.failed}


def _worker_row(worker: Any) -> dict[str, Any]:
    return {
        "name": worker.name,
        "job": worker.job,
        "heard_at": clock.screen_time(worker.heard_at),
        "silent": worker.silent,
    }


def _task_row(entry: Entry, task: ScheduledTask | None, *, now: datetime) -> dict[str, Any]:
    """An entry of the schedule; ``state`` is never, running, failed or done."""
    row = {
        "name": gettext(entry.label),
        "state": "never",
        "overdue": False,
        "last": "",
        "next": "",
        "error": None,
    }
    if task is None:
        return row
    begun, ended = task.last_claimed_at, task.last_finished_at
    state = "failed" if task.last_error else "done"
    if begun is not None and (ended is None or ended < begun):
        state = "running"
    elif ended is None:
        state = "never"
    return row | {
        "state": state,
        "overdue": now - task.next_run_at > OVERDUE_AFTER,
        "last": clock.screen_time(begun if state == "running" else ended),
        "next": clock.screen_time(task.next_run_at),
        "error": task.last_error if state == "failed" else None,
    }
