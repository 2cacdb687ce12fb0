"""The nginx site in front of real web processes: TLS, slow clients, large bodies, proxies in a chain, a sub-path."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
from contextlib import ExitStack, closing

import pytest
import requests
from requests.adapters import HTTPAdapter
from sqlalchemy import text

from tests.factories import PASSWORD
from tests.support.fixtures import weak_hash
from tests.support.nginx import FILES, PROGRAM, Nginx, has_ipv6
from tests.support.pages import Page
from tests.support.processes import eventually
from tests.support.web_server import web_server

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs nginx (Debian: apt-get install nginx)")

CLIENT = "127.0.0.77"
"""The address of a client; the proxies have 127.0.0.1."""

PROMETHEUS = "127.0.0.78"
"""The address that may read the metrics."""

PATIENCE = 60.0


class Site:
    """The running nginx, and the web processes behind it."""

    def __init__(self, nginx: Nginx, web, behind_two) -> None:
        self.nginx, self.web, self.behind_two = nginx, web, behind_two

    def url(self, name: str) -> str:
        return f"https://127.0.0.1:{self.nginx.ports[name]}"


@pytest.fixture(scope="module")
def site(service_env, tmp_path_factory):
    folder = tmp_path_factory.mktemp("nginx")
    env = service_env | {"PORTAL_URL": "https://portal.example.jp", "METRICS_NETWORKS": f"{PROMETHEUS}/32"}
    with ExitStack() as stack:
        web = stack.enter_context(web_server(env | {"PROXY_COUNT": "1"}, folder / "web.log"))
        behind_two = stack.enter_context(web_server(env | {"PROXY_COUNT": "2"}, folder / "behind-two.log"))
        nginx = Nginx(folder / "nginx", web.port, behind_two.port)
        stack.enter_context(nginx.running())
        web.wait()
        behind_two.wait()
        yield Site(nginx, web, behind_two)


class FromAddress(HTTPAdapter):
    """Sends requests from an IP address of this machine."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *args, **kwargs) -> None:
        super().init_poolmanager(*args, **kwargs, source_address=(self._address, 0))


@pytest.fixture
def browser(site):
    with requests.Session() as session:
        # Otherwise certificates named in the environment of the tests would be trusted instead.
        session.trust_env = False
        session.verify = str(site.nginx.certificate)
        session.mount(site.url("https"), FromAddress(CLIENT))
        session.mount(site.url("subpath"), FromAddress(CLIENT))
        session.mount(site.url("outer"), FromAddress(CLIENT))
        yield session


@pytest.fixture
def user(make):
    return make.member(make.tenant(), "Partner Operator", password=weak_hash())


