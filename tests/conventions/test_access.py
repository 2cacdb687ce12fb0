"""Every route is behind a permission or on the public list, and the roles reach what the table says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.web.registers import register
from tests.conventions.routes import path, routes

TABLE = Path(__file__).with_name("role_routes.txt")
COLUMNS = ("nobody", "Partner Viewer", "Partner Operator", "NEC Staff", "NEC Admin")


def test_every_route_has_a_permission_or_is_on_the_public_list(app):
    for route in routes(app):
        if route.endpoint in register().public | register().tenantless:
            continue
        view, _, method = route.endpoint.partition(".")
        handler = next(each for each in app.extensions["appbuilder"].baseviews if type(each).__name__ == view)
        assert hasattr(getattr(handler, method), "_permission_name"), (
            f"{route} ({route.endpoint}) needs @has_access, or a line in app/web/access.py that says why it is public."
        )


def test_the_public_list_names_only_what_exists(app):
    existing = {rule.endpoint for rule in app.url_map.iter_rules()}

    assert existing >= register().public | register().tenantless


def test_roles_reach_exactly_what_the_table_says(app, world):
    rows = {}
    # What takes the rows away that others need comes last.
    for route in sorted(routes(app), key=lambda route: "/delete/" in route.rule):
        keys = world.ours.keys() | {"token": "x" * 43}
        address = path(app, route, keys)
        cells = []
        for column in COLUMNS:
            if route.endpoint in {"SignInView.logout", "TenantView.leave"} and column != "nobody":
                cells.append("302")  # it would end the session, or leave the tenant, that the next rows need
                continue
            cells.append(str(world.clients[column].open(address, method=route.method, buffered=True).status_code))
        rows[route] = f"{route!s:<88}" + "".join(f"{cell:<18}" for cell in cells)
    heading = f"{'route':<88}" + "".join(f"{column:<18}" for column in COLUMNS)
    table = "\n".join(row.rstrip() for row in (heading, *(rows[route] for route in routes(app)))) + "\n"
    if os.environ.get("WRITE_TABLES"):
        TABLE.write_text(table)

    assert table == TABLE.read_text(), (
        "Who reaches what has changed. If that is meant, run `WRITE_TABLES=1 make test` and look at the difference."
    )


@pytest.mark.parametrize("role", ["Partner Operator", "NEC Admin"])
def test_every_post_without_a_csrf_token_is_refused(app, world, monkeypatch, role):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    for route in routes(app):
        if route.method == "GET" or route.rule.startswith("/api/"):
            continue
        if route.endpoint == "PasswordSetupView.setup":
            continue  # its form checks the token: tests/views/accounts/test_password_setup.py
        keys = world.ours.keys() | {"token": "x" * 43}
        answer = world.clients[role].open(path(app, route, keys), method=route.method)
        assert answer.status_code == 400, f"{route} took a POST without a CSRF token."


def test_a_right_taken_away_is_gone_at_the_next_request(make, world):
    from sqlalchemy import text

    client = world.clients["Partner Operator"]
    assert client.get("/customers/").status_code == 200
    make.session.execute(
        text(
            "DELETE FROM ab_permission_view_role WHERE role_id = (SELECT id FROM ab_role WHERE name = 'Partner Operator')"
        )
    )
    make.session.commit()

    assert client.get("/customers/").status_code == 403
