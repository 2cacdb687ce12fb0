"""An object store for the files of tickets, as an alternative to the database."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import urlsplit

from models.errors import N_, DomainError

UNAVAILABLE = N_("Files cannot be stored or read at the moment. Try again later.")


class FileStore(Protocol):
    """Stores bytes under a key that it makes. Its methods raise ``DomainError`` while it is not available."""

    def put(self, data: bytes) -> str:
        """Store bytes and return their key."""

    def get(self, key: str) -> bytes:
        """Return the bytes of a key."""

    def delete(self, key: str) -> None:
        """Delete the bytes of a key; no error if there are none."""


class S3Store:
    """A bucket of an S3-compatible store."""

    def __init__(self, url: str, bucket: str, access_key: str, secret_key: str, region: str) -> None:
        # Only where it is used: it takes long to import.
        import urllib3
        from minio import Minio

        parts = urlsplit(url)
        # By default, a request is repeated for minutes, while a thread of the web server waits.
        pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=3, read=20), retries=False)
        self._bucket = bucket
        self._client = Minio(
            parts.netloc,
            access_key=access_key,
            secret_key=secret_key,
            region=region,
            secure=parts.scheme == "https",
            http_client=pool,
        )

    def put(self, data: bytes) -> str:
        """Store bytes and return their key, which is random: it tells nothing about the file and is never used twice."""
        key = f"tickets/{uuid.uuid4()}"
        with _unavailable():
            self._client.put_object(self._bucket, key, io.BytesIO(data), len(data))
        return key

    def get(self, key: str) -> bytes:
        """Return the bytes of a key."""
        with _unavailable():
            answer = self._client.get_object(self._bucket, key)
            try:
                return bytes(answer.read())
            finally:
                answer.close()
                answer.release_conn()

    def delete(self, key: str) -> None:
        """Delete the bytes of a key."""
        with _unavailable():
            self._client.remove_object(self._bucket, key)


@contextmanager
def _unavailable() -> Iterator[None]:
    from minio.error import MinioException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (MinioException, HTTPError) as error:
        raise DomainError(UNAVAILABLE, field="files") from error


def store_of(config: Mapping[str, Any]) -> FileStore | None:
    """Return the object store of the settings; None for the database."""
    if config["TICKET_FILES_S3_URL"] is None:
        return None
    return S3Store(
        config["TICKET_FILES_S3_URL"],
        config["TICKET_FILES_S3_BUCKET"],
        config["TICKET_FILES_S3_ACCESS_KEY"],
        config["TICKET_FILES_S3_SECRET_KEY"],
        config["TICKET_FILES_S3_REGION"],
    )
