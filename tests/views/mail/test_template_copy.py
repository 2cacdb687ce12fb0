"""§5.4.3 (3): copying templates to one's other tenants, in two steps."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from models.actor import SYSTEM
from models.mail import template_rules as mail_template_rules
from models.mail.kinds import EDITABLE, KINDS, MailText

ADDRESS = "/mail-templates/copy"
COPIED = "メールテンプレートをコピーしました。"


@pytest.fixture
def many(make, signed_in):
    """An operator of three tenants and viewer of a fourth, in the first of them; a fifth is not theirs."""
    tenants = [make.tenant(name=name) for name in ("写し元", "写し先一", "写し先二", "見るだけ", "よその会社")]
    user = make.member(tenants[0], "Partner Operator")
    for tenant, role in zip(tenants[1:4], ("Partner Operator", "Partner Operator", "Partner Viewer"), strict=True):
        make.join(user, tenant, role)
    client = signed_in(user, tenants[0])
    client.tenants, client.user = tenants, user
    return client


@pytest.fixture(autouse=True)
def _own_text(request, in_tenant):
    if "many" not in request.fixturenames:
        return
    tenant = request.getfixturevalue("many").tenants[0]
    with in_tenant(tenant.id) as session:
        for kind in ("password_reset_mail", "application_confirm"):
            new = MailText(f"{kind}の件名", "自社の本文")
            mail_template_rules.save(session, tenant.id, KINDS[kind], new, version=0, by=SYSTEM)
        session.commit()


def offered(page: str, name: str) -> list[str]:
    return re.findall(rf'type="checkbox"\s+name="{name}"\s+value="([^"]+)"', page)


def ticked(page: str, name: str) -> list[str]:
    return re.findall(rf'type="checkbox"\s+name="{name}"\s+value="([^"]+)"\s+id="[^"]+"\s+checked', page)


def carried(page: str, name: str) -> list[str]:
    return re.findall(rf'type="hidden" name="{name}" value="([^"]+)"', page)


def copies(make) -> list[tuple]:
    make.session.rollback()
    statement = "SELECT tenant_id, kind, subject FROM mail_template ORDER BY tenant_id, kind"
    return [tuple(row) for row in make.session.execute(text(statement))]


def test_the_other_tenants_where_one_may_write_are_offered(many):
    page = many.get(ADDRESS).text

    assert offered(page, "tenant") == [many.tenants[1].id, many.tenants[2].id]
    assert "コピー先テナントの選択" in page
    for name in ("見るだけ", "よその会社"):
        assert name not in page


def test_staff_are_offered_every_other_tenant(many, make, signed_in):
    for role in ("NEC Staff", "NEC Admin"):
        client = signed_in(make.elevated(role), many.tenants[0])

        assert offered(client.get(ADDRESS).text, "tenant") == [tenant.id for tenant in many.tenants[1:]]
        assert ADDRESS in client.get("/mail-templates/").text


def test_the_button_is_there_only_with_another_tenant_to_write_in(many, make, operator, signed_in):
    home = make.tenant()
    looks_elsewhere = make.member(home, "Partner Operator")
    make.join(looks_elsewhere, many.tenants[3], "Partner Viewer")

    assert ADDRESS in many.get("/mail-templates/").text
    assert ADDRESS not in operator.get("/mail-templates/").text
    assert ADDRESS not in signed_in(looks_elsewhere, home).get("/mail-templates/").text
    assert "テンプレートをコピーできる他のテナントがありません。" in operator.get(ADDRESS).text


def test_copying_in_two_steps(many, make):
    source, first, second, *_ = many.tenants

    step_two = many.post(ADDRESS, data={"step": "templates", "tenant": [first.id, second.id]})
    done = many.post(
        ADDRESS,
        data={"step": "copy", "tenant": carried(step_two.text, "tenant"), "kind": ["password_reset_mail"]},
        follow_redirects=True,
    )

    assert "コピーするメールテンプレートの選択" in step_two.text
    assert offered(step_two.text, "kind") == [kind.name for kind in EDITABLE]
    assert "写し先一" in step_two.text
    assert COPIED in done.text
    assert copies(make) == [
        (source.id, "application_confirm", "application_confirmの件名"),
        (source.id, "password_reset_mail", "password_reset_mailの件名"),
        (first.id, "password_reset_mail", "password_reset_mailの件名"),
        (second.id, "password_reset_mail", "password_reset_mailの件名"),
    ]


def test_the_copy_of_a_default_takes_the_targets_own_text_away(many, make, in_tenant):
    first = many.tenants[1]
    with in_tenant(first.id) as session:
        own = MailText(None, "あちらのSMS")
        mail_template_rules.save(session, first.id, KINDS["password_reset_sms"], own, version=0, by=SYSTEM)
        session.commit()

    many.post(ADDRESS, data={"step": "copy", "tenant": first.id, "kind": "password_reset_sms"})

    assert [row for row in copies(make) if row[0] == first.id] == []


def test_going_back_and_forth_keeps_what_was_chosen(many):
    _, first, second, *_ = many.tenants
    both = {"tenant": [first.id, second.id], "kind": ["utm_arrival", "utm_tracking"]}

    back = many.post(ADDRESS, data=both | {"step": "tenants"}).text
    forth = many.post(ADDRESS, data=both | {"step": "templates"}).text

    assert ticked(back, "tenant") == both["tenant"]
    assert carried(back, "kind") == both["kind"]
    assert ticked(forth, "kind") == both["kind"]
    assert carried(forth, "tenant") == both["tenant"]


def test_all_are_chosen_and_cleared_without_javascript(many):
    ids = [many.tenants[1].id, many.tenants[2].id]

    all_tenants = many.post(ADDRESS, data={"step": "all_tenants"}).text
    no_tenants = many.post(ADDRESS, data={"step": "no_tenants", "tenant": ids}).text
    all_templates = many.post(ADDRESS, data={"step": "all_templates", "tenant": ids}).text
    no_templates = many.post(ADDRESS, data={"step": "no_templates", "tenant": ids, "kind": ["utm_arrival"]}).text

    assert ticked(all_tenants, "tenant") == ids
    assert 'value="no_tenants"' in all_tenants
    assert ticked(no_tenants, "tenant") == []
    assert len(ticked(all_templates, "kind")) == 12
    assert carried(all_templates, "tenant") == ids
    assert ticked(no_templates, "kind") == []


@pytest.mark.parametrize(
    ("step", "choose", "message"),
    [
        ("templates", (), "テナントを1つ以上選択してください。"),
        ("copy", (), "テナントを1つ以上選択してください。"),
        ("copy", ("tenant",), "テンプレートを1つ以上選択してください。"),
        ("copy", ("kind",), "テナントを1つ以上選択してください。"),
    ],
)
def test_each_step_needs_a_choice(many, make, step, choose, message):
    chosen = {"tenant": many.tenants[1].id, "kind": "password_reset_mail"}

    answer = many.post(ADDRESS, data={"step": step} | {name: chosen[name] for name in choose})

    assert answer.status_code == 422
    assert message in answer.text
    assert len(copies(make)) == 2


@pytest.mark.parametrize("index", [0, 3, 4, None])
@pytest.mark.parametrize("step", ["templates", "copy"])
def test_oneself_and_tenants_one_may_not_write_in_are_not_found(many, make, index, step):
    wanted = "T9999999" if index is None else many.tenants[index].id

    alone = many.post(ADDRESS, data={"step": step, "tenant": wanted, "kind": "password_reset_mail"})
    beside = many.post(ADDRESS, data={"step": step, "tenant": [many.tenants[1].id, wanted], "kind": "utm_arrival"})

    assert (alone.status_code, beside.status_code) == (404, 404)
    assert len(copies(make)) == 2


@pytest.mark.parametrize("kind", ["account_locked", "nothing", ""])
def test_a_kind_no_tenant_may_change_is_not_copied(many, make, kind):
    answer = many.post(
        ADDRESS, data={"step": "copy", "tenant": many.tenants[1].id, "kind": ["password_reset_mail", kind]}
    )

    assert answer.status_code == 404
    assert len(copies(make)) == 2


def test_a_viewer_here_does_not_copy_though_an_operator_there(many, signed_in, make):
    user = make.member(many.tenants[0], "Partner Viewer")
    make.join(user, many.tenants[1], "Partner Operator")
    client = signed_in(user, many.tenants[0])

    assert ADDRESS not in client.get("/mail-templates/").text
    assert client.get(ADDRESS).status_code == 403
    answer = client.post(ADDRESS, data={"step": "copy", "tenant": many.tenants[1].id, "kind": "password_reset_mail"})
    assert answer.status_code == 403


def test_names_are_never_markup(make, many):
    make.join(many.user, make.tenant(name='<script>"&'), "Partner Operator")

    page = many.get(ADDRESS).text

    assert "&lt;script&gt;&#34;&amp;" in page
