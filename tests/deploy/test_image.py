"""The image: what the Dockerfile copies is there and suffices, and nothing else gets in."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import pytest

from tests.support import dockerfile
from tests.support.processes import eventually

ROOT = Path(__file__).parents[2]
SOURCE = (ROOT / "Dockerfile").read_text("utf-8")
BUILDER, RUNTIME = dockerfile.stages(SOURCE)
NOBODY = 65534
DATABASE = "postgresql+psycopg://portal_app@127.0.0.1:1/portal"
"""Nothing listens there: an unavailable database does not keep the web process from starting."""


def test_every_file_that_is_copied_exists():
    sources = [source for stage in (BUILDER, RUNTIME) for each, _ in dockerfile.copies(stage) for source in each]

    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert {"app", "config.py", "gunicorn.conf.py", "requirements.txt", "translations"} <= set(sources)


def test_the_context_has_what_is_copied_and_nothing_else():
    lines = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line and line[0] != "#"]
    sources = {source for stage in (BUILDER, RUNTIME) for each, _ in dockerfile.copies(stage) for source in each}

    # With everything excluded first, neither instance/ nor .git, tests/ or env files are in the context.
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == sources
    assert "**/__pycache__" in lines


def test_the_runtime_has_pango_a_japanese_font_and_no_compiler():
    (packages,) = (step.text for step in RUNTIME if step.name == "RUN" and "apt-get" in step.text)

    for package in ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-noto-cjk"):
        assert package in packages
        assert package in (ROOT / "README.md").read_text("utf-8")
    assert not re.search(r"gcc|build-essential|-dev\b", packages)


def test_processes_run_as_a_user_who_owns_none_of_the_code():
    names = [step.name for step in RUNTIME]
    (user,) = (step.text for step in RUNTIME if step.name == "USER")

    assert user == "portal"
    assert max(place for place, name in enumerate(names) if name in {"COPY", "RUN"}) < names.index("USER")
    assert "--chown" not in SOURCE


def test_the_image_has_no_secret():
    settings = " ".join(step.text for step in RUNTIME if step.name in {"ENV", "ARG"})

    assert not re.search("SECRET|PASSWORD|TOKEN|DATABASE_URL", settings)
    assert "PORTAL_ENV=production" in settings


@pytest.fixture
def laid_out():
    """The code as in the image, in a folder that every user can read."""
    # Not in tmp_path, which only its owner can enter.
    folder = Path(tempfile.mkdtemp(prefix="portal-image-"))
    try:
        folder.chmod(0o755)
        dockerfile.lay_out(RUNTIME, folder)
        for path in folder.rglob("*"):
            path.chmod(0o555 if path.is_dir() else 0o444)
        yield folder
    finally:
        for path in [folder, *folder.rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)
        shutil.rmtree(folder)


def as_nobody() -> list[str]:
    """Return what to put before a command so that it runs as nobody, who may read everything and write nothing.

    Empty where that is impossible, and where these tests do not run as root.
    """
    # The packages may be in a folder of root's.
    may_read = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *may_read]
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        return []
    tried = subprocess.run([*prefix, sys.executable, "-c", "import flask"], check=False, capture_output=True)
    return prefix if tried.returncode == 0 else []


def test_the_web_process_starts_from_what_is_copied_and_is_healthy(laid_out, tmp_path):
    program, *arguments = dockerfile.command(RUNTIME, "CMD")
    assert program == "gunicorn"
    with socket.create_server(("127.0.0.1", 0)) as listener, (tmp_path / "log").open("wb") as output:
        here = {"--bind=0.0.0.0:8000": f"--bind=fd://{listener.fileno()}", "--workers=2": "--workers=1"}
        assert here.keys() <= set(arguments)
        process = subprocess.Popen(
            [*as_nobody(), sys.executable, "-m", program, *(here.get(each, each) for each in arguments)],
            cwd=laid_out,
            env={
                "PATH": os.environ["PATH"],
                "PORTAL_ENV": "production",
                "PORTAL_INSTANCE": str(laid_out / "nowhere"),
                "PYTHONDONTWRITEBYTECODE": "1",
                "SECRET_KEY": "k" * 32,
                "DATABASE_URL": DATABASE,
                "REDIS_URL": "redis://127.0.0.1:1/0",
                "PORTAL_URL": "https://portal.example.jp",
                "CUSTOMER_PORTAL_URL": "https://customer.example.jp",
            },
            stdout=output,
            stderr=output,
            pass_fds=[listener.fileno()],
        )
        try:
            port = listener.getsockname()[1]
            listener.close()
            assert eventually(lambda: process.poll() is not None or healthy(port), seconds=90)
            assert process.poll() is None, (tmp_path / "log").read_text("utf-8")
            # The command of the image's HEALTHCHECK says so too.
            python, *check = dockerfile.command(RUNTIME, "HEALTHCHECK")
            assert python == "python"
            check = [each.replace(":8000", f":{port}") for each in check]
            assert subprocess.run([sys.executable, *check], check=False).returncode == 0
        finally:
            process.terminate()
            process.wait(40)
    # A process without a listener is not healthy.
    gone = subprocess.run([sys.executable, *check], check=False, capture_output=True)
    assert gone.returncode == 1


def healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False
