"""Tenant A reaches nothing of tenant B, on any route."""

from __future__ import annotations

import pytest

from app.web.access import MADE_IN, tenantless_views
from app.web.registers import register
from tests.conventions.routes import path, routes

NEEDS_MORE_THAN_A_KEY = {
    "AddressConfirmationView.confirm": "its key is a secret token, for whoever got it by mail",
    "ApplicationConfirmationView.confirm": "its key is a secret token, for whoever got it by mail",
    "BrandView.logo": "its key is the content's hash, for the visitors of a tenant's public pages",
    "BrandView.style": "its key is a colour",
    "PublicApplicationView.apply": "its key is signed, for whoever a tenant gives the URL to",
    "PublicApplicationView.sent": "its key is signed, for whoever sent the form",
    "PublicUtmApplicationView.apply": "its key is signed, for whoever a tenant gives the URL to",
    "PublicUtmApplicationView.sent": "its key is signed, for whoever sent the form",
    "SingleSignOnView.callback": "its key is the state of a sign-in, for the browser that has started it",
    "RegistrationView.register": "its key is a secret token, for whoever got it by mail",
    "PasswordSetupView.setup": "its key is a secret token, which belongs to no tenant",
}


# The same words in every tenant: a route with nothing else shows whoever asks their own.
WORDS = {"kind"}
# NEC's staff look after every tenant there: its names on their pages are meant. Nobody else reaches them.
CROSSES_TENANTS = {
    "AccessLedgerView": "who has which role in which tenant is there",
    "DeletedCustomerView": "the deleted customers of every tenant are there",
    "IdentityProviderView": "NEC connects the tenants with their providers there",
    "JobBoardView": "jobs are of no tenant",
    "MailLogView": "every mail is there, with the tenant it is about",
    "OverviewView": "it compares the tenants",
    "StaffAnnouncementView": "its form has the tenants that an announcement can be meant for",
    "StaffAuditLogView": "the entries of every tenant are there",
    "StaffInvitationView": "who is invited into which tenant is there",
    "StaffSearchView": "it searches every tenant",
    "StaffTenantView": "the tenants are there",
    "StaffTicketFormView": "NEC answers the tickets of every tenant there",
    "StaffTicketView": "the tickets of every tenant are there",
    "StaffUtmListView": "the UTMs of every tenant are there",
    "UndeliverableView": "it says whose an address is, in every tenant",
}


def keyed(app):
    return [
        route
        for route in routes(app)
        if route.arguments - WORDS
        and route.endpoint not in NEEDS_MORE_THAN_A_KEY
        and route.endpoint.partition(".")[0] not in OF_NO_TENANT | CATALOGUE | OF_TOKENS | ANNOUNCEMENTS
    ]


# Their rows belong to no tenant, and one role alone reaches them.
OF_NO_TENANT = {"AccessLedgerView", "UserView", "RoleView"}
# Rows of no tenant that are meant for some: tests/views/support.
ANNOUNCEMENTS = {"AnnouncementView", "StaffAnnouncementView"}
# A token says which tenant it is for, whoever is signed in: tests/views/api.
OF_TOKENS = {"CustomerApi", "DeviceApi"}
# Rows of no tenant that NEC's staff reach as well.
CATALOGUE = {"ProductView", "RatePlanView", "ChargeView", "WholesalePriceView"}


def crosses_tenants(route):
    return route.endpoint.partition(".")[0] in CROSSES_TENANTS


@pytest.mark.parametrize("role", ["Partner Operator", "Partner Viewer"])
def test_what_crosses_tenants_is_for_nec_alone(app, world, role):
    crossing = [route for route in routes(app) if crosses_tenants(route)]
    assert {route.endpoint.partition(".")[0] for route in crossing} == set(CROSSES_TENANTS)
    for route in crossing:
        answer = world.clients[role].open(path(app, route, world.ours.keys()), method=route.method)
        assert answer.status_code == 403, f"{route} as {role}: it shows what is other tenants'."


@pytest.mark.parametrize("role", ["Partner Operator", "Partner Viewer", "NEC Staff"])
def test_rows_of_no_tenant_are_administrators_alone(app, world, role):
    for route in routes(app):
        if route.endpoint.partition(".")[0] in OF_NO_TENANT:
            answer = world.clients[role].open(path(app, route, world.ours.keys()), method=route.method)
            assert answer.status_code == 403, f"{route} as {role}: it shows every tenant's people."


