"""compose.yaml and the env files: what they set is a setting, and only nginx is reachable from outside."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

import config
from tests.support import dockerfile
from tests.support.postgres_programs import postgres_program

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES = COMPOSE["services"]
PORTAL = ("migrate", "web", "worker", "cron")
FILLED_IN = {
    "SECRET_KEY": "k" * 32,
    "MAIL_USERNAME": "portal",
    "PORTAL_OWNER_PASSWORD": "o'wner",
    "PORTAL_APP_PASSWORD": 'a"pp $x \\',
}


class Recorded(dict[str, str]):
    """An environment that notes which variables are looked up."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, key, default=None):
        self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key):
        self.asked.add(key)
        return super().__getitem__(key)


def env_file(name: str, *, commented: bool = False) -> dict[str, str]:
    """Return the variables of an example; with ``commented`` those too that are to be uncommented."""
    text = (ROOT / "deploy" / f"{name}.example").read_text("utf-8")
    text = re.sub(r"^#(?=[A-Z_0-9]+=)", "", text, flags=re.MULTILINE) if commented else text
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    values = dict(line.split("=", 1) for line in lines)
    assert not any(value.startswith(("'", '"')) for value in values.values())
    return {key: value or FILLED_IN.get(key, "x") for key, value in values.items() if value or key in FILLED_IN}


@pytest.fixture(scope="module")
def settings() -> set[str]:
    """The variables that config.py reads."""
    env = Recorded(env_file("portal.env") | {"PORTAL_ENV": "production"})
    config.load(env)
    return env.asked


def test_every_variable_of_the_portals_processes_is_a_setting(settings):
    names = {name for service in PORTAL for name in SERVICES[service]["environment"]}
    names |= env_file("portal.env", commented=True).keys() | env_file("owner.env", commented=True).keys()
    names |= set(re.findall(r"^#?([A-Z_0-9]+)=", (ROOT / "deploy/portal.env.example").read_text("utf-8"), re.MULTILINE))

    assert {"SECRET_KEY", "MAIL_PASSWORD", "PROXY_COUNT", "TICKET_FILES_S3_BUCKET"} <= names
    assert names - settings == set()


@pytest.mark.parametrize("service", PORTAL)
def test_a_process_starts_with_the_settings_of_its_service_and_production_refuses_the_demo(service):
    given = {
        name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", str(value)) for name, value in SERVICES[service]["environment"].items()
    }
    env = env_file("portal.env") | given

    loaded = config.load(env)

    assert (loaded["PRODUCTION"], loaded["PROXY_COUNT"]) == (True, 1)
    with pytest.raises(config.SettingError):
        config.load(env | {"PORTAL_DEMO": "1"})


def test_only_nginx_publishes_ports():
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "nginx": ["80:80", "443:443"]
    }
    assert COMPOSE["networks"]["data"]["internal"] is True
    for name in ("postgres", "redis"):
        assert SERVICES[name]["networks"] == ["data"]
    assert SERVICES["nginx"]["networks"] == ["outside"]


def test_only_the_upgrade_knows_the_owner_of_the_tables():
    owners = [name for name, service in SERVICES.items() if "owner.env" in str(service.get("env_file"))]

    assert owners == ["migrate"]
    assert set(env_file("owner.env", commented=True)) == {"DATABASE_OWNER_URL", "ALERT_DATABASE_OWNER_URL"}
    assert "ALERT_DATABASE_URL" in env_file("portal.env", commented=True)
    assert "DATABASE_OWNER_URL" not in (ROOT / "deploy/portal.env.example").read_text("utf-8")


def test_no_secret_is_written_in_the_file():
    written = (ROOT / "compose.yaml").read_text("utf-8")

    assert not re.search(r"(SECRET_KEY|PASSWORD|_URL): *\S*(:.*@|PASSWORD)", written)
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert {"deploy/*.env", "deploy/tls/"} <= set(ignored)


