"""The history of a mail template: who changed it when, what it was, and bringing a version back."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

ADDRESS = "/mail-templates/password_reset_mail"


@pytest.fixture
def history(operator):
    """A template with two versions, and the addresses of both, the older first."""
    for version, subject in (("0", "一番目の件名"), ("1", "二番目の件名")):
        values = {"subject": subject, "body": "本文 {{Url}}", "version": version, "step": "save"}
        assert operator.post(f"{ADDRESS}/edit", data=values).status_code == 302
    page = operator.get(f"{ADDRESS}/versions/").text
    return sorted(re.findall(rf'href="({ADDRESS}/versions/\d+)"', page), key=lambda url: int(url.rpartition("/")[2]))


def subjects(make) -> list[str]:
    make.session.rollback()
    return list(make.session.scalars(text("SELECT subject FROM mail_template")))


def test_a_template_nobody_changed_says_so(operator):
    assert "このテンプレートはまだ変更されていません。" in operator.get(f"{ADDRESS}/versions/").text


def test_the_history_says_who_did_what_newest_first(operator, history):
    operator.post(f"{ADDRESS}/reset", data={"version": "2"})

    page = operator.get(f"{ADDRESS}/versions/").text

    rows = re.findall(r"<tr>.*?</tr>", page.partition("<tbody>")[2], re.DOTALL)
    assert ["デフォルトに戻す" in row for row in rows] == [True, False, False]
    assert [re.search(r"バージョン(\d+)", row)[1] for row in rows] == ["3", "2", "1"]
    assert all(operator.user.email in row for row in rows)
    assert all(re.search(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}", row) for row in rows)


def test_a_long_history_has_pages(operator, make, history):
    make.session.execute(
        text(
            "INSERT INTO mail_template_version (tenant_id, kind, number, happening, subject, body, actor)"
            " SELECT :tenant, 'password_reset_mail', n, 'saved', 'x', 'y', 'z' FROM generate_series(3, 30) n"
        ),
        {"tenant": operator.tenant.id},
    )
    make.session.commit()

    pages = [operator.get(f"{ADDRESS}/versions/?page={page}").text for page in (1, 2, 99)]

    assert [page.count(f'href="{ADDRESS}/versions/') for page in pages] == [25, 5, 5]


def test_a_version_shows_its_text_and_the_one_in_use_is_not_restored(operator, history):
    older, newer = (operator.get(url).text for url in history)

    assert "一番目の件名" in older
    assert "本文 https://customer.example.jp/links/sample" in older
    assert "復元" in older
    assert "現在使用中の文面です。" in newer
    assert "/restore" not in newer


def test_an_older_version_is_brought_back(operator, make, history):
    answer = operator.post(f"{history[0]}/restore", data={"version": "2"}, follow_redirects=True)

    assert "バージョンを復元しました。" in answer.text
    assert "バージョン1を復元" in answer.text
    assert subjects(make) == ["一番目の件名"]


@pytest.mark.parametrize(
    ("index", "version", "message"),
    [
        (0, "1", "他の人がこのテンプレートを変更したため、実行しませんでした。"),
        (0, "", "他の人がこのテンプレートを変更したため、実行しませんでした。"),
        (1, "2", "テンプレートは既にこのバージョンの文面です。"),
    ],
)
def test_what_cannot_be_brought_back_is_told(operator, make, history, index, version, message):
    answer = operator.post(f"{history[index]}/restore", data={"version": version}, follow_redirects=True)

    assert message in answer.text
    assert subjects(make) == ["二番目の件名"]


def test_a_version_of_another_tenant_or_kind_is_not_found(operator, make, history, signed_in):
    other = make.tenant()
    stranger = signed_in(make.member(other, "Partner Operator"), other)
    of_another_kind = history[0].replace("password_reset_mail", "application_confirm")

    assert [
        stranger.get(history[0]).status_code,
        stranger.post(f"{history[0]}/restore", data={"version": "2"}).status_code,
        operator.get(of_another_kind).status_code,
        operator.post(f"{of_another_kind}/restore", data={"version": "0"}).status_code,
    ] == [404, 404, 404, 404]


def test_a_viewer_sees_the_versions_and_restores_none(operator, make, history, signed_in):
    viewer = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)

    page = viewer.get(history[0]).text

    assert "一番目の件名" in page
    assert "/restore" not in page
    assert viewer.post(f"{history[0]}/restore", data={"version": "2"}).status_code == 403
