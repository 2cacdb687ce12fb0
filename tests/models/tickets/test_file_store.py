"""The files of tickets in an object store: a local server that keeps what it is sent stands for it."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import clock
from models.errors import DomainError
from models.tenants.tenant import Tenant
from models.tickets import ticket_file
from models.tickets.file_store import UNAVAILABLE, store_of
from models.tickets.ticket_file import TicketFile, TicketFileContent


class _Bucket(BaseHTTPRequestHandler):
    objects: dict[str, bytes]

    def do_PUT(self) -> None:
        assert self.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=key/")
        self.objects[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, b"", ETag='"etag"')

    def do_GET(self) -> None:
        found = self.objects.get(self.path)
        self._answer(200 if found is not None else 404, found or b"")

    def do_DELETE(self) -> None:
        self.objects.pop(self.path, None)
        self._answer(204, b"")

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def bucket():
    handler = type("Bucket", (_Bucket,), {"objects": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def settings(port: int) -> dict[str, str]:
    given = {"URL": f"http://127.0.0.1:{port}", "BUCKET": "files", "ACCESS_KEY": "key", "SECRET_KEY": "secret"}
    return {f"TICKET_FILES_S3_{name}": value for name, value in given.items()} | {"TICKET_FILES_S3_REGION": "us-east-1"}


def test_files_are_written_to_the_store_read_and_deleted(bucket, engine, make, ours, monkeypatch):
    user = make.member(make.session.get_one(Tenant, ours.tenant_id), "Partner Operator")
    store = store_of(settings(bucket.server_port))
    objects = bucket.RequestHandlerClass.objects
    monkeypatch.setattr(ticket_file, "MAX_UNBOUND", 1)

    with Session(engine, info={"tenant_scope": ours.tenant_id}) as session:
        for data in (b"first", b"second"):
            file = ticket_file.keep(session, store, "a.txt", data, user_id=user.id, now=clock.utc_now())
        assert list(objects.values()) == [b"second"]
        assert ticket_file.content(session, store, file) == b"second"
        assert ticket_file.content(session, None, file) is None
        ticket_file.remove_unbound(session, store, now=clock.utc_now() + 2 * ticket_file.KEPT_UNBOUND)
        session.commit()
        assert session.scalar(select(func.count(TicketFile.id))) == 0
        assert session.scalar(select(func.count(TicketFileContent.file_id))) == 0
    assert objects == {}


def test_a_store_that_is_away_is_told_as_such():
    store = store_of(settings(9))

    for act in (lambda: store.put(b"x"), lambda: store.get("k"), lambda: store.delete("k")):
        with pytest.raises(DomainError) as refused:
            act()
        assert refused.value.message == UNAVAILABLE
