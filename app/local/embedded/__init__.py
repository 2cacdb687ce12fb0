"""PostgreSQL and Redis for machines without them: real servers from Python packages, with data in the instance folder.

Valkey serves as Redis. The servers run as children of the process that starts them and end with it, even if it is
killed. In production, both are given by URL and this package is not used.
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
    """The result of ``services()``."""

    #: DATABASE_URL, REDIS_URL and, if known, DATABASE_OWNER_URL.
    env: Mapping[str, str]
    #: The started servers, in order.
    servers: Sequence[EmbeddedServer]

    def failed(self) -> EmbeddedServer | None:
        """Return a started server that has ended unexpectedly, or None."""
        return next((server for server in self.servers if not server.running), None)


@contextmanager
def services(instance: Path, env: Mapping[str, str] | None = None, *, durable: bool = True) -> Iterator[Services]:
    """Run the servers that ``env`` does not give by URL, for the duration of the block.

    :param instance: the instance folder; the servers keep their files in its subfolders ``postgres`` and ``redis``.
    :param env: the source of DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL; ``os.environ`` by default.
    :param durable: False trades durability on power failure for speed, for tests.
    :raises ServiceError: a server cannot be started; the message is one line.
    """
    given = os.environ if env is None else env
    urls = {name: given[name] for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL") if given.get(name)}
    if "DATABASE_OWNER_URL" in urls and "DATABASE_URL" not in urls:
        # Otherwise the upgrade would migrate one database and the portal would use another.
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
