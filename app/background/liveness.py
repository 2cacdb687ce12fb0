"""The thread of a worker that notes every few seconds that it is there (``jobs/worker_liveness.py``).

A thread, because RQ's worker does nothing else during a job, and a long job must not make it look dead.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from contextlib import suppress
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from jobs import queues, worker_liveness

STUCK_AFTER = queues.JOB_TIMEOUT + 60.0
"""Seconds without progress of the worker after which the thread says nothing any more. No job takes that long."""


class Liveness:
    """The notes of this process.

    :param redis_url: of the Redis of the queues.
    """

    def __init__(self, redis_url: str) -> None:
        self._connection = Redis.from_url(
            redis_url, socket_timeout=5, socket_connect_timeout=5, retry=Retry(NoBackoff(), 0)
        )
        # The number, because containers are alike in host name and process ID after a restart.
        self._name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._since: float | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, worker: Any) -> None:
        """Note that the process is there, from now on until ``end``; it has run a job.

        :param worker: the worker, whose ``progress`` is when it last did something, on the monotonic clock.
        """
        if self._thread is not None:
            return
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, args=(worker, self._ended), name="liveness", daemon=True)
        # The first note is written before the job counts as done.
        self._record(worker)
        self._thread.start()

    def end(self, *, forget: bool) -> None:
        """Stop.

        :param forget: whether the process ends because it was told to, so that it is not taken for dead.
        """
        if self._thread is None:
            return
        self._ended.set()
        self._thread.join(timeout=1)
        self._thread, self._ended = None, threading.Event()
        if forget:
            with suppress(RedisError):
                worker_liveness.forget(self._connection, self._name)

    def _run(self, worker: Any, ended: threading.Event) -> None:
        while not ended.wait(worker_liveness.EVERY):
            self._record(worker)

    def _record(self, worker: Any) -> None:
        if time.monotonic() - worker.progress > STUCK_AFTER:
            return
        # Without Redis, there are no jobs either; the next note follows when it is back.
        with suppress(RedisError):
            if self._since is None:
                self._since = worker_liveness.server_time(self._connection)
            worker_liveness.record(self._connection, self._name, since=self._since)