def sign_in(browser: requests.Session, root: str, user, **headers: str) -> requests.Response:
    page = Page(browser.get(f"{root}/login/", timeout=PATIENCE).text)
    (form,) = (each for each in page.forms if "password" in each.names)
    given = form.sent(email=user.email, password=PASSWORD)
    headers = {"Referer": f"{root}/login/"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return browser.post(f"{root}/login/", data=given, headers=headers, timeout=PATIENCE)


def addresses(make) -> list[str]:
    return make.session.execute(text("SELECT ip_address FROM user_session ORDER BY id")).scalars().all()


def test_nginx_has_nothing_to_say_against_the_files(tmp_path):
    nginx = Nginx(tmp_path / "nginx", 1, 1)
    nginx.write()

    tested = nginx.test()

    assert tested.returncode == 0, tested.stderr
    assert "[warn]" not in tested.stderr


def test_a_page_and_a_sign_in_work_over_tls(site, browser, user, make):
    entered = sign_in(browser, site.url("https"), user)

    assert entered.status_code == 200
    assert entered.url == f"{site.url('https')}/"
    assert user.email in entered.text
    assert [cookie.name for cookie in browser.cookies] == ["__Host-portal_session"]
    assert browser.get(f"{site.url('https')}/customers/", timeout=PATIENCE).status_code == 200
    assert addresses(make) == [CLIENT]


@pytest.fixture
def scrape(site):
    """Ask for a path of the port for Prometheus, from an address."""

    def scrape(path: str, source: str, **headers: str) -> requests.Response:
        root = f"http://127.0.0.1:{site.nginx.ports['metrics']}"
        with requests.Session() as session:
            session.trust_env = False
            session.mount(root, FromAddress(source))
            return session.get(f"{root}{path}", headers=headers, allow_redirects=False, timeout=PATIENCE)

    return scrape


def test_each_web_process_has_a_path_for_prometheus_and_nothing_else_is_there(scrape):
    found = scrape("/8000/metrics", PROMETHEUS)

    assert (found.status_code, found.headers["Content-Type"].split(";")[0]) == (200, "text/plain")
    assert "portal_requests_total" in found.text
    others = ("/", "/metrics", "/login/", "/8000/metrics/")
    assert {scrape(path, PROMETHEUS).status_code for path in others} == {404}


@pytest.mark.parametrize("path", ["/8000/metrics", "/8001/metrics"], ids=["one proxy", "load balancer"])
@pytest.mark.parametrize("forged", ["", PROMETHEUS, f"{PROMETHEUS}, {PROMETHEUS}", "198.51.100.9", '"', ","])
def test_only_prometheus_reads_the_metrics_whatever_a_client_sends(scrape, path, forged):
    headers = {name: forged for name in ("X-Forwarded-For", "X-Forwarded-Host", "Forwarded") if forged}

    assert scrape(path, PROMETHEUS, **headers).status_code == 200
    assert {scrape(path, source, **headers).status_code for source in (CLIENT, "127.0.0.1")} == {404}


def test_the_sites_for_people_have_no_metrics(site, browser):
    # Behind a load balancer, this is what a client can forge that reaches nginx directly.
    forged = {"X-Forwarded-For": f"{PROMETHEUS}, {PROMETHEUS}"}
    urls = [site.url("https"), site.url("inner"), site.url("outer"), f"{site.url('subpath')}/partner"]

    found = [browser.get(f"{url}/metrics", headers=forged, timeout=PATIENCE) for url in urls]

    assert [each.status_code for each in found] == [404] * 4
    assert ["nginx" in each.text for each in found] == [True] * 4


def test_plain_http_is_only_redirected(site):
    answer = requests.get(
        f"http://127.0.0.1:{site.nginx.ports['http']}/customers/?name=x", allow_redirects=False, timeout=PATIENCE
    )

    assert answer.status_code == 308
    assert answer.headers["Location"] == "https://portal.example.jp/customers/?name=x"


@pytest.mark.parametrize("sent", ["198.51.100.9", '"', "198.51.100.9, 198.51.100.10", ","])
def test_a_client_cannot_forge_its_address(site, browser, user, make, sent):
    sign_in(
        browser, site.url("https"), user, X_Forwarded_For=sent, X_Forwarded_Proto="http", X_Forwarded_Host="a.example"
    )

    assert addresses(make) == [CLIENT]


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6 on this machine")
def test_a_client_is_served_over_ipv6_and_known_by_that_address(site, browser, user, make):
    sign_in(browser, f"https://[::1]:{site.nginx.ports['https']}", user)

    assert addresses(make) == ["::1"]


def test_behind_another_proxy_the_address_of_the_client_is_known(site, browser, user, make):
    entered = sign_in(browser, site.url("outer"), user, X_Forwarded_For="198.51.100.9")

    assert entered.url == f"{site.url('outer')}/"
    assert user.email in entered.text
    assert addresses(make) == [CLIENT]


def test_under_a_sub_path_signing_in_stays_there(site, browser, user):
    root = f"{site.url('subpath')}/partner"

    entered = sign_in(browser, root, user)
    customers = browser.get(f"{root}/customers/?name=%E6%A0%AA", timeout=PATIENCE)
    style = re.search(r'href="(/partner/static/[^"]+\.css[^"]*)"', customers.text)

    assert (entered.status_code, entered.url) == (200, f"{root}/")
    assert customers.status_code == 200
    assert re.findall(r' (?:href|src|action|formaction)="(/(?!partner/)[^"]*)', customers.text) == []
    assert style is not None
    assert browser.get(site.url("subpath") + style[1], timeout=PATIENCE).status_code == 200
    without_slash = browser.get(root, allow_redirects=False, timeout=PATIENCE)
    assert without_slash.headers["Location"] == "https://www.example.jp/partner/"


def test_only_static_files_are_compressed(site, browser):
    page = browser.get(f"{site.url('https')}/login/", timeout=PATIENCE)
    style = re.search(r'href="(/static/[^"]+\.css[^"]*)"', page.text)
    assert style is not None

    file = browser.get(site.url("https") + style[1], timeout=PATIENCE)

    assert "Content-Encoding" not in page.headers
    assert file.headers["Content-Encoding"] == "gzip"


def request_ids(site) -> list[str]:
    return [line["request_id"] for line in site.web.lines() if line["message"] == "request"]


def test_the_request_id_of_a_client_is_in_all_logs(site, browser):
    answer = browser.get(f"{site.url('https')}/login/", headers={"X-Request-ID": "edge-0123456789"}, timeout=PATIENCE)

    assert answer.headers["X-Request-ID"] == "edge-0123456789"
    assert eventually(lambda: "edge-0123456789" in request_ids(site))
    assert eventually(lambda: '"request_id":"edge-0123456789"' in site.nginx.log())


@pytest.mark.parametrize("sent", ["", "short", 'a"b{c}d"efgh', "x" * 65])
def test_without_a_well_formed_one_nginx_makes_a_request_id(site, browser, sent):
    answer = browser.get(f"{site.url('https')}/login/", headers={"X-Request-ID": sent}, timeout=PATIENCE)

    made = answer.headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert eventually(lambda: made in request_ids(site))
    assert eventually(lambda: f'"request_id":"{made}"' in site.nginx.log())


def test_the_log_has_neither_paths_nor_addresses(site, browser):
    browser.get(f"{site.url('https')}/setup/hidden-token?name=hidden", timeout=PATIENCE)
    answer = browser.get(f"{site.url('https')}/nothing/hidden", timeout=PATIENCE)

    made = answer.headers["X-Request-ID"]
    assert eventually(lambda: made in site.nginx.log())
    lines = [json.loads(line) for line in (site.nginx.folder / "access.log").read_text().splitlines()]
    assert {"time", "request_id", "method", "status", "upstream_status"} <= lines[-1].keys()
    assert "hidden" not in site.nginx.log()
    assert CLIENT not in site.nginx.log()


def test_many_slow_clients_block_nobody(site, browser, user):
    port, trust = site.nginx.ports["https"], site.nginx.trust()
    head = b"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    with ExitStack() as stack:
        for number in range(60):
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
            if number % 3 == 0:  # does not even begin with TLS
                continue
            client = stack.enter_context(trust.wrap_socket(plain, server_hostname="127.0.0.1"))
            # Without the end of the head, or with a tenth of the body.
            client.sendall(head if number % 3 == 1 else head + b"Content-Length: 100\r\n\r\nemail=abcd")

        entered = sign_in(browser, site.url("https"), user)

    assert user.email in entered.text


def test_a_body_as_large_as_the_files_of_a_ticket_reaches_the_portal(site, browser, user):
    url = f"{site.url('https')}/tickets/create"
    sign_in(browser, site.url("https"), user)
    page = Page(browser.get(url, timeout=PATIENCE).text)
    (form,) = (each for each in page.forms if "files" in each.names)

    answer = browser.post(
        url,
        data=[(name, value) for name, value in form.sent().items(multi=True) if name != "files"],
        files={"files": ("large.log", b"x" * (100 * 1024 * 1024))},
        headers={"Referer": url, "X-Request-ID": "large-body"},
        timeout=PATIENCE,
    )

    # The portal has read the form, and says what is wrong with it.
    assert answer.status_code == 422
    assert "large.log" in answer.text
    (line,) = (each for each in site.web.lines() if each.get("request_id") == "large-body")
    assert line["status"] == 422


def test_a_larger_body_is_refused_before_it_is_sent(site):
    with closing(
        http.client.HTTPSConnection(
            "127.0.0.1", site.nginx.ports["https"], timeout=PATIENCE, context=site.nginx.trust()
        )
    ) as connection:
        connection.putrequest("POST", "/tickets/create")
        connection.putheader("Content-Length", str(102 * 1024 * 1024 + 1))
        connection.endheaders()
        assert connection.getresponse().status == 413


def test_every_file_is_installed_by_the_handbook_and_the_compose_file_has_its_own_upstream():
    files = sorted(str(path.relative_to(FILES)) for path in FILES.rglob("*.conf"))

    assert files == [
        "compose/upstream.conf",
        "conf.d/00-portal.conf",
        "conf.d/portal-metrics.conf",
        "conf.d/portal-subpath.conf",
        "conf.d/portal.conf",
        "portal/proxy.conf",
        "portal/server.conf",
        "portal/upstream.conf",
    ]


def test_old_versions_of_tls_are_refused(site):
    # TLS 1.1 is not even offered by this machine's OpenSSL, so the configuration is read.
    shown = subprocess.run([*site.nginx._command(), "-T"], check=True, capture_output=True, text=True).stdout

    assert set(re.findall(r"ssl_protocols (.*);", shown)) == {"TLSv1.2 TLSv1.3"}
