"""Invalid arguments never give a 500."""

from __future__ import annotations

from itertools import cycle

import pytest

from app.web.access import tenantless_views
from tests.conventions.routes import path, routes

INVALID = (
    "\0",
    "9" * 20,
    "-1",
    "0",
    "abc",
    "1e9",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "%00",
    "😀" * 50,
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "2026-13-45",
    "99999-01-01",
    "100%\\",
    "0001-01-01",
    "9999-12-31",
    "password",
    "W251bGwsIjIwMjYtMDEtMDFUMDA6MDA6MDArMDA6MDAiLCAiMSJd",
    "W251bGwsICI5OTk5LTEyLTMxVDIzOjU5OjU5LTIzOjU5IiwgMV0",
)
ARGUMENTS = (
    "page",
    "users",
    "users_page",
    "customers_page",
    "contract_month",
    "sign_up",
    "signed_in",
    "size",
    "back",
    "active",
    "roles",
    "copy",
    "sort",
    "direction",
    "after",
    "before",
    "open",
    "unit",
    "first",
    "last",
    "year",
    "month",
    "day",
    "delivery",
    "approved",
    "company",
    "first_month",
    "last_month",
    "on",
    "from_time",
    "to_time",
    "function",
    "id",
    "name",
    "status",
    "last_invoiced_on",
    "balance",
    "balance_is",
    "utm",
    "action",
    "level",
    "source",
    "destination",
    "alert_id",
    "url",
    "threat",
    "file",
    "choose",
    "utm_search",
    "by",
    "text",
    "next",
    "recipient",
    "kind",
    "state",
    "tenant",
    "q",
    "contact_phone",
    "contact_name",
    "utm_id",
    "serial",
    "address",
    "mac_address",
    "customer",
    "customer_id",
    "waits",
    "utms",
    "detection",
    "contracts",
    "list",
    "starts_on",
    "draft",
    "alert",
    "alert_at",
    "assignee_id",
    "created_at_from",
    "priority",
    "tenant_id",
    "title",
    "code",
    "iss",
    "purpose",
    "role",
)
FIELDS = (
    "current_password",
    "password",
    "confirmation",
    "utm_id",
    "name",
    "serial",
    "postcode",
    "address",
    "delivery_status",
    "customer_email1",
    "utm",
    "version",
    "shortage_grace_days",
    "utm_applications",
    "origins-0",
    "links-0-key",
    "links-0-url",
    "links-0-posted_on",
    "new_link-posted_on",
    "new_origin",
    "subject",
    "body",
    "version",
    "step",
    "kind",
    "recipient",
    "state",
    "seen",
    "last_name",
    "email",
    "roles",
    "chosen",
    "memo1",
    "reason",
    "customer_id",
    "permissions",
    "shown",
    "tenant",
    "role",
    "password",
    "way",
    "day",
    "time",
    "steps",
    "plan",
    "rowid",
    "starts_on",
    "ends_on",
    "tenants",
    "lines",
    "function",
    "level",
    "alert",
    "alert_at",
    "assignee_id",
    "create",
    "customer",
    "edit",
    "kept",
    "priority",
    "service",
    "title",
    "code",
    "passkey",
    "issuer",
    "client_id",
    "client_secret",
    "label",
    "domain",
    "key",
    "back",
    "company",
    "department",
    "entry",
    "invited_email",
    "invited_role",
    "note",
    "phone",
    "register",
    "role_id",
    "tenant_id",
)


WITH_PERIOD = ("alerts", "applications", "security", "charts")
"""Parts of the URLs of pages about a period, which read their arguments in several ways."""


def somebody_who_may(world, route):
    """A client that gets past the permission of a route."""
    administrative = route.endpoint.partition(".")[0] in tenantless_views()
    return world.clients["NEC Admin" if administrative else "Partner Operator"]


def share(app, word):
    """A third of the routes, another third for the next word: most code that reads arguments is shared by all."""
    return routes(app)[INVALID.index(word) % 3 :: 3]


def queries(route, word, unit, sort):
    """The queries that a route is tried with."""
    every = dict.fromkeys(ARGUMENTS, word)
    yield every
    if any(part in route.rule for part in WITH_PERIOD):
        yield every | {"unit": next(unit)}
        yield {"sort": next(sort), "after": word}


@pytest.mark.parametrize("first", range(3))
def test_invalid_arguments_never_give_a_500(app, world, first):
    for word in INVALID[first::3]:
        unit, sort = cycle(("day", "month", "year", "time")), cycle(("alert_id", "occurred_at", "utm", "level"))
        for route in share(app, word):
            if route.method != "GET" or route.rule.startswith(("/readyz", "/setup")):
                continue
            client = somebody_who_may(world, route)
            address = path(app, route, world.ours.keys())
            for query in queries(route, word, unit, sort):
                # Buffered, because a file that is not read to its end keeps its request's session open.
                answer = client.get(address, query_string=query, buffered=True)
                assert answer.status_code < 500, f"{route} with {word!r} and {query}"


@pytest.mark.parametrize("word", INVALID, ids=range(len(INVALID)))
def test_invalid_keys_and_forms_never_give_a_500(app, world, word):
    for route in share(app, word):
        whole_form = route.rule == "/tenant-settings/"
        if not (route.arguments or whole_form) or route.rule.startswith("/setup"):
            continue
        client = somebody_who_may(world, route)
        keys = world.ours.keys()
        for name in route.arguments:
            key = name if name in keys else f"{route.endpoint.partition('.')[0]}.{name}"
            mark = 7777777 if isinstance(keys[key], int) else "AAAAAAAA"
            template = path(app, route, keys | {key: mark})
            answer = client.open(template.replace(str(mark), word.replace("\0", "%00")), method=route.method)
            assert answer.status_code < 500, f"{route} with the {name} {word!r}"
        if route.method == "POST":
            answer = client.post(path(app, route, keys), data=dict.fromkeys(FIELDS, word))
            assert answer.status_code < 500, f"{route} with {word!r} in its form"
