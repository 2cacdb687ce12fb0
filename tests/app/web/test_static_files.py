from __future__ import annotations

import re

import pytest
from flask import url_for

from app.web.static_files import content_version


def static_path(app, filename, **environ):
    with app.test_request_context(environ_overrides=environ):
        return url_for("static", filename=filename)


@pytest.mark.parametrize("name", ["css/base.css", "css/all.css"])
def test_a_browser_keeps_a_file_for_a_year_without_asking_again(app, client, name):
    path = static_path(app, name)
    answer = client.get(path)

    assert re.fullmatch(rf"/static/[0-9a-f]{{12}}/{name}", path)
    assert answer.status_code == 200
    assert answer.mimetype == "text/css"
    assert answer.cache_control.max_age == 31_536_000
    assert answer.cache_control.immutable


@pytest.mark.parametrize("name", ["js/main.js", "css/all.css"])
def test_a_file_of_another_version_is_served_and_asked_for_again(client, name):
    answer = client.get(f"/static/0123456789ab/{name}")
    again = client.get(f"/static/0123456789ab/{name}", headers={"If-None-Match": answer.headers["ETag"]})

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache"
    assert again.status_code == 304


def test_in_debug_mode_a_file_is_asked_for_again(app, client, monkeypatch):
    monkeypatch.setattr(app, "debug", True)

    assert client.get(static_path(app, "css/base.css")).headers["Cache-Control"] == "no-cache"


def test_a_file_that_does_not_exist_is_not_found(client):
    assert client.get("/static/0123456789ab/css/none.css").status_code == 404


def test_the_url_keeps_the_prefix_the_portal_runs_under(app):
    assert static_path(app, "css/base.css", SCRIPT_NAME="/partners").startswith("/partners/static/")


def test_the_version_depends_on_names_and_contents(tmp_path):
    versions = []
    for name, content in (("a.css", "x"), ("a.css", "y"), ("b.css", "y")):
        (tmp_path / name).write_text(content)
        versions.append(content_version(tmp_path))
        (tmp_path / name).unlink()
    (tmp_path / "a.css").write_text("x")

    assert len(set(versions)) == 3
    assert content_version(tmp_path) == versions[0]
