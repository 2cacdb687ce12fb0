"""RQ's state for the jobs screen of NEC staff: queues, workers and failed jobs, which can be retried and deleted.

It uses a connection with a timeout of seconds. RQ's own ``Worker.all`` is avoided because it raises the timeout of its
connection to that of a worker, so that a page would wait for minutes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis import Redis
from rq import Queue
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.executions import WORKER_EXECUTIONS_KEY_TEMPLATE, Execution
from rq.job import Job
from rq.utils import as_text, utcparse
from rq.worker.base import BaseWorker, WorkerStatus
from rq.worker_registration import get_keys

from jobs import queues
from jobs.job import JobFailed
from jobs.queue_figures import QueueState
from models.operations.schedule import Entry

MAX_FAILED = 50
"""The maximum number of failed jobs shown; the newest ones."""

IDLE_SILENCE = timedelta(seconds=90)
"""An idle worker sends a heartbeat every 45 seconds; without one for this long it counts as silent."""

BUSY_SILENCE = timedelta(seconds=queues.JOB_TIMEOUT + 60)
"""The same for a busy worker, which sends no heartbeat before its job ends."""

_FUNCTION = re.compile(r"[A-Za-z_][\w.]*")
_RAISED = re.compile(r"^(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)(?:: (.*))?$")
_NAMED = re.compile(r"\b[A-Z]\w*(?:Error|Exception)\b")
_PLACE = re.compile(r"(?:models|jobs)/(?:\w+/)*\w+\.py:\d+")
_FRAME = re.compile(r'File "[^"]*/((?:models|jobs)/(?:\w+/)*\w+\.py)", line (\d+)')
_SELF = "jobs/job.py"


@dataclass(frozen=True, slots=True)
class WorkerState:
    """The state of a worker.

    :ivar name: its host name and process ID.
    :ivar job: the dotted path of the job it runs, None while it is idle.
    :ivar heard_at: the time of its last heartbeat.
    :ivar silent: whether that is too long ago, so that the worker was probably killed.
    """

    name: str
    job: str | None
    heard_at: datetime | None
    silent: bool


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A failed job. Its arguments and the message of the exception may contain personal data and are not shown.

    :ivar function: its dotted path.
    :ivar error: the class of the exception; for database errors also the SQLSTATE and the constraint.
    :ivar place: the line of our code that raised it, such as ``jobs/mail.py:31``, None if unknown.
    """

    id: str
    queue: str
    function: str
    failed_at: datetime | None
    error: str
    place: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of queues, workers and failed jobs at one time."""

    queues: list[QueueState]
    workers: list[WorkerState]
    failed: list[FailedJob]


class QueueMonitor:
    """Access to RQ's state.

    Every method raises ``redis.exceptions.RedisError`` when Redis is unavailable.

    :param connection: a connection with a timeout of seconds.
    """

    def __init__(self, connection: Redis) -> None:
        self._connection = connection

    def start(self, entry: Entry) -> None:
        """Put the job of an entry of the schedule into its queue."""
        queues.enqueue(entry.queue, entry.job, connection=self._connection)

    def snapshot(self, *, now: datetime) -> Snapshot:
        """Return the current state."""
        waiting = [self._queue(name) for name in queues.BY_URGENCY]
        states = [
            QueueState(
                queue.name,
                queue.count,
                # Without cleanup, because viewing a page must not change anything.
                queue.started_job_registry.get_job_count(cleanup=False),
                queue.failed_job_registry.get_job_count(cleanup=True),
            )
            for queue in waiting
        ]
        failed = sorted(self._failed(waiting), key=_newest_first)[:MAX_FAILED]
        return Snapshot(states, sorted(self._workers(now), key=lambda worker: worker.name), failed)

    def retry(self, job_id: str) -> str | None:
        """Put a failed job back into its queue.

        :returns: its dotted path; None if the job is not, or no longer, failed.
        """
        return self._take(job_id, again=True)

    def delete(self, job_id: str) -> str | None:
        """Delete a failed job.

        :returns: its dotted path; None if the job is not, or no longer, failed.
        """
        return self._take(job_id, again=False)

    def _take(self, job_id: str, *, again: bool) -> str | None:
        for name in queues.BY_URGENCY:
            registry = self._queue(name).failed_job_registry
            if job_id not in registry:
                continue
            try:
                job = Job.fetch(job_id, connection=self._connection)
                if again:
                    registry.requeue(job)
                elif registry.remove(job):
                    job.delete()
                else:
                    # Another request was first, and may have put the job back into its queue.
                    return None
            except (NoSuchJobError, InvalidJobOperation):
                return None
            return _function(job)
        return None

    def _queue(self, name: str) -> Queue:
        return Queue(name, connection=self._connection)

    def _failed(self, waiting: list[Queue]) -> Iterator[FailedJob]:
        for queue in waiting:
            ids = queue.failed_job_registry.get_job_ids(0, MAX_FAILED - 1, desc=True)
            for job in Job.fetch_many(ids, connection=self._connection):
                if job is not None:
                    result = job.latest_result()
                    raised = (result and result.exc_string) or ""
                    yield FailedJob(
                        job.id, queue.name, _function(job), job.ended_at, error_of(raised), place_of(raised)
                    )

    def _workers(self, now: datetime) -> Iterator[WorkerState]:
        for key in get_keys(connection=self._connection):
            facts = {as_text(name): as_text(value) for name, value in self._connection.hgetall(key).items()}
            if not facts or "death" in facts:
                continue
            name = key.removeprefix(BaseWorker.redis_worker_namespace_prefix)
            job = self._job_of(name) if facts.get("state") == WorkerStatus.BUSY else None
            heard_at = utcparse(facts["last_heartbeat"]) if facts.get("last_heartbeat") else None
            most = IDLE_SILENCE if job is None else BUSY_SILENCE
            yield WorkerState(
                f"{facts.get('hostname', '?')}:{facts.get('pid', '?')}",
                job,
                heard_at,
                silent=heard_at is None or now - heard_at > most,
            )

    def _job_of(self, worker_name: str) -> str | None:
        """Return the dotted path of a worker's current job, None if it has just ended."""
        members = self._connection.smembers(WORKER_EXECUTIONS_KEY_TEMPLATE.format(worker_name))
        ids = [Execution.from_composite_key(as_text(each), connection=self._connection).job_id for each in members]
        found = [_function(job) for job in Job.fetch_many(ids, connection=self._connection) if job is not None]
        return found[0] if found else None


