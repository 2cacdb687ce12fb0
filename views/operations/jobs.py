"""ジョブ: the queues, workers, timetable and failed jobs, for NEC staff."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import abort, current_app, redirect, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from redis.exceptions import RedisError
from sqlalchemy import select
from werkzeug.wrappers import Response

from models import audit, clock, scope
from models.db import db
from models.errors import N_
from models.operations import schedule
from models.operations.schedule import Entry, ScheduledTask
from views.base import PortalView, actor, render
from views.flashes import flash_error, flash_success, flash_warning
from views.operations.health import schedule_runs
from views.operations.job_tables import failed_table, queues_table, timetable, workers_table
from views.screen.table import ICON_BUTTON, Button, Question

UNDERWAY = N_("This job is queued or running already.")


class JobBoardView(PortalView):
    """The jobs screen."""

    route_base = "/staff/jobs"
    class_permission_name = "JobBoard"
    tenantless = True

    @expose("/")
    @has_access
    def list(self) -> str:
        """Show the current state; without Redis, only what is in the database."""
        now = clock.utc_now()
        tasks = {task.name: task for task in db.session.scalars(select(ScheduledTask))}
        heartbeat = tasks.get("heartbeat")
        running = schedule_runs(heartbeat, now=now)
        try:
            snapshot = current_app.extensions["queue_monitor"].snapshot(now=now)
            running = running and current_app.extensions["workers"]().healthy
        except RedisError:
            snapshot = None
        return render(
            "operations/jobs.html",
            as_of=clock.screen_time(now),
            worker_is_running=running,
            queues=queues_table(snapshot.queues) if snapshot else None,
            workers=workers_table(
                snapshot.workers if snapshot else None, seen_at=heartbeat.last_finished_at if heartbeat else None
            ),
            failed=failed_table(snapshot, self._failed_buttons) if snapshot else None,
            timetable=timetable(schedule.entries(), tasks, self._run_buttons, now=now),
        )

    @expose("/<string:job_id>/retry", methods=["POST"])
    @has_access
    def retry(self, job_id: str) -> Response:
        """Put a failed job back into its queue."""
        return _change(job_id, "retry", "job.retried", gettext("The job has been put back into its queue."))

    @expose("/<string:job_id>/delete", methods=["POST"])
    @has_access
    def delete(self, job_id: str) -> Response:
        """Delete a failed job."""
        return _change(job_id, "delete", "job.deleted", gettext("The failed job has been deleted."))

    @expose("/schedule/<string:name>/run", methods=["POST"])
    @has_access
    def run(self, name: str) -> Response:
        """Put a scheduled job into its queue now, unless it is queued or running already."""
        now = clock.utc_now()
        try:
            claimed = schedule.claim_now(db.session(), name, now=now)
        except LookupError:
            abort(404)
        if not claimed:
            flash_warning(gettext(UNDERWAY))
            return redirect(url_for("JobBoardView.list"))
        try:
            # Before the commit, as in a tick: if the commit fails, the job runs and nothing is lost.
            current_app.extensions["queue_monitor"].start(schedule.entry(name))
        except RedisError:
            db.session.rollback()
            flash_error(gettext("Redis does not respond. Try again later."))
            return redirect(url_for("JobBoardView.list"))
        audit.record(db.session(), "job.started", ("ScheduledTask", name), by=actor())
        flash_success(gettext("The job has been put into its queue."))
        return redirect(url_for("JobBoardView.list"))

    def _run_buttons(self, entry: Entry, task: ScheduledTask | None) -> Sequence[Button]:
        """Return the button that runs a scheduled job now, if the user may."""
        if task is None or not self.appbuilder.sm.has_access("can_run", self.class_permission_name):
            return []
        label = gettext(entry.label)
        question = Question(gettext("%(name)s will be run now. Are you sure?", name=label), gettext("Run job now"))
        underway = schedule.is_underway(task, now=clock.utc_now())
        return [
            Button(
                gettext("Run now"),
                url_for("JobBoardView.run", name=entry.name),
                "player-play",
                gettext("Run %(name)s now", name=label),
                {},
                question,
                gettext(UNDERWAY) if underway else None,
                css="btn btn-sm text-nowrap",
            )
        ]

    def _failed_buttons(self, job: Any) -> Sequence[Button]:
        """Return the buttons for what the user may do with a failed job."""
        buttons = {
            "retry": Button(
                gettext("Run again"),
                url_for("JobBoardView.retry", job_id=job.id),
                "refresh",
                values={},
                question=Question(
                    gettext("%(name)s will be run again. Are you sure?", name=job.function), gettext("Run job again")
                ),
                css="btn btn-sm text-nowrap",
            ),
            "delete": Button(
                "",
                url_for("JobBoardView.delete", job_id=job.id),
                "trash",
                gettext("Delete %(name)s", name=job.function),
                {},
                Question(
                    gettext("The failed job %(name)s will be deleted. Are you sure?", name=job.function),
                    gettext("Delete failed job"),
                    "danger",
                ),
                css=ICON_BUTTON,
            ),
        }
        may = self.appbuilder.sm.has_access
        return [each for name, each in buttons.items() if may(f"can_{name}", self.class_permission_name)]


def _change(job_id: str, method: str, action: str, done: str) -> Response:
    """Retry or delete a failed job and record it in the audit log; 404 if no failed job has this ID.

    :param method: the method of the queue monitor, ``retry`` or ``delete``.
    :param action: the action in the audit log.
    :param done: the message on success.
    """
    try:
        function = getattr(current_app.extensions["queue_monitor"], method)(job_id)
    except RedisError:
        flash_error(gettext("Redis does not respond. Try again later."))
        return redirect(url_for("JobBoardView.list"))
    if function is None:
        with scope.all_tenants("jobs are of no tenant, and so are their audit entries") as session:
            if not audit.has_entry(session, ("Job", job_id), tenant_id=None):
                abort(404)
        flash_warning(gettext("This failed job has already been run again or deleted."))
        return redirect(url_for("JobBoardView.list"))
    audit.record(db.session(), action, ("Job", job_id), by=actor(), after={"function": function})
    flash_success(done)
    return redirect(url_for("JobBoardView.list"))
