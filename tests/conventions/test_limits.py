"""Rules that allow so many of something, or keep an order, hold when sixteen people act at the same moment.

A rule that counts first and writes then must let nobody else count meanwhile: ``models.row_lock.serialize``.
"""

from __future__ import annotations

import ast
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

import models
from models.accounts import password_link, role, user_rules
from models.accounts.password_link import PasswordLink
from models.accounts.user import Role, User
from models.actor import SYSTEM, Actor
from models.applications import extra_question, extra_question_rules
from models.applications.extra_question import ApplicationField
from models.contracts import rules as contract_rules
from models.contracts.contract import Contract, ContractLine
from models.mail import template_rules
from models.mail.kinds import KINDS, MailText
from models.mail.template import MailTemplateVersion
from models.notifications import address_rules
from models.notifications.address import AddressLink
from models.tenants import api_token, settings_rules
from models.tenants.api_token import PortalToken
from models.tenants.settings_rules import Link, SettingsInput
from models.tenants.tenant import Tenant
from models.utms import device_token
from models.utms.device_token import DeviceToken
from models.utms.utm import Utm
from tests.support.concurrency import MANY, outcomes

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
QUESTION = {"required": False, "kind": "text", "choices": []}

TRIED = {
    "accounts/passkey.py": ("MAX_PASSKEYS", "MAX_RESPONSE"),
    "applications/extra_question_rules.py": ("MAX_IN_USE",),
    "applications/rules.py": ("MAX_TO_ONE",),
    "applications/utm_rules.py": ("MAX_OPEN", "MAX_TO_ONE"),
    "contracts/rules.py": ("MAX_LINES",),
    "notifications/address_rules.py": ("MAX_TO_ONE", "MOST"),
    "portal_users/rules.py": ("MAX_RESETS", "MAX_USERS"),
    "tenants/access_origin.py": ("MAX_ORIGINS",),
    "tenants/api_token.py": ("MAX_IN_FORCE",),
    "tenants/identity_domain.py": ("MAX_DOMAINS",),
    "tenants/link.py": ("MAX_LINKS",),
    "tickets/ticket_file.py": ("MAX_BYTES", "MAX_FILES", "MAX_FILES_OF_TICKET", "MAX_UNBOUND"),
}
"""The limits that are tried below, in ``test_application_limits``, ``tests/models/accounts``, ``tests/models/tickets`` and ``tests/views/tenants``."""

NOT_COUNTED = {
    "accounts/password_policy.py": ("MOST",),  # characters
    "accounts/provider_http.py": ("MAX_BYTES",),  # of one answer
    "alerts/ingest.py": ("MAX_LINES", "MAX_REASONS"),  # of one request
    "alerts/threat_stat.py": ("MAX_CATEGORY",),  # characters
    "alerts/threat_stat_ingest.py": ("MAX_COUNT",),  # detections of one line
    "alerts/line.py": ("MAX_LINE_BYTES", "_MAX_EXTRA_BYTES"),  # bytes
    "alerts/policy_rules.py": ("MAX_LENGTH", "MAX_RULES"),  # characters, and of one form
    "contracts/usage.py": ("MAX_ROWS",),  # of one file
    "mail/placeholders.py": ("_MAX_FOUND",),  # characters
    "mail/returned.py": ("_MOST_IDS",),  # of one mail
    "overview/undeliverable.py": ("MOST",),  # rows shown
    "applications/addresses.py": ("MOST",),  # rows shown
    "applications/application.py": ("MAX_USERS",),  # of one form
    "applications/delivery.py": ("MAX_DELIVERIES", "MAX_UTMS"),  # of one form
    "applications/duplicates.py": ("MOST",),  # rows shown
    "applications/extra_question.py": ("MAX_CHOICES",),  # in one row
    "contracts/catalogue.py": ("MAX_AMOUNT",),  # yen
    "customers/cross_tenant_search.py": ("MOST",),  # rows shown
    "imports/rules.py": ("MAX_ROWS", "_MAX_NAMED"),  # of one file, and named in one message
    "mail/log.py": ("MAX_AT_ONCE",),  # of one click, however many are kept
    "reports/issuing.py": ("MAX_MONTHS",),  # months
    "reports/monthly_pdf.py": ("MAX_DETAILED",),  # sections of one file
    "support/support_page.py": ("MAX_LINKS",),  # of one form
    "tenants/settings.py": ("MAX_GRACE_DAYS", "MAX_LOGO_BYTES"),  # days, bytes
    "values/png.py": ("MAX_SIDE",),  # pixels
}
"""Limits that are not about how many rows there are."""


