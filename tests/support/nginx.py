"""Debian's nginx with the files of deploy/nginx, on free ports of this machine."""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.processes import eventually

FILES = Path(__file__).parents[2] / "deploy" / "nginx"
PROGRAM = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")

_MAIN = """
daemon off;
worker_processes 1;
{user}
pid {folder}/nginx.pid;
error_log {folder}/main.log notice;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include conf.d/*.conf;
}}
"""

# A load balancer of somebody else, which passes everything on to the site.
_OUTER = """
server {{
    listen 127.0.0.1:{outer} ssl;
    ssl_certificate portal/tls/fullchain.pem;
    ssl_certificate_key portal/tls/privkey.pem;
    client_max_body_size 0;
    location / {{
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Host $http_host;
        proxy_set_header X-Forwarded-Port $server_port;
        proxy_set_header X-Forwarded-Prefix /;
        proxy_set_header X-Request-ID $http_x_request_id;
        proxy_pass https://127.0.0.1:{inner};
    }}
}}
"""


def has_ipv6() -> bool:
    """Tell whether this machine has the IPv6 address of itself."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


class Nginx:
    """A folder with the configuration of an nginx, and its ports.

    :ivar ports: ``http``, ``https``, ``subpath``, ``metrics``, and ``outer``, which passes requests on to ``inner``.
    """

    def __init__(self, folder: Path, web: int, web_behind_two: int) -> None:
        """
        :param folder: the folder to write; it must be short-lived.
        :param web: the port of a web process behind one proxy.
        :param web_behind_two: the port of one behind two.
        """
        self.folder = folder
        self.certificate = folder / "portal" / "tls" / "fullchain.pem"
        self._web, self._web_behind_two = web, web_behind_two
        shutil.copytree(FILES / "conf.d", folder / "conf.d")
        shutil.copytree(FILES / "portal", folder / "portal")
        self.certificate.parent.mkdir()
        _make_certificate(self.certificate, self.certificate.with_name("privkey.pem"))
        self.ports: dict[str, int] = {}

    def write(self) -> None:
        """Write the configuration with free ports."""
        with ExitStack() as stack:
            names = ("http", "https", "subpath", "inner", "outer", "metrics")
            probes = {name: stack.enter_context(socket.create_server(("127.0.0.1", 0))) for name in names}
            self.ports = {name: probe.getsockname()[1] for name, probe in probes.items()}
        user = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(_MAIN.format(folder=self.folder, user=user))
        upstream = (FILES / "portal" / "upstream.conf").read_text()
        here = _replaced(upstream, "127.0.0.1:8000", f"127.0.0.1:{self._web}")
        # The other web process is down in all tests.
        here = _replaced(here, "127.0.0.1:8001", "127.0.0.1:1")
        (self.folder / "portal" / "upstream.conf").write_text(here)
        server = (FILES / "portal" / "server.conf").read_text()
        # Slow clients stay for the whole test: it would also succeed if they were in the way of others only until this timeout.
        for name in ("client_header_timeout 10s", "client_body_timeout 15s"):
            server = _replaced(server, name, f"{name.split()[0]} 600s")
        (self.folder / "portal" / "server.conf").write_text(self._with_log(server))
        site = self._with_log((FILES / "conf.d" / "portal.conf").read_text())
        self._write_site("portal.conf", site, http=self.ports["http"], https=self.ports["https"])
        # The same site once more, for requests that have come through another proxy.
        (inner,) = re.findall(r"^server \{\n    listen 443.*", site, re.MULTILINE | re.DOTALL)
        behind = f"upstream behind_two {{ server 127.0.0.1:{self._web_behind_two}; }}\n"
        inner = behind + _replaced(inner, "http://portal;", "http://behind_two;")
        self._write_site("portal-inner.conf", inner, https=self.ports["inner"])
        subpath = (FILES / "conf.d" / "portal-subpath.conf").read_text()
        self._write_site("portal-subpath.conf", subpath, https=self.ports["subpath"])
        metrics = (FILES / "conf.d" / "portal-metrics.conf").read_text()
        metrics = _replaced(metrics, "127.0.0.1:8000", f"127.0.0.1:{self._web}")
        metrics = _replaced(metrics, "127.0.0.1:8001", f"127.0.0.1:{self._web_behind_two}")
        self._write_site("portal-metrics.conf", metrics, metrics=self.ports["metrics"])
        (self.folder / "conf.d" / "outer.conf").write_text(_OUTER.format(**self.ports))

    def test(self) -> subprocess.CompletedProcess[str]:
        """Run ``nginx -t``."""
        return subprocess.run([*self._command(), "-t"], check=False, capture_output=True, text=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it until the end of the block."""
        process = self._start()
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)

    def trust(self) -> ssl.SSLContext:
        """Return a TLS context that trusts its certificate."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def log(self) -> str:
        """Return everything it has logged."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def _start(self) -> subprocess.Popen[bytes]:
        for _ in range(3):
            self.write()
            process = subprocess.Popen(self._command())
            assert eventually(lambda: process.poll() is not None or self._answers(), seconds=30)  # noqa: B023 - at once
            if process.poll() is None:
                return process
            # Somebody else has taken one of the ports in the meantime.
        raise AssertionError(self.log())

    def _answers(self) -> bool:
        try:
            for port in self.ports.values():
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            return False
        return (self.folder / "nginx.pid").exists()

    def _command(self) -> list[str]:
        assert PROGRAM is not None
        return [
            PROGRAM,
            "-p",
            str(self.folder),
            "-c",
            str(self.folder / "nginx.conf"),
            "-e",
            str(self.folder / "main.log"),
        ]

    def _with_log(self, text: str) -> str:
        return _replaced(text, "/var/log/nginx", str(self.folder))

    def _write_site(self, name: str, text: str, **ports: int) -> None:
        for kind, port in ports.items():
            number = {"http": 80, "https": 443, "metrics": 8080}[kind]
            # Only on this machine itself.
            text = re.sub(rf"listen {number}\b", f"listen 127.0.0.1:{port}", text)
            text = re.sub(rf"listen \[::\]:{number}\b", f"listen [::1]:{port}", text)
        if not has_ipv6():
            text = re.sub(r"^ *listen \[::1\].*\n", "", text, flags=re.MULTILINE)
        (self.folder / "conf.d" / name).write_text(text)


def _replaced(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


def _make_certificate(certificate: Path, key_file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    addresses = [x509.IPAddress(ipaddress.ip_address(each)) for each in ("127.0.0.1", "::1")]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), *addresses]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    key_file.chmod(0o600)
