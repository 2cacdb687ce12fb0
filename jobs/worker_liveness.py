"""The signs of life of workers, in Redis: whether one is running, and whether workers die one after the other.

A worker notes every ``EVERY`` seconds that it is there, also during a long job, from the end of its first job on. It
removes its note when it is told to stop, so a note that grows old is one of a worker that died. Times are those of the
Redis server, because the clocks of hosts differ.
"""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis
from rq.utils import as_text

EVERY = 5.0
"""Seconds between two notes of a worker."""

SILENCE = 20.0
"""Seconds without a note after which a worker counts as dead."""

ESTABLISHED_AFTER = 60.0
"""Seconds after which a worker that is there counts as running however many have died."""

REMEMBERED = 100.0
"""Seconds for which a dead worker is remembered. Longer than ``SILENCE`` and the time between two restarts together."""

MANY_DEATHS = 2
"""The number of dead workers from which a new one is not trusted: they probably die in a loop."""

_KEY = "portal:workers"
_KEPT_FOR = 24 * 3600


@dataclass(frozen=True, slots=True)
class Workers:
    """What the notes say.

    :ivar running: the number of workers that are there.
    :ivar died: the number of workers that died within ``REMEMBERED`` seconds.
    :ivar established: whether one of those that are there has been there for a while.
    :ivar silence: seconds since the last note of any worker, None without any.
    """

    running: int
    died: int
    established: bool
    silence: float | None

    @property
    def healthy(self) -> bool:
        """Whether jobs are run: a worker is there, and it is not just the next one of a series that dies."""
        return self.running > 0 and (self.established or self.died < MANY_DEATHS)


def record(connection: Redis, worker: str, *, since: float) -> None:
    """Note that a worker is there, and forget those that died long ago.

    :param worker: its unique name.
    :param since: the time of the Redis server when it started (``server_time``).
    :raises redis.exceptions.RedisError: Redis is unavailable.
    """
    now = server_time(connection)
    long_dead = [name for name, (_, seen) in _notes(connection).items() if now - seen > REMEMBERED]
    with connection.pipeline(transaction=False) as pipeline:
        pipeline.hset(_KEY, worker, f"{since:.3f} {now:.3f}")
        if long_dead:
            pipeline.hdel(_KEY, *long_dead)
        pipeline.expire(_KEY, _KEPT_FOR)
        pipeline.execute()


def forget(connection: Redis, worker: str) -> None:
    """Remove the note of a worker that was told to stop."""
    connection.hdel(_KEY, worker)


def read(connection: Redis) -> Workers:
    """Return what the notes of all workers say.

    :raises redis.exceptions.RedisError: Redis is unavailable.
    """
    now = server_time(connection)
    notes = _notes(connection)
    alive = {name: since for name, (since, seen) in notes.items() if now - seen <= SILENCE}
    ages = [now - seen for _, seen in notes.values()]
    return Workers(
        running=len(alive),
        died=sum(SILENCE < age <= REMEMBERED for age in ages),
        established=any(now - since >= ESTABLISHED_AFTER for since in alive.values()),
        silence=max(0.0, min(ages)) if ages else None,
    )


def server_time(connection: Redis) -> float:
    """Return the time of the Redis server, in seconds since 1970."""
    seconds, microseconds = connection.time()
    return float(seconds) + float(microseconds) / 1_000_000


def _notes(connection: Redis) -> dict[str, tuple[float, float]]:
    notes = {}
    for name, value in connection.hgetall(_KEY).items():
        since, seen = as_text(value).split()
        notes[as_text(name)] = (float(since), float(seen))
    return notes