@pytest.fixture
def tenant(make):
    return make.tenant()


@pytest.fixture
def at_once(engine, tenant):
    """Let sixteen transactions do something at the same moment: how often each outcome was.

    ``act(session, number)`` runs in the tenant.
    """
    return lambda act, *, scope=None: outcomes(engine, scope or tenant.id, act)


@pytest.fixture
def asked(make, tenant):
    """Extra questions of the tenant: ``asked(20)`` in use, ``asked(3, retired=True)`` no more."""

    def questions(many, *, retired=False):
        retired_at = NOW if retired else None
        made = [
            make.application_field(tenant=tenant, title=f"{retired}{place}", position=place, retired_at=retired_at)
            for place in range(1, many + 1)
        ]
        return [field.id for field in made]

    return questions


@pytest.fixture
def positions(in_tenant, tenant):
    """The places of the questions in use, in their order."""

    def read():
        with in_tenant(tenant.id) as session:
            return [field.position for field in extra_question.in_use(session)]

    return read


def counted(make, column) -> int:
    make.session.rollback()
    return len(make.session.scalars(select(column)).all())


def test_a_form_has_thirty_extra_questions(at_once, asked, positions):
    asked(20)

    outcomes = at_once(
        lambda session, number: extra_question_rules.create(session, QUESTION | {"title": f"新{number}"}, by=SYSTEM)
    )

    assert outcomes == {"done": 10, "The form has 30 items. Retire one first.": 6}
    assert positions() == list(range(1, 31))


def test_the_first_question_of_a_form_is_added_once_under_one_title(at_once, positions):
    outcomes = at_once(lambda session, _: extra_question_rules.create(session, QUESTION | {"title": "一"}, by=SYSTEM))

    assert outcomes == {"done": 1, "This item name is already used.": 15}
    assert positions() == [1]


def test_a_full_form_takes_no_question_back(at_once, asked, positions):
    asked(29)
    retired = asked(MANY, retired=True)

    outcomes = at_once(
        lambda session, number: extra_question_rules.restore(
            session, session.get_one(ApplicationField, retired[number]), by=SYSTEM
        )
    )

    assert outcomes == {"done": 1, "The form has 30 items. Retire one first.": 15}
    assert positions() == list(range(1, 31))


