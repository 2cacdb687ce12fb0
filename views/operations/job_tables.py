"""The tables of the jobs screen: queues, workers, failed jobs and the timetable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext, lazy_gettext
from markupsafe import Markup

from models.operations.schedule import Entry, ScheduledTask
from views.screen import formats
from views.screen.formats import Format
from views.screen.table import Button, Empty, Table, filled_table

OVERDUE_AFTER = timedelta(minutes=2)
"""Tasks start at the next full minute; one that has not started this long after its due time is overdue."""

QUEUE_NAMES = {
    "urgent": lazy_gettext("Urgent"),
    "default": lazy_gettext("Ordinary"),
    "periodic": lazy_gettext("Periodic"),
}
"""The names of the queues on the screen."""

_SECOND = 1_000
_CODE = Format(css="font-monospace text")
_ERROR = Markup('<div class="cell">%s%s</div>')
_TASK_ERROR = Markup('<span class="small font-monospace">%s</span>')
_PLACE = Markup('<div class="small text-secondary">%s</div>')
_BADGES = formats.badge(
    {
        "silent": lazy_gettext("Silent"),
        "busy": lazy_gettext("Busy"),
        "idle": lazy_gettext("Idle"),
        "overdue": lazy_gettext("Overdue"),
    },
    {"silent": "red", "busy": "blue", "idle": "green", "overdue": "red"},
)
_TASK_STATES = formats.badge(
    {
        "never": lazy_gettext("Not run yet"),
        "running": lazy_gettext("Running"),
        "done": lazy_gettext("Succeeded"),
        "failed": lazy_gettext("Failed"),
    },
    {"running": "blue", "done": "green", "failed": "red"},
)


def queues_table(queues: Iterable[Any]) -> Table:
    """Return the table of the queues.

    :param queues: those of a snapshot of the queue monitor.
    """
    return filled_table(
        [
            (gettext("Queue"), formats.PLAIN, lambda queue: QUEUE_NAMES[queue.name]),
            (gettext("Queued"), formats.NUMBER, lambda queue: queue.waiting),
            (gettext("Running"), formats.NUMBER, lambda queue: queue.started),
            (gettext("Failed"), formats.NUMBER, lambda queue: queue.failed),
        ],
        queues,
        title=gettext("Queues"),
    )


def workers_table(workers: Sequence[Any] | None, *, seen_at: datetime | None) -> Table:
    """Return the table of the workers.

    :param workers: those of a snapshot of the queue monitor; None if Redis is unavailable.
    :param seen_at: the time of the last heartbeat.
    """
    return filled_table(
        [
            (gettext("Worker"), _CODE, lambda worker: worker.name),
            (gettext("Status"), _BADGES, _worker_state),
            (gettext("Task"), _CODE, lambda worker: worker.job),
            (gettext("Last heard of"), formats.TIME, lambda worker: worker.heard_at),
        ],
        workers or (),
        title=gettext("Workers"),
        note=gettext("Last heartbeat: %(time)s", time=formats.TIME.text(seen_at) or "-"),
        empty=Empty("plug-off", gettext("The workers are unknown while Redis is unavailable."))
        if workers is None
        else Empty(
            "server", gettext("There is no worker."), gettext("Jobs wait in their queues until one is started.")
        ),
    )


def _worker_state(worker: Any) -> str:
    if worker.silent:
        return "silent"
    return "busy" if worker.job else "idle"


def failed_table(snapshot: Any, buttons: Callable[[Any], Sequence[Button]]) -> Table:
    """Return the table of the newest failed jobs.

    :param snapshot: a snapshot of the queue monitor.
    :param buttons: returns the buttons for a job.
    """
    shown, count = len(snapshot.failed), sum(queue.failed for queue in snapshot.queues)
    return filled_table(
        [
            (gettext("Job"), _CODE, lambda job: job.function),
            (gettext("Queue"), formats.PLAIN, lambda job: QUEUE_NAMES[job.queue]),
            (gettext("Failed at"), formats.TIME, lambda job: job.failed_at),
            (gettext("Error"), _CODE, lambda job: _ERROR % (job.error, _PLACE % job.place if job.place else "")),
        ],
        snapshot.failed,
        buttons=buttons,
        title=gettext("Failed jobs"),
        note=gettext("The newest %(shown)s of %(count)s", shown=shown, count=count) if count > shown else "",
        empty=Empty("circle-check", gettext("No job has failed in the last 24 hours.")),
    )


def timetable(
    entries: Iterable[Entry],
    tasks: Mapping[str, ScheduledTask],
    buttons: Callable[[Entry, ScheduledTask | None], Sequence[Button]],
    *,
    now: datetime,
) -> Table:
    """Return the table of the scheduled tasks.

    :param tasks: the rows of the tasks by name; those never scheduled are missing.
    :param buttons: returns the buttons for a task.
    """
    return filled_table(
        [
            (gettext("Event"), formats.TEXT, lambda row: gettext(row[0].label)),
            (gettext("Last run"), formats.TIME, lambda row: _last_run(row[1])),
            (gettext("Duration"), formats.WORD, lambda row: _duration(row[1])),
            (gettext("Result"), formats.TEXT, lambda row: _outcome(row[1])),
            (gettext("Next run"), formats.PLAIN, lambda row: _next_run(row[1], now)),
        ],
        [(entry, tasks.get(entry.name)) for entry in entries],
        buttons=lambda row: buttons(*row),
        title=gettext("Timetable"),
    )


def task_state(task: ScheduledTask | None) -> str:
    """Return ``never``, ``running``, ``failed`` or ``done``.

    :param task: the row of the task; None if it was never scheduled.
    """
    if task is None:
        return "never"
    started, ended = task.last_claimed_at, task.last_finished_at
    if started is not None and (ended is None or ended < started):
        return "running"
    if ended is None:
        return "never"
    return "failed" if task.last_error else "done"


def _last_run(task: ScheduledTask | None) -> datetime | None:
    if task is None:
        return None
    return task.last_claimed_at if task_state(task) == "running" else task.last_finished_at


def _duration(task: ScheduledTask | None) -> str | None:
    """Return how long the last finished run took."""
    if task is None or task.last_run_ms is None:
        return None
    if task.last_run_ms < _SECOND:
        return gettext("%(count)s ms", count=task.last_run_ms)
    return gettext("%(seconds)s s", seconds=f"{task.last_run_ms / _SECOND:.1f}")


def _outcome(task: ScheduledTask | None) -> Markup:
    state = task_state(task)
    error = _TASK_ERROR % task.last_error if task is not None and state == "failed" else ""
    return _ERROR % (_TASK_STATES.cell(state), error)


def _next_run(task: ScheduledTask | None, now: datetime) -> Markup | None:
    if task is None:
        return None
    overdue = _BADGES.cell("overdue") if now - task.next_run_at > OVERDUE_AFTER else ""
    return Markup("<span>%s %s</span>") % (formats.TIME.cell(task.next_run_at), overdue)
