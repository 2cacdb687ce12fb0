from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import select

from app.cli.roles_table import roles_markdown
from models.accounts.password_link import PasswordLink
from models.accounts.user import User
from models.audit import AuditEntry
from models.tenants.tenant import Tenant

PASSWORD = "Aozora-Wakaba-7"


@pytest.fixture
def run(app):
    """Run ``flask portal`` with arguments."""
    runner = app.test_cli_runner()
    return lambda *arguments: runner.invoke(args=["portal", *arguments])


def test_create_tenant_makes_the_first_tenant(run, make):
    result = run("create-tenant", " サンプルパートナー ")

    assert (result.exit_code, result.output) == (0, "Tenant T8000000 has been created.\n")
    tenant = make.session.scalars(select(Tenant)).one()
    assert (tenant.id, tenant.name) == ("T8000000", "サンプルパートナー")
    row = make.session.scalars(select(AuditEntry)).one()
    assert (row.action, row.actor, row.tenant_id) == ("tenant.created", "command line", "T8000000")


@pytest.mark.parametrize("name", ["", "  ", "長" * 101])
def test_create_tenant_refuses_a_name_that_cannot_be_shown(run, make, name):
    result = run("create-tenant", name)

    assert (result.exit_code, result.output) == (1, "Error: A tenant name must have 1 to 100 characters.\n")
    assert make.session.scalars(select(Tenant)).all() == []


def test_create_admin_prints_a_link_that_sets_the_password(run, app):
    app_url = app.config["PORTAL_URL"]

    result = run("create-admin", " Hanako@Example.jp ", "--name", "見守 花子")

    assert result.exit_code == 0
    first, link = result.output.splitlines()
    assert first == "The link is valid for 24 hours and works once. Do not give it to anybody else:"
    assert re.fullmatch(rf"{re.escape(app_url)}/setup/[A-Za-z0-9_-]{{43}}", link)
    client = app.test_client()
    twice = {"password": PASSWORD, "confirmation": PASSWORD}
    assert client.post(link.removeprefix(app_url), data=twice).location == "/login/"
    assert client.post("/login/", data={"email": "hanako@example.jp", "password": PASSWORD}).location == "/tenants/"


def test_create_admin_makes_an_administrator_without_a_password(run, make):
    run("create-admin", "hanako@example.jp", "--name", "見守 花子")

    user = make.session.scalars(select(User)).one()
    assert (user.email, user.username, user.password) == ("hanako@example.jp", "hanako@example.jp", None)
    assert (user.last_name, user.first_name, user.active) == ("見守", "花子", True)
    assert [role.name for role in user.roles] == ["NEC Admin"]
    rows = make.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [row.action for row in rows] == ["user.created", "user.role_granted", "password_link.issued"]


def test_an_administrator_without_a_name_is_called_by_the_address(run, make):
    run("create-admin", "hanako@example.jp")

    assert make.session.scalars(select(User)).one().get_full_name() == "hanako"


def test_asked_again_before_the_password_is_set_it_makes_a_new_link(run, app, make):
    first = run("create-admin", "hanako@example.jp").output.splitlines()[1]
    second = run("create-admin", "hanako@example.jp").output.splitlines()[1]

    client = app.test_client()
    statuses = [client.get(link.removeprefix(app.config["PORTAL_URL"])).status_code for link in (first, second)]
    assert statuses == [404, 200]
    assert len(make.session.scalars(select(User)).all()) == 1


@pytest.mark.parametrize("who", ["with a password", "of a tenant"])
def test_create_admin_refuses_the_address_of_a_user(run, make, who):
    if who == "with a password":
        make.elevated("NEC Admin", email="hanako@example.jp", password="scrypt:some hash")
    else:
        make.member(make.tenant(), "Partner Viewer", email="hanako@example.jp")

    result = run("create-admin", "HANAKO@example.jp")

    assert (result.exit_code, result.output) == (1, "Error: This email address is already in use.\n")
    assert make.session.scalars(select(PasswordLink)).all() == []


@pytest.mark.parametrize("address", ["hanako", "hanako@", "a b@example.jp"])
def test_create_admin_refuses_what_is_no_address(run, make, address):
    result = run("create-admin", address)

    assert (result.exit_code, result.output) == (1, f"Error: {address!r} is not an e-mail address.\n")
    assert make.session.scalars(select(User)).all() == []


def test_the_page_of_roles_is_what_the_command_prints(run):
    page = Path(__file__).parents[3] / "docs" / "roles.md"

    assert run("roles").output == page.read_text("utf-8"), "Run `flask portal roles > docs/roles.md`."


def test_the_page_of_settings_is_what_the_command_prints(run):
    page = Path(__file__).parents[3] / "docs" / "settings.md"

    assert run("settings").output == page.read_text("utf-8"), "Run `flask portal settings > docs/settings.md`."


def test_the_table_of_roles_has_a_row_per_permission_and_a_column_per_role():
    table = roles_markdown({"Operator": {"Utms": ("can_show", "can_add")}, "Viewer": {"Utms": ("can_show",)}})

    assert table.splitlines()[-4:] == [
        "| View | Permission | Operator | Viewer |",
        "| --- | --- | :-: | :-: |",
        "| Utms | can_add | ✓ |  |",
        "| Utms | can_show | ✓ | ✓ |",
    ]
