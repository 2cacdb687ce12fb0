"""PostgreSQL and Redis for a machine that has neither: real servers from wheels, under the instance folder.

They run as children of the process that starts them and end with it, also when it is killed. In production both are
given by URL and nothing here runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.local.embedded.postgres import EmbeddedPostgres
from app.local.embedded.redis_server import EmbeddedRedis
from app.local.embedded.server import EmbeddedServer, ServiceError

__all__ = ["EmbeddedPostgres", "EmbeddedRedis", "EmbeddedServer", "ServiceError", "Services", "services"]


@dataclass(frozen=True)
class Services:
    """What ``services()`` yields."""

    #: DATABASE_URL, REDIS_URL and, where one is known, DATABASE_OWNER_URL.
    env: Mapping[str, str]
    #: The servers that were started, in the order of their start.
    servers: Sequence[EmbeddedServer]

    def failed(self) -> EmbeddedServer | None:
        """Return a server that was started and has ended by itself, or None."""
        return next((server for server in self.servers if not server.running), None)


@contextmanager
def services(instance: Path, env: Mapping[str, str] | None = None, *, durable: bool = True) -> Iterator[Services]:
    """Run what ``env`` does not give by URL, as long as the block lasts.

    :param instance: the instance folder; the servers keep their files in ``postgres`` and ``redis`` under it.
    :param env: where DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL are looked up, ``os.environ`` when not given.
    :param durable: False trades safety against a power cut for speed, for tests.
    :raises ServiceError: a server cannot be started; the text is one line.
    """
    given = os.environ if env is None else env
    urls = {name: given[name] for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL") if given.get(name)}
    if "DATABASE_OWNER_URL" in urls and "DATABASE_URL" not in urls:
        # The owner would upgrade one database and the portal would serve another.
        raise ServiceError("DATABASE_OWNER_URL is set without DATABASE_URL: set both or neither.")

    servers: list[EmbeddedServer] = []
    with ExitStack() as stack:
        if "DATABASE_URL" not in urls:
            postgres = EmbeddedPostgres(instance / "postgres", durable=durable)
            stack.callback(postgres.stop)
            postgres.start()
            servers.append(postgres)
            urls["DATABASE_URL"] = postgres.url("portal_app", "portal")
            urls["DATABASE_OWNER_URL"] = postgres.url("portal_owner", "portal")
        if "REDIS_URL" not in urls:
            redis = EmbeddedRedis(instance / "redis", durable=durable)
            stack.callback(redis.stop)
            redis.start()
            servers.append(redis)
            urls["REDIS_URL"] = redis.url()
        yield Services(urls, servers)