def error_of(raised: str) -> str:
    """Return the class of the exception at the end of a traceback; for ``JobFailed``, its message.

    >>> error_of("Moved to FailedJobRegistry, due to AbandonedJobError, at 2026-11-22")
    'AbandonedJobError'
    """
    ending = _ending(raised)
    said = _RAISED.match(ending[0]) if ending else None
    if said is None:
        named = _NAMED.search(raised)
        return named[0] if named else "-"
    # The message of JobFailed contains no personal data (jobs.job).
    return said[2] if said[1] == JobFailed.__name__ and said[2] else said[1]


def place_of(raised: str) -> str | None:
    """Return the line of our code where a traceback starts: the one noted by ``JobFailed``, or the innermost frame."""
    noted = [line for line in _ending(raised)[1:] if _PLACE.fullmatch(line)]
    frames = [f"{file}:{line}" for file, line in _FRAME.findall(raised) if file != _SELF]
    found = noted or frames
    return found[-1] if found else None


def _ending(raised: str) -> list[str]:
    """Return the lines of a traceback after its last frame: the exception with its message and notes."""
    lines = raised.strip().splitlines()
    last_frame = max((number for number, line in enumerate(lines) if line.startswith('  File "')), default=None)
    if last_frame is None:
        return []
    return [line for line in lines[last_frame + 1 :] if line and not line.startswith(" ")]


def _function(job: Job) -> str:
    """Return a job's dotted path, without its arguments."""
    name = _FUNCTION.match(job.description or "")
    return name[0] if name else "-"


def _newest_first(job: FailedJob) -> float:
    return -job.failed_at.timestamp() if job.failed_at else 0.0
