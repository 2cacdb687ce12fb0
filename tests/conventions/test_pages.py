"""What every page must be."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

import pytest

from app.web.registers import register
from jobs.dashboard import refresh
from tests.conventions.routes import path, routes
from tests.conventions.shown import pages
from tests.support.pages import Page

MAX_STATEMENTS = 8
MORE_STATEMENTS = {
    "CustomerView.show": 14,
    "HomeView.index": 15,
    "ProductView.show": 10,
    "RatePlanView.show": 9,
    "SecurityView.security": 10,
    "ServiceApplicationView.show": 14,
    "StaffTicketView.show": 10,
    "UserView.show": 9,
}
"""Pages that gather what several areas know."""

# Of the front end that the portal's layout replaces.
FORBIDDEN = ("jquery", "select2", "glyphicon", "data-toggle")


def test_no_page_holds_the_old_front_end(shown):
    for each in pages(shown()):
        route, page = each.route, each.text
        found = [word for word in FORBIDDEN if word in page.lower()]
        assert not found, f"{route} holds {found}: use the portal's own macros."


def test_no_page_holds_inline_script_style_or_handlers(shown):
    for each in pages(shown()):
        route, page = each.route, each.text
        assert not re.search(r"<script(?![^>]*\bsrc=)", page), f"{route} holds an inline script."
        assert not re.search(r"<script(?![^>]*\bnonce=)", page), f"{route} holds a script without the nonce."
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=", page), f"{route} holds inline style or a handler."
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page), f"{route} names a file of another host."


def test_every_page_is_japanese_has_one_heading_and_no_id_twice(shown):
    for each in pages(shown()):
        route, page = each.route, each.text
        assert '<html lang="ja"' in page, route
        assert len(re.findall(r"<h1[ >]", page)) == 1, f"{route} needs exactly one h1."
        twice = [name for name, count in Counter(re.findall(r'\sid="([^"]+)"', page)).items() if count > 1]
        assert not twice, f"{route} uses the ids {twice} more than once."


def test_every_form_that_posts_carries_its_token_and_its_tenant(shown):
    for each in pages(shown()):
        route, page = each.route, each.text
        for form in re.findall(r'<form[^>]*method="post".*?</form>', page, re.DOTALL):
            assert 'name="csrf_token"' in form, f"{route} has a form without csrf()."
            if route.endpoint not in register().public:
                assert f'name="made_in" value="{each.world.ours.tenant.id}"' in form, (
                    f"{route} has a form without csrf()."
                )


def enter_presses_another_button(form: str) -> bool:
    """Whether the Enter key in a field does something else than the form's main button."""
    typed_in = re.search(r'<(?:input|textarea)\b(?![^>]*type="hidden")', form)
    sending = [each for each in re.findall(r"<button\b[^>]*>", form) if 'type="submit"' in each]
    main = [each for each in sending if "btn-primary" in each]
    if not (typed_in and main):
        return False
    first, wanted = (re.findall(r'\s((?:name|value)="[^"]*")', each) for each in (sending[0], main[-1]))
    return first != wanted


def test_the_enter_key_presses_the_main_button_of_a_form(shown):
    for each in pages(shown()):
        route, page = each.route, each.text
        for form in re.findall(r"<form\b.*?</form>", page, re.DOTALL):
            assert not enter_presses_another_button(form), f"{route}: begin the form with enter_button()."


@pytest.mark.parametrize(
    ("before_the_main_one", "wrong"),
    [
        ('<input id="a"><button type="submit" name="find" value="1">', True),
        ('<input id="a"><button type="submit"><button type="submit" name="find" value="1">', False),
        ('<input id="a"><button type="button" name="find">', False),
        ('<input type="hidden"><button type="submit" name="find">', False),
    ],
)
def test_the_tester_of_buttons_knows_the_main_one(before_the_main_one, wrong):
    form = before_the_main_one + '<button class="btn btn-primary" type="submit">'

    assert enter_presses_another_button(form) is wrong


