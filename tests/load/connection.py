"""Requests as a reverse proxy forwards them: over few connections, which are kept open, to one of several web servers."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from app.local.launch import HOST

PATIENCE = 60.0
"""Seconds until an answer must be there, as with nginx."""


class Unanswered(Exception):
    """No answer arrived; the message says why."""


@dataclass(frozen=True)
class Answer:
    """An answer of the portal.

    :ivar json: whether it says that its body is JSON.
    """

    status: int
    json: bool
    body: bytes


class Connection:
    """A connection to the portal that is opened again when it is needed.

    :param ports: of the web servers. If one refuses connections, the next one is asked.
    :param first: the index of the port that is asked first.
    """

    def __init__(self, ports: Sequence[int], first: int = 0) -> None:
        self._ports = itertools.cycle([*ports[first % len(ports) :], *ports[: first % len(ports)]])
        self._count = len(ports)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: bytes) -> Answer:
        """Send a request and return its answer.

        A connection that was kept open may have been closed by the server meanwhile: then the request is sent again, as
        reverse proxies do. It is safe because the device API accepts repeated requests.

        :raises Unanswered: no server accepts the connection, it was lost before the whole answer, or the time is over.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                if self._streams is not None:
                    try:
                        return await self._exchange(request)
                    except (OSError, EOFError):
                        self.close()
                await self._connect()
                return await self._exchange(request)
        except TimeoutError:
            self.close()
            raise Unanswered("timeout") from None
        except (OSError, EOFError, ValueError) as problem:
            self.close()
            raise Unanswered(type(problem).__name__) from None

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _connect(self) -> None:
        for attempt in range(1, self._count + 1):
            try:
                self._streams = await asyncio.open_connection(HOST, next(self._ports))
            except ConnectionRefusedError:
                if attempt == self._count:
                    raise
            else:
                return

    async def _exchange(self, request: bytes) -> Answer:
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(int(first.split()[1]), "json" in headers.get("content-type", ""), body)
