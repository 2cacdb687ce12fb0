"""What RQ knows, for the screen of NEC's staff: queues, workers, failed jobs; retrying and deleting those.

Read through a connection that answers within seconds or not at all. RQ's own ``Worker.all`` is not used: it lengthens
the timeout of the connection it is given to that of a worker, and a page would wait for minutes.
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

MOST_FAILED = 50
"""How many failed jobs are shown, the newest."""

IDLE_SILENCE = timedelta(seconds=90)
"""A worker that waits for jobs is heard of every 45 seconds; after this long without a word it counts as silent."""

BUSY_SILENCE = timedelta(seconds=queues.JOB_TIMEOUT + 60)
"""The same for one that does a job: it is not heard of until the job ends."""

_FUNCTION = re.compile(r"[A-Za-z_][\w.]*")
_RAISED = re.compile(r"^(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)(?:: (.*))?$")
_NAMED = re.compile(r"\b[A-Z]\w*(?:Error|Exception)\b")
_PLACE = re.compile(r"(?:models|jobs)/(?:\w+/)*\w+\.py:\d+")
_FRAME = re.compile(r'File "[^"]*/((?:models|jobs)/(?:\w+/)*\w+\.py)", line (\d+)')
_SELF = "jobs/job.py"


@dataclass(frozen=True, slots=True)
class QueueState:
    """How many jobs of a queue wait, are being done, have failed."""

    name: str
    waiting: int
    started: int
    failed: int


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker.

    :ivar name: its host and process.
    :ivar job: the dotted name of what it does, None while it waits.
    :ivar heard_at: when it last gave a sign.
    :ivar silent: that is too long ago: it has probably been killed.
    """

    name: str
    job: str | None
    heard_at: datetime | None
    silent: bool


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that failed. What it was called with and the words of the exception are not shown to anybody.

    :ivar function: its dotted name.
    :ivar error: the class of the exception; from the database sqlstate and constraint too.
    :ivar place: the line of ours that raised it, such as ``jobs/mail.py:31``, None where nobody knows.
    """

    id: str
    queue: str
    function: str
    failed_at: datetime | None
    error: str
    place: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one moment."""

    queues: list[QueueState]
    workers: list[WorkerState]
    failed: list[FailedJob]


class Board:
    """RQ's state.

    Every method raises ``redis.exceptions.RedisError`` when Redis is away.

    :param connection: with a timeout of seconds.
    """

    def __init__(self, connection: Redis) -> None:
        self._connection = connection

    def snapshot(self, *, now: datetime) -> Snapshot:
        """Everything at this moment."""
        waiting = [self._queue(name) for name in queues.BY_URGENCY]
        states = [
            QueueState(
                queue.name,
                queue.count,
                # No cleaning: a page that is looked at changes nothing.
                queue.started_job_registry.get_job_count(cleanup=False),
                queue.failed_job_registry.get_job_count(cleanup=True),
            )
            for queue in waiting
        ]
        failed = sorted(self._failed(waiting), key=_newest_first)[:MOST_FAILED]
        return Snapshot(states, sorted(self._workers(now), key=lambda worker: worker.name), failed)

    def retry(self, job_id: str) -> str | None:
        """Put a failed job back into its queue.

        :returns: its dotted name; None when it has not failed, or no longer.
        """
        return self._take(job_id, again=True)

    def delete(self, job_id: str) -> str | None:
        """Forget a failed job.

        :returns: its dotted name; None when it has not failed, or no longer.
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
                    # Somebody was quicker, and may have put it back into its queue.
                    return None
            except (NoSuchJobError, InvalidJobOperation):
                return None
            return _function(job)
        return None

    def _queue(self, name: str) -> Queue:
        return Queue(name, connection=self._connection)

    def _failed(self, waiting: list[Queue]) -> Iterator[FailedJob]:
        for queue in waiting:
            ids = queue.failed_job_registry.get_job_ids(0, MOST_FAILED - 1, desc=True)
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
        """The dotted name of what a worker is doing, None when it has just ended."""
        members = self._connection.smembers(WORKER_EXECUTIONS_KEY_TEMPLATE.format(worker_name))
        ids = [Execution.from_composite_key(as_text(each), connection=self._connection).job_id for each in members]
        found = [_function(job) for job in Job.fetch_many(ids, connection=self._connection) if job is not None]
        return found[0] if found else None


def error_of(raised: str) -> str:
    """What kind of exception a traceback ends with: its class alone, and of a job of ours what it says itself.

    >>> error_of("Moved to FailedJobRegistry, due to AbandonedJobError, at 2026-11-22")
    'AbandonedJobError'
    """
    ending = _ending(raised)
    said = _RAISED.match(ending[0]) if ending else None
    if said is None:
        named = _NAMED.search(raised)
        return named[0] if named else "-"
    # Nobody's data is in the words of a job of ours: jobs.job.
    return said[2] if said[1] == JobFailed.__name__ and said[2] else said[1]


def place_of(raised: str) -> str | None:
    """The line of ours a traceback leads to: the one a job of ours names, else the innermost frame."""
    noted = [line for line in _ending(raised)[1:] if _PLACE.fullmatch(line)]
    frames = [f"{file}:{line}" for file, line in _FRAME.findall(raised) if file != _SELF]
    found = noted or frames
    return found[-1] if found else None


def _ending(raised: str) -> list[str]:
    """The lines of a traceback behind its last frame: the exception and its words."""
    lines = raised.strip().splitlines()
    last_frame = max((number for number, line in enumerate(lines) if line.startswith('  File "')), default=None)
    if last_frame is None:
        return []
    return [line for line in lines[last_frame + 1 :] if line and not line.startswith(" ")]


def _function(job: Job) -> str:
    """A job's dotted name, without what it was called with."""
    name = _FUNCTION.match(job.description or "")
    return name[0] if name else "-"


def _newest_first(job: FailedJob) -> float:
    return -job.failed_at.timestamp() if job.failed_at else 0.0