@pytest.mark.parametrize("service", PORTAL)
def test_the_processes_of_the_portal_run_one_image_with_few_rights(service):
    described = SERVICES[service]

    assert (described["image"], described["build"]) == ("${PORTAL_IMAGE:-portal:latest}", ".")
    assert (described["read_only"], described["cap_drop"]) == (True, ["ALL"])
    assert described["security_opt"] == ["no-new-privileges:true"]
    assert described["networks"] == (["data"] if service in {"migrate", "cron"} else ["data", "outside"])


def test_everything_that_lasts_is_started_again_and_its_health_is_known():
    lasting = {name: service for name, service in SERVICES.items() if name != "migrate"}

    assert {service["restart"] for service in lasting.values()} == {"unless-stopped"}
    checked = {name for name, service in lasting.items() if "test" in service.get("healthcheck", {})}
    assert checked == {"postgres", "redis", "nginx"}
    # That of web is the image's.
    assert "healthcheck" not in SERVICES["web"]
    assert dockerfile.stages((ROOT / "Dockerfile").read_text("utf-8"))[1][-2].name == "HEALTHCHECK"


def test_the_processes_wait_for_the_migrations():
    for service in ("web", "worker", "cron"):
        assert SERVICES[service]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert SERVICES["migrate"]["depends_on"] == {
        "postgres": {"condition": "service_healthy"},
        "redis": {"condition": "service_healthy"},
    }


def test_commands_exist():
    from app.cli.portal import portal

    commands = {name: SERVICES[name]["command"] for name in PORTAL if "command" in SERVICES[name]}

    assert commands == {
        "migrate": ["flask", "portal", "upgrade"],
        "worker": ["flask", "portal", "worker"],
        "cron": ["flask", "portal", "cron"],
    }
    assert {command[2] for command in commands.values()} <= portal.commands.keys()


def test_redis_keeps_its_jobs():
    command = SERVICES["redis"]["command"]

    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_every_mounted_file_exists():
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", ()) if mount.startswith("./")]

    assert len(mounts) == 7
    assert [mount for mount in mounts if not (ROOT / mount.split(":")[0]).exists()] == []
    named = {mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", ())} - {
        mount.split(":")[0] for mount in mounts
    }
    assert {name for name in named if "$" not in name} - {"${TLS_FOLDER"} == set(COMPOSE["volumes"])


def test_the_database_is_set_up_with_roles_and_their_passwords(other_postgres):
    other_postgres.create_database("set_up", owner="postgres")
    env = {
        "PATH": f"{postgres_program('psql').parent}:{os.environ['PATH']}",
        "PGHOST": str(other_postgres.sockets),
        "PGPORT": "5432",
        "POSTGRES_USER": "postgres",
        "POSTGRES_DB": "set_up",
        "PORTAL_ROLES": str(ROOT / "migrations" / "roles.sql"),
    }
    script = ROOT / "deploy" / "postgres" / "10-portal.sh"

    subprocess.run(["sh", script], env=env | env_file("postgres.env"), check=True)
    without = subprocess.run(["sh", script], env=env, check=False, capture_output=True, text=True)

    with other_postgres.connect("set_up") as connection:
        owner = connection.execute(
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        hashes = connection.execute(
            "SELECT rolname, rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid"
            " WHERE rolname IN ('portal_app', 'portal_owner') ORDER BY 1"
        ).fetchall()
    assert owner == ("portal_owner",)
    assert hashes == [("portal_app", True), ("portal_owner", True)]
    assert without.returncode != 0
    assert "PORTAL_OWNER_PASSWORD" in without.stderr


def test_the_python_of_the_image_is_one_that_is_supported():
    found = re.search(r"^ARG PYTHON=(3\.\d+)-slim", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)

    assert found is not None
    assert (3, 11) <= tuple(int(part) for part in found[1].split(".")) <= (3, 14)
