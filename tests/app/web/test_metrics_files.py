"""The metrics of a web server with several processes, some of which end."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.web import metrics_files
from tests.support.processes import eventually

ROOT = Path(__file__).parents[3]
START = 60.0


class Server:
    """gunicorn with two processes."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self._port = port
        self.process = process

    def get(self, path: str) -> str:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
            connection.request("GET", path)
            return connection.getresponse().read().decode()

    def count(self, route: str) -> float:
        """How many requests of a route were counted by all processes together."""
        return sum(
            sample.value
            for family in text_string_to_metric_families(self.get("/metrics"))
            for sample in family.samples
            if sample.name == "portal_requests_total" and sample.labels["route"] == route
        )

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(each) for each in children.split()]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "metrics"


@pytest.fixture
def server(app, service_env, folder) -> Iterator[Server]:
    options = ("--worker-class=gthread", "--workers=2", "--threads=2", "--log-level=warning", "--no-control-socket")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", f"--bind=fd://{listener.fileno()}", *options, "app:create_app()"],
            cwd=ROOT,
            env={**os.environ, **service_env, "METRICS_FOLDER": str(folder)},
            pass_fds=[listener.fileno()],
            stderr=subprocess.DEVNULL,
        )
        try:
            yield Server(listener.getsockname()[1], process)
        finally:
            process.terminate()
            process.wait(20)


def test_all_processes_count_together_and_what_a_dead_one_counted_is_kept(server, folder):
    for _ in range(20):
        server.get("/healthz")
    assert server.count("/healthz") == 20
    own = folder / f"web-{server.process.pid}"
    counting = {path.name for path in own.iterdir()}

    for pid in server.workers():
        os.kill(pid, signal.SIGKILL)

    # Each new process has files before it serves.
    assert eventually(lambda: len({path.name for path in own.iterdir()} - counting) >= 4, seconds=START)
    server.get("/healthz")
    assert server.count("/healthz") == 21
    ended = [path for path in own.iterdir() if path.name in counting]
    assert max(path.stat().st_size for path in ended) < 512 * 1024

    server.process.terminate()
    server.process.wait(30)
    assert not own.exists()


def test_folders_of_servers_that_no_longer_run_are_removed(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for name in (f"web-{ended.pid}", "web-1", "other"):
        (tmp_path / name).mkdir()
    own = metrics_files.folder(tmp_path)
    own.mkdir()
    (own / "counter_1.db").write_bytes(b"old")

    assert metrics_files.prepare(own) is True

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["other", "web-1", own.name])
    assert list(own.iterdir()) == []


def test_a_process_that_counted_nothing_leaves_no_files(tmp_path):
    assert metrics_files.allocate(tmp_path, 7) is True
    assert sorted(path.stat().st_size for path in tmp_path.iterdir()) == [512 * 1024, 2 * 1024 * 1024]

    metrics_files.finish(tmp_path, 7)

    assert list(tmp_path.iterdir()) == []


def test_without_space_the_files_are_not_used(tmp_path, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)

    assert metrics_files.allocate(tmp_path, 7) is False
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_does_not_stop_the_server(tmp_path):
    (tmp_path / "metrics").write_text("a file")

    assert metrics_files.prepare(metrics_files.folder(tmp_path / "metrics")) is False
