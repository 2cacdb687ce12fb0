"""The systemd units are valid, start what exists, and restrict their processes."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import blocks
from tests.support import dockerfile

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "deploy" / "systemd"
SERVICES = ("portal-web@.service", "portal-worker@.service", "portal-cron.service", "portal-upgrade.service")
LASTING = SERVICES[:3]


def read(name: str) -> dict[str, dict[str, list[str]]]:
    """Return the settings of a unit by section; a setting may occur several times."""
    sections: dict[str, dict[str, list[str]]] = {}
    for line in (UNITS / name).read_text("utf-8").splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            section.setdefault(key, []).append(value)
    return sections


def hardening(name: str) -> list[str]:
    text = (UNITS / name).read_text("utf-8")
    return text[text.index("StateDirectory=") :].split("\n\n")[0].splitlines()


def test_these_are_all_units():
    assert sorted(path.name for path in UNITS.iterdir()) == sorted([*SERVICES, "portal.target"])


@pytest.mark.parametrize("name", SERVICES)
def test_a_process_has_its_own_user_and_no_rights_beyond_its_state_folder(name):
    service = read(name)["Service"]

    assert (service["User"], service["Group"]) == (["portal"], ["portal"])
    assert service["NoNewPrivileges"] == ["yes"]
    assert service["ProtectSystem"] == ["strict"]
    assert service["CapabilityBoundingSet"] == [""]
    assert service["StateDirectory"] == ["portal"]
    assert hardening(name) == hardening(SERVICES[0])


@pytest.mark.parametrize("name", LASTING)
def test_a_lasting_process_is_always_started_again(name):
    unit = read(name)

    assert unit["Service"]["Restart"] == ["always"]
    assert unit["Unit"]["StartLimitIntervalSec"] == ["0"]
    assert unit["Unit"]["PartOf"] == ["portal.target"]
    assert unit["Install"]["WantedBy"] == ["portal.target"]


def test_only_the_upgrade_knows_the_owner_of_the_tables():
    files = {name: read(name)["Service"]["EnvironmentFile"] for name in SERVICES}

    assert files.pop("portal-upgrade.service") == ["/etc/portal/portal.env", "/etc/portal/owner.env"]
    assert set(map(tuple, files.values())) == {("/etc/portal/portal.env",)}


@pytest.mark.parametrize(("name", "command"), [("worker@", "worker"), ("cron", "cron"), ("upgrade", "upgrade")])
def test_a_unit_runs_a_command_of_the_portal(name, command):
    from app.cli.portal import portal

    assert read(f"portal-{name}.service")["Service"]["ExecStart"] == [
        f"/opt/portal/.venv/bin/flask --app app portal {command}"
    ]
    assert command in portal.commands


def test_the_web_process_is_the_same_as_that_of_the_image():
    (started,) = read("portal-web@.service")["Service"]["ExecStart"]
    _, runtime = dockerfile.stages((ROOT / "Dockerfile").read_text("utf-8"))

    _, *arguments = started.split()
    _, *of_image = dockerfile.command(runtime, "CMD")

    assert arguments == ["--bind=127.0.0.1:%i" if "--bind" in each else each for each in of_image]


def test_a_command_is_run_with_the_settings_of_the_units():
    shown = [block.code for block in blocks.read(ROOT / "docs" / "operations.md", ROOT) if "systemd-run" in block.code]
    commands = [shlex.split(line) for code in shown for line in code.replace("\\\n", " ").splitlines()]

    assert len(commands) == 1
    for command in commands:
        given = [each.split("=", 1) for each in command if each.startswith("--")]
        for name in LASTING:
            service = read(name)["Service"]
            assert [value for option, *value in given if option == "--setenv"] == [
                [each] for each in service["Environment"][0].split()
            ]
            assert ["--property", f"EnvironmentFile={service['EnvironmentFile'][0]}"] in given
            assert ["--property", f"UMask={service['UMask'][0]}"] in given
            assert ["--working-directory", service["WorkingDirectory"][0]] in given
            assert (["--uid", service["User"][0]], ["--gid", service["Group"][0]]) == (given[1], given[2])


def test_a_worker_may_complete_its_job():
    from jobs.queues import JOB_TIMEOUT

    (seconds,) = read("portal-worker@.service")["Service"]["TimeoutStopSec"]

    assert int(seconds.removesuffix("s")) > JOB_TIMEOUT


@pytest.fixture
def installed(tmp_path):
    """The units with programs of this machine in place of those under /opt/portal."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("gunicorn", "flask"):
        (programs / name).symlink_to(sys.executable)
    for path in UNITS.iterdir():
        text = path.read_text("utf-8").replace("/opt/portal/.venv/bin", str(programs))
        (tmp_path / path.name).write_text(text, "utf-8")
    return tmp_path


needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze (systemd)")


@needs_systemd
def test_systemd_has_nothing_to_say_against_the_units(installed):
    units = [str(installed / name) for name in (*SERVICES, "portal.target")]
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], check=False, capture_output=True, text=True
    )

    about_ours = [line for line in verified.stderr.splitlines() if "portal" in line]
    assert (verified.returncode, about_ours) == (0, [])


@needs_systemd
def test_systemd_notices_a_wrong_setting(installed):
    broken = installed / "portal-cron.service"
    broken.write_text(broken.read_text("utf-8").replace("ProtectSystem=strict", "ProtectSystem=sometimes"), "utf-8")

    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(broken)], check=False, capture_output=True, text=True
    )

    assert re.search(r"portal-cron\.service:\d+: Failed to parse protect system value", verified.stderr)


@needs_systemd
@pytest.mark.parametrize("name", SERVICES)
def test_systemd_rates_the_exposure_of_a_process_as_low(installed, name):
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(installed / name)],
        check=False,
        capture_output=True,
        text=True,
    )

    assert rated.returncode == 0, rated.stdout
    assert re.search(r"exposure level for .*: [01]\.\d", rated.stdout)