def test_a_page_costs_a_fixed_number_of_statements(app, world, make, statements):
    for number in range(30):
        customer = make.customer(tenant=world.ours.tenant)
        make.contract(customer_row=customer)
        make.utm(customer_row=world.ours.customer, name=f"増設{number}")
        make.mail_message(tenant_id=world.ours.tenant.id)
        make.join(make.member(world.ours.tenant, "Partner Viewer"), world.theirs.tenant, "ひばり係")
        make.role(f"係{number}", "Customers can_list", "Customers can_show")
    with app.app_context():
        refresh()
    for role in ("Partner Operator", "NEC Staff", "NEC Admin"):
        client = world.clients[role]
        client.get("/")  # the rights of the roles are read once
        for route in routes(app):
            if route.method != "GET" or route.rule.startswith(("/api/", "/setup")):
                continue
            statements.clear()
            client.get(path(app, route, world.ours.keys()), buffered=True)
            most = MORE_STATEMENTS.get(route.endpoint, MAX_STATEMENTS)
            assert len(statements) <= most, f"{route} as {role} costs {len(statements)}: {statements}"


def test_static_files_and_healthz_touch_no_database(world, statements):
    client = world.clients["Partner Operator"]

    client.get("/static/0123456789ab/css/base.css")
    client.get("/healthz")

    assert statements == []


def _entry_like(make, half):
    """Another entry of the audit log about the same subject as that of a half."""
    first = half.others["entry_key"]
    return make.audit_entry(tenant=half.tenant, subject_type=first.subject_type, subject_id=first.subject_id)


def test_every_window_has_a_title_of_its_own_that_names_the_customer(app, world, make):
    customer = make.customer(tenant=world.ours.tenant, name="かもめ工業")
    make.contract(customer_row=customer)
    make.utm_application(customer_row=customer, state="approved")
    others = {
        # Rows with the same name as those of the first pass.
        "mail_key": make.mail_message(tenant_id=world.ours.tenant.id, subject="ひばりのお知らせ").id,
        "ticket_id": make.ticket(tenant=world.ours.tenant, title="ひばりチケット", customer_id=customer.id).id,
        "entry_key": _entry_like(make, world.ours).id,
        "application_id": make.service_application(tenant=world.ours.tenant, company="かもめ申込").id,
        "utm_application_id": make.utm_application(customer_row=customer).id,
        "customer_id": customer.id,
        "utm_key": make.utm(customer_row=customer, name="かもめUTM").id,
        "token_key": make.portal_token(tenant=world.ours.tenant, name="かもめトークン").id,
        "field_key": make.application_field(tenant=world.ours.tenant, title="かもめ質問").id,
        "portal_user_id": make.portal_user(customer_row=customer).id,
        "kind": "application_received",
        "UserView.pk": make.member(world.ours.tenant, "Partner Viewer", last_name="かもめ川").id,
        "RoleView.pk": make.role("かもめ係", "Customers can_list").id,
    }
    of_a_customer = {"customer_id", "ticket_id", "utm_application_id"}
    client, titled, opened = world.clients["NEC Admin"], defaultdict(set), set()
    for keys, name in ((world.ours.keys(), world.ours.customer.name), (world.ours.keys() | others, customer.name)):
        for route in routes(app):
            if route.method != "GET" or route.rule.startswith(("/api/", "/setup")):
                continue
            url = path(app, route, keys)
            if url in opened:
                continue
            opened.add(url)
            answer = client.get(url)
            if answer.status_code == 200 and answer.mimetype == "text/html":
                title = Page(answer.text).title
                titled[title].add(url)
                assert not route.arguments & of_a_customer or name in title, f"{route}: {title}"
                assert "application_id" not in route.arguments or name.replace("工業", "申込") in title, (
                    f"{route}: {title}"
                )
                parts = title.split(" | ")[0].split(" - ")
                assert len(parts) == len(set(parts)), f"{route}: {title}"

    assert {title: urls for title, urls in titled.items() if len(urls) > 1} == {}


def test_a_button_that_cannot_be_used_has_its_reason_once(shown):
    found = set()
    for each in pages(shown()):
        route, page = each.route, each.page
        for button in page.root.all("button", aria_disabled="true"):
            assert "title" not in button.attributes, f"{route} says in a title why {button.text} cannot be used."
            reason = page.root.one(id=button.attributes["aria-describedby"]).text
            assert page.main.text.count(reason) == 1, f"{route} says {page.main.text.count(reason)} times: {reason}"
            found.add(route.endpoint)
    assert {"CustomerView.list", "CustomerView.show", "ProductView.list", "ApplicationFieldView.list"} <= found