@pytest.mark.parametrize("role", ["Partner Operator", "Partner Viewer"])
def test_the_catalogue_is_necs_alone(app, world, role):
    for route in routes(app):
        if route.endpoint.partition(".")[0] in CATALOGUE:
            answer = world.clients[role].open(path(app, route, world.ours.keys()), method=route.method)
            assert answer.status_code == 403, f"{route} as {role}: partners do not see wholesale prices."


@pytest.mark.parametrize("role", ["Partner Operator", "Partner Viewer", "NEC Staff", "NEC Admin"])
def test_a_key_of_another_tenant_is_not_found_on_any_route(app, world, role):
    client = world.clients[role]
    for route in keyed(app):
        if role.startswith("NEC") and crosses_tenants(route):
            continue
        answer = client.open(path(app, route, world.theirs.keys()), method=route.method)
        assert answer.status_code in {403, 404}, f"{route} as {role}: a row of another tenant must be 404."
        if answer.status_code == 403:
            own = client.open(path(app, route, world.ours.keys()), method=route.method)
            assert own.status_code == 403, f"{route} as {role}: 403 would tell that the row exists; it must be 404."


def test_our_customer_with_their_utm_is_not_found(app, world):
    keys = world.ours.keys() | {"utm_key": world.theirs.utm.id}
    for route in keyed(app):
        if "utm_key" in route.arguments:
            answer = world.clients["Partner Operator"].open(path(app, route, keys), method=route.method)
            assert answer.status_code == 404, f"{route}: a UTM of another tenant under our customer must be 404."


def test_names_of_another_tenant_are_on_no_page(shown):
    for role in ("Partner Operator", "Partner Viewer", "NEC Staff", "NEC Admin"):
        for each in shown(role):
            if each.route.endpoint in NEEDS_MORE_THAN_A_KEY:
                continue
            if role.startswith("NEC") and crosses_tenants(each.route):
                continue
            found = [name for name in each.world.theirs.names if name in each.text]
            assert not found, f"{each.route} as {role} shows {found}, which are another tenant's."


def test_a_form_made_in_another_tenant_is_refused_by_every_route_of_a_tenant(app, world, statements):
    client = world.clients["NEC Admin"]
    made_in = {MADE_IN: world.theirs.tenant.id}
    client.get("/")  # the rights of the roles are read once
    for route in routes(app):
        view = route.endpoint.partition(".")[0]
        if route.method != "POST" or route.endpoint in register().public | register().tenantless:
            continue
        if view in tenantless_views():
            continue
        statements.clear()
        answer = client.post(path(app, route, world.ours.keys()), data=made_in)
        assert answer.status_code == 409, f"{route} took a form that was made in another tenant."
        assert not [name for name in world.theirs.names if name in answer.text], route
        assert len(statements) == 1, f"{route} asked more than who it is: {statements}"


def test_two_signed_in_clients_and_an_anonymous_one_each_see_their_own(app, make, world, signed_in):
    ours = world.clients["Partner Operator"]
    theirs = signed_in(make.member(world.theirs.tenant, "Partner Operator"), world.theirs.tenant)

    assert "ひばり工業" in ours.get("/customers/").text
    assert "つぐみ工業" in theirs.get("/customers/").text
    assert app.test_client().get("/customers/").location == "/login/?next=/customers/"
    assert "つぐみ工業" not in ours.get("/customers/").text
    assert "ひばり工業" not in theirs.get("/customers/").text


def test_a_download_holds_nothing_of_another_tenants_utm(world):
    client = world.clients["Partner Operator"]

    answer = client.post(f"/customers/{world.ours.customer.id}/alerts/download", data={"utm": world.theirs.utm.id})

    assert answer.status_code == 404


def test_a_membership_taken_away_ends_at_the_next_request(make, world):
    from sqlalchemy import delete

    from models.accounts.membership import Membership

    client = world.clients["Partner Operator"]
    assert client.get("/customers/").status_code == 200
    make.session.execute(delete(Membership).where(Membership.tenant_id == world.ours.tenant.id))
    make.session.commit()

    answer = client.get("/customers/")

    assert (answer.status_code, answer.location) == (302, "/tenants/")
