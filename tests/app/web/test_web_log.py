"""What the web server writes down: a JSON line for each request and each error, and no one's data."""

from __future__ import annotations

import http.client
import json
import re
import socket
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.support.processes import eventually
from tests.support.web_server import WebServer, web_server


class Server:
    """A web server as the launcher starts it, and what it wrote."""

    def __init__(self, web: WebServer) -> None:
        self.lines = web.lines
        self._port = web.port

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
            connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()

    def line_of(self, request_id: str, message: str = "request") -> dict:
        def found() -> list[dict]:
            return [each for each in self.lines() if (each.get("request_id"), each["message"]) == (request_id, message)]

        assert eventually(lambda: bool(found())), self.lines()
        (line,) = found()
        return line


@contextmanager
def serving(env: dict[str, str], folder: Path):
    with web_server(env, folder / "web.log") as web:
        web.wait()
        yield Server(web)


@pytest.fixture(scope="module")
def server(service_env, tmp_path_factory):
    with serving(service_env, tmp_path_factory.mktemp("web")) as server:
        yield server


@pytest.fixture(scope="module")
def without_database(service_env, tmp_path_factory):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    env = service_env | {"DATABASE_URL": f"postgresql+psycopg://portal_app@127.0.0.1:{port}/portal"}
    with serving(env, tmp_path_factory.mktemp("web")) as server:
        yield server


def cookie(app, **values) -> str:
    made = app.session_interface.get_signing_serializer(app).dumps(values)
    return f"{app.config['SESSION_COOKIE_NAME']}={made}"


def test_a_request_is_a_line_with_id_route_status_duration_and_user(server, app, make):
    tenant = make.tenant()
    user = make.member(tenant, "Partner Operator", email="hanako@example.jp")
    signed_in = cookie(app, _user_id=make.session_token(user), _fresh=True, _id=None, tenant_id=tenant.id)

    status, headers, _ = server.get("/customers/?name=Hanako", Cookie=signed_in, X_Request_ID="from-the-proxy-1")

    line = server.line_of("from-the-proxy-1")
    assert (status, headers["X-Request-ID"]) == (200, "from-the-proxy-1")
    assert (line["route"], line["status"], line["method"], line["user"]) == ("/customers/", 200, "GET", user.id)
    assert (line["level"], line["logger"]) == ("INFO", "portal.request")
    assert 0 < line["ms"] < 60_000
    assert "anako" not in json.dumps(line)


def test_a_request_of_nobody_has_no_user(server):
    _, headers, _ = server.get("/login/")

    assert server.line_of(headers["X-Request-ID"])["user"] is None


@pytest.mark.parametrize("header", ["X_Forwarded_Proto", "X_Forwarded_Ssl", "X_Forwarded_Protocol"])
def test_gunicorn_itself_believes_no_header_of_a_proxy(server, header):
    _, headers, _ = server.get("/login/", **{header: "on" if header.endswith("Ssl") else "https"})

    assert "Strict-Transport-Security" not in headers


def test_gunicorn_takes_no_prefix_from_a_header(server):
    with closing(http.client.HTTPConnection("127.0.0.1", server._port, timeout=60)) as connection:
        connection.putrequest("GET", "/login/")
        connection.putheader("SCRIPT_NAME", "/login")
        connection.endheaders()

        assert connection.getresponse().status == 200


def test_search_texts_of_the_greatest_length_fit_in_a_url(server):
    status, _, _ = server.get("/login/?" + "&".join(f"{name}={'%E8%84%85' * 255}" for name in "abc"))

    assert status == 200


def test_the_number_of_an_error_page_is_in_the_log(without_database, app):
    status, _, page = without_database.get("/customers/", Cookie=cookie(app, _user_id="somebody", _fresh=True))

    (number,) = re.findall(r'font-monospace">([0-9a-f]{16})<', page)
    assert status == 503
    assert without_database.line_of(number)["status"] == 503
    said = [each for each in without_database.lines() if each.get("request_id") == number]
    assert [each["logger"] for each in said] == ["views.data_interface", "portal.request"]


def test_without_postgresql_each_request_writes_a_few_lines(without_database, app):
    before = len(without_database.lines())

    answers = [
        without_database.get("/customers/?name=Hanako", Cookie=cookie(app, _user_id="somebody", _fresh=True))
        for _ in range(25)
    ]

    lines = without_database.lines()[before:]
    assert {status for status, _, _ in answers} == {503}
    assert {"default-src 'none'" in headers["Content-Security-Policy"] for _, headers, _ in answers} == {True}
    assert 25 <= len(lines) <= 75
    assert "Hanako" not in json.dumps(lines)
    assert max(len(json.dumps(each)) for each in lines) < 4_000


def test_healthz_answers_without_postgresql(without_database):
    assert without_database.get("/healthz")[0] == 200


def test_who_exceeds_a_rate_limit_is_not_named(server):
    before = len(server.lines())
    statuses = {server.get("/api/customer/v1/tenant", Authorization=f"Bearer none{each}")[0] for each in range(62)}

    lines = server.lines()[before:]
    assert statuses == {401, 429}
    assert "127.0.0.1" not in json.dumps(lines)
    assert {line["logger"] for line in lines} == {"portal.request"}