def test_questions_keep_their_order_whatever_is_done_with_them_at_once(at_once, asked, positions):
    fields, retired = asked(8), asked(4, retired=True)

    def act(session, number):
        def field(keys):
            return session.get_one(ApplicationField, keys[number // 4])

        match number % 4:
            case 0:
                extra_question_rules.move(session, field(fields), steps=3, by=SYSTEM)
            case 1:
                extra_question_rules.move(session, field(fields[::-1]), steps=-3, by=SYSTEM)
            case 2:
                extra_question_rules.restore(session, field(retired), by=SYSTEM)
            case 3:
                extra_question_rules.retire(session, field(fields), now=NOW, by=SYSTEM)

    # A question that another one retired first is neither moved nor retired again.
    assert set(at_once(act)) <= {"done", "This item has already been retired."}
    assert positions() == list(range(1, 9))


def test_a_tenant_has_ten_api_tokens(make, at_once):
    outcomes = at_once(lambda session, number: api_token.create(session, f"{number}", now=NOW, by=SYSTEM))

    assert outcomes == {"done": 10, "There are 10 tokens. Revoke one first.": 6}
    assert counted(make, PortalToken.id) == 10


def test_a_name_is_given_to_one_api_token(make, tenant, at_once):
    tokens = [make.portal_token(tenant=tenant).id for _ in range(8)]

    def act(session, number):
        if number < 8:
            api_token.rename(session, session.get_one(PortalToken, tokens[number]), "同じ名前", version=1, by=SYSTEM)
        else:
            api_token.create(session, "同じ名前", now=NOW, by=SYSTEM)

    outcomes = at_once(act)

    assert outcomes["done"] == 1
    assert outcomes.keys() <= {"done", "This name is already used.", "There are 10 tokens. Revoke one first."}
    names = make.session.scalars(text("SELECT name FROM portal_token WHERE revoked_at IS NULL"))
    assert list(names).count("同じ名前") == 1


def test_a_name_is_given_to_one_role_in_whatever_spelling(make, at_once):
    spellings = (
        "Desk One",
        "desk one",
        "DESK ONE",
        "Ｄｅｓｋ　Ｏｎｅ",
        "desk  ONE",
        " dESK\u200b One",
        "ＤＥＳＫ one",
        "dEsK oNe",
    )
    own = [make.role(f"係{number}").id for number in range(8)]

    def act(session, number):
        if number < 8:
            role.create(session, spellings[number], [], by=SYSTEM)
        else:
            mine = session.get_one(Role, own[number - 8])
            role.change(session, mine, spellings[number - 8], [], version=mine.version, by=SYSTEM)

    assert at_once(act) == {"done": 1, "A role with this name already exists.": 15}
    names = make.session.scalars(text("SELECT name FROM ab_role WHERE lower(name) = 'desk one'"))
    assert len(names.all()) == 1


def change_of(session, tenant):
    return address_rules.AddressChange(session.get_one(Tenant, tenant.id), str, NOW, SYSTEM)


@pytest.fixture
def waiting(tenant, in_tenant):
    """A tenant whose first address waits for its confirmation."""
    with in_tenant(tenant.id) as session:
        address_rules.change(session, ["one@example.jp", "", ""], version=0, request=change_of(session, tenant))
        session.commit()


def test_an_address_is_sent_five_confirmation_mails_in_a_day(make, tenant, waiting, at_once):
    outcomes = at_once(
        lambda session, _: address_rules.send_again(session, 1, request=change_of(session, tenant)),
    )

    assert outcomes == {
        "done": 4,
        "The daily limit of confirmation mails to this email address has been reached. Try again tomorrow.": 12,
    }
    assert counted(make, AddressLink.id) == 5


def test_a_tenant_sends_twenty_confirmation_mails_in_a_day(make, tenant, waiting, at_once):
    times = {"requested_at": NOW, "expires_at": NOW + timedelta(days=1), "superseded_at": NOW}
    for number in range(17):
        address, token = f"{number}@example.jp", f"{number:064x}"
        make.session.add(AddressLink(tenant_id=tenant.id, slot=2, address=address, token_hash=token, **times))
    make.session.commit()

    outcomes = at_once(lambda session, _: address_rules.send_again(session, 1, request=change_of(session, tenant)))

    assert outcomes == {
        "done": 2,
        "The tenant's daily limit of confirmation mails has been reached. Try again tomorrow.": 14,
    }
    assert counted(make, AddressLink.id) == 20


def test_a_tenant_has_fifty_links_and_sites(make, at_once):
    def act(session, number):
        origins = tuple(f"https://www{number}-{each}.example.jp" for each in range(50))
        links = tuple(
            Link(None, f"{number}-{each}", "https://www.example.jp/", "説明", date(2026, 11, 1)) for each in range(50)
        )
        wanted = SettingsInput(utm_applications=True, shortage_grace_days=20, origins=origins, links=links)
        settings_rules.save(session, wanted, version=0, by=SYSTEM)

    assert at_once(act) == {"done": 1, "conflict": 15}
    for table in ("portal_link", "access_origin"):
        assert make.session.scalar(text(f"SELECT count(*) FROM {table}")) == 50


def test_of_the_texts_saved_for_a_mail_at_once_one_is_the_first_version(make, tenant, at_once):
    def act(session, number):
        own = MailText(f"件名{number}", "本文")
        template_rules.save(session, tenant.id, KINDS["application_confirm"], own, version=0, by=SYSTEM)

    assert at_once(act) == {"done": 1, "conflict": 15}
    assert make.session.scalars(select(MailTemplateVersion.number)).all() == [1]


def test_the_versions_of_a_mail_are_numbered_without_a_gap_while_tenants_copy_from_each_other(make, in_tenant, at_once):
    tenants = [make.tenant().id for _ in range(4)]
    kind = KINDS["application_confirm"]
    for each in tenants:
        with in_tenant(each) as session:
            template_rules.save(session, each, kind, MailText(each, "本文"), version=0, by=SYSTEM)
            session.commit()

    def act(session, number):
        source = tenants[number % 4]
        template_rules.copy(session, source, {*tenants} - {source}, [kind], by=SYSTEM)

    assert at_once(act, scope="*") == {"done": MANY}
    for each in tenants:
        numbers = make.session.scalars(
            select(MailTemplateVersion.number).where(MailTemplateVersion.tenant_id == each).order_by("number")
        ).all()
        assert numbers == list(range(1, len(numbers) + 1))


def test_a_utm_has_one_token(make, tenant, at_once):
    key = make.customer_with_utm(tenant)[1].id

    outcomes = at_once(
        lambda session, _: device_token.issue(session, session.get_one(Utm, key), now=NOW, by=SYSTEM),
    )

    assert outcomes == {"done": MANY}
    assert make.session.scalars(select(DeviceToken.revoked_at)).all().count(None) == 1


def test_a_user_has_one_open_password_link(make, at_once):
    key = make.user().id

    outcomes = at_once(
        lambda session, _: password_link.issue(session, session.get_one(User, key), now=NOW, by=SYSTEM),
    )

    assert outcomes == {"done": MANY}
    assert make.session.scalars(select(PasswordLink.revoked_at)).all().count(None) == 1


def test_of_administrators_who_delete_each_other_one_stays(make, at_once):
    keys = [make.elevated("NEC Admin").id for _ in range(MANY)]

    def act(session, number):
        user = session.get_one(User, keys[number])
        user_rules.delete_user(session, user, by=Actor("another", keys[number - 1]))

    assert at_once(act) == {"done": 15, "At least one NEC Admin must be able to sign in.": 1}
    assert counted(make, User.id) == 1


def test_a_contract_has_twenty_rate_plans(make, at_once, tenant):
    contract = make.contract(customer_row=make.customer(tenant=tenant))
    plan = make.contract_line(contract=contract).rate_plan
    line = contract_rules.LineValues(plan.id, 1, plan.flat_price)

    def add_ten(session, _number):
        found = session.get_one(Contract, contract.id)
        contract_rules.change(session, found, {"added": [line] * 10}, version=found.version, now=NOW, by=SYSTEM)

    outcomes = at_once(add_ten)

    # One is the first; of the others, those that had read the contract before were told of the conflict.
    assert outcomes["done"] == 1
    assert outcomes["done"] + outcomes["conflict"] + outcomes[contract_rules.TOO_MANY_LINES] == MANY
    assert counted(make, ContractLine.id) == 11


def limits_in(folder: Path) -> dict[str, tuple[str, ...]]:
    """The constants called MOST, MAX or MAX_... in each module of a folder."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        names = [
            target.id
            for statement in ast.parse(path.read_text()).body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name) and target.id.lstrip("_").split("_")[0] in {"MAX", "MOST"}
        ]
        if names:
            found[path.relative_to(folder).as_posix()] = tuple(sorted(names))
    return found


def test_every_limit_is_tried_by_many_at_once_or_counts_nothing():
    assert limits_in(Path(models.__file__).parent) == TRIED | NOT_COUNTED, (
        "Let sixteen people try the new limit in this module, or say in NOT_COUNTED why it is not about rows."
    )


def test_limits_are_found_in_a_module(tmp_path):
    (tmp_path / "area").mkdir()
    (tmp_path / "area/rules.py").write_text("MAX_ROWS = 3\n_MOST = 4\nALMOST = 5\nFEWEST: int = 1\n")

    assert limits_in(tmp_path) == {"area/rules.py": ("MAX_ROWS", "_MOST")}
