"""The look of the public pages in the tenant settings (§5.4.1)."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.tenants.settings import TenantSettings
from models.values.png import clean_png
from tests.support.pages import Page, answered

SETTINGS = "/tenant-settings/"
LOGO = "/tenant-settings/logo/"
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*more: bytes, side: int = 2) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    pixels = zlib.compress((b"\0" + b"\x10" * 3 * side) * side, 9)
    return SIGNATURE + head + b"".join(more) + chunk(b"IDAT", pixels) + chunk(b"IEND")


def upload(client, data: bytes, name="logo.png"):
    return client.post(LOGO, data={"file": (io.BytesIO(data), name)}, content_type="multipart/form-data")


@pytest.fixture
def stored(make, operator):
    def row():
        make.session.expire_all()
        return make.session.get(TenantSettings, operator.tenant.id)

    return row


def test_name_colour_and_contact_are_saved_and_audited(operator, stored, make):
    form = Page(operator.get(SETTINGS).text).main_form
    sent = form.sent(display_name="見守りサービス", colour="#FFEE00", contact="03-1234-5678\r\n平日")

    answer = operator.post(SETTINGS, data=answered(sent))

    row = stored()
    assert answer.status_code == 302
    assert (row.display_name, row.colour, row.contact) == ("見守りサービス", "#ffee00", "03-1234-5678\n平日")
    entry = make.session.scalars(select(AuditEntry).where(AuditEntry.action == "tenant_settings.changed")).one()
    assert entry.after == {"display_name": "見守りサービス", "colour": "#ffee00", "contact": "03-1234-5678\n平日"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("colour", "red"),
        ("colour", "#12345"),
        ("colour", "#1d4ed8;}"),
        ("colour", ""),
        ("display_name", "あ" * 101),
        ("contact", "あ" * 501),
    ],
)
def test_what_cannot_be_shown_is_refused(operator, stored, name, value):
    form = Page(operator.get(SETTINGS).text).main_form

    answer = operator.post(SETTINGS, data=answered(form.sent({name: value})))

    assert answer.status_code == 422
    assert Page(answer.text).error_of(name)
    assert stored() is None


def test_a_logo_is_saved_without_what_is_not_the_picture(operator, stored, make, app):
    answer = upload(operator, png(chunk(b"tEXt", b"Comment\0secret")))

    row = stored()
    assert answer.status_code == 302
    assert row.logo == clean_png(png())
    page = Page(operator.get(LOGO).text)
    (image,) = page.main.all("img")
    assert app.test_client().get(image.attributes["src"]).data == clean_png(png())
    assert image.attributes["src"] in operator.get(SETTINGS).text
    entry = make.session.scalars(select(AuditEntry).where(AuditEntry.action == "tenant_settings.logo_changed")).one()
    assert (entry.before, entry.after) == ({"logo_hash": ""}, {"logo_hash": row.logo_hash})


def test_a_logo_is_removed(operator, stored, make):
    upload(operator, png())

    answer = operator.post(f"{LOGO}remove")
    again = operator.post(f"{LOGO}remove", follow_redirects=True)

    assert answer.status_code == 302
    assert (stored().logo, stored().logo_hash) == (None, "")
    assert "ロゴは登録されていません。" in Page(again.text).main.text
    actions = make.session.scalars(select(AuditEntry.action)).all()
    assert actions.count("tenant_settings.logo_changed") == 2


def test_a_logo_does_not_disturb_a_form_that_is_open(operator, stored):
    form = Page(operator.get(SETTINGS).text).main_form
    upload(operator, png())

    answer = operator.post(SETTINGS, data=answered(form.sent(display_name="別名")))

    assert answer.status_code == 302
    assert (stored().display_name, stored().logo) == ("別名", clean_png(png()))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "PNGファイルではありません。"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "PNGファイルではありません。"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "PNGファイルではありません。"),
        (b"<html>" + png(), "PNGファイルではありません。"),
        (png()[:-30], "PNGファイルが壊れています。"),
        (png(side=1001), "1000ピクセル以下"),
        (png(chunk(b"tEXt", b"\0" * 200 * 1024)), "200KB以下"),
    ],
)
def test_anything_but_a_small_png_is_refused(operator, stored, data, told):
    answer = upload(operator, data)

    assert answer.status_code == 422
    assert told in Page(answer.text).error_of("file")
    assert stored() is None


def test_without_a_file_it_is_said_that_one_is_missing(operator):
    answer = operator.post(LOGO)

    assert answer.status_code == 422
    assert Page(answer.text).error_of("file")


def test_a_viewer_changes_nothing_and_sees_the_settings(make, signed_in, operator):
    viewer = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)

    assert upload(viewer, png()).status_code in {302, 403}
    assert viewer.get(LOGO).status_code in {302, 403}
    assert "表示名" in Page(viewer.get(SETTINGS).text).main.text
