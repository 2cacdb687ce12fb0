"""Every message is translated, and the compiled catalogue is that of the source."""

from __future__ import annotations

import re
from pathlib import Path

import wtforms
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from markupsafe import escape
from sqlalchemy import select

from app.cli.upgrade import existing_rights
from app.security import ROLES
from app.web.registers import register
from models.accounts.user import User
from models.applications.application import ServiceApplication, ServiceDelivery
from models.applications.utm_application import UtmDelivery
from models.contracts.catalogue import Charge, Product, RatePlan
from models.contracts.invoice import Correction, InvoiceLine
from models.contracts.usage import HEAD as USAGE_HEAD
from models.customers.customer import Customer
from models.mail.kinds import KINDS
from models.mail.placeholders import fill
from models.tenants.link import PortalLink
from models.values.prefecture import PREFECTURES
from tests.conventions.messages import CATALOGUE, JAPANESE, ROOT, english_in, ids, japanese
from tests.conventions.shown import look, pages


def test_every_message_has_its_japanese(catalogue, used):
    missing = sorted(message for message in used if not (catalogue.get(message) and japanese(catalogue.get(message))))

    assert not missing, f"Give these their Japanese in {CATALOGUE.relative_to(ROOT)} (make messages): {missing}"


def test_no_translation_is_left_of_a_message_that_is_gone(catalogue, used):
    gone = sorted(ids(message)[0] for message in catalogue if message.id and ids(message)[0] not in used)

    assert not gone, f"Take these out of {CATALOGUE.relative_to(ROOT)} (make messages): {gone}"


def test_placeholders_are_the_same_in_both_languages(catalogue):
    pattern = re.compile(r"%\(\w+\)[sd]|%s|\{\w+\}")
    for message in catalogue:
        for english in ids(message):
            assert sorted(pattern.findall(english)) == sorted(pattern.findall(japanese(message))), english


def test_the_compiled_catalogue_is_up_to_date(catalogue):
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = {ids(message): japanese(message) for message in read_mo(file) if message.id}

    assert compiled == {ids(message): japanese(message) for message in catalogue if message.id}, "Run `make messages`."


# Never shown: of a defect in our own code, of CSRF (its page has words of its own), or put together before it is looked up.
UNSPOKEN = {
    "Invalid CSRF Token.",
    "CSRF token missing.",
    "CSRF failed.",
    "CSRF token expired.",
}


def words_of(module) -> set[str]:
    """Every sentence a package translates."""
    found = set()
    for _, _, message, _, _ in extract_from_dir(
        Path(module.__file__).parent, [("**.py", "python")], keywords={"gettext": None, "ngettext": (1, 2)}
    ):
        found |= {message} if isinstance(message, str) else set(message)
    return found


def test_what_wtforms_says_is_in_the_catalogue(catalogue):
    missing = sorted(words_of(wtforms) - UNSPOKEN - {name for message in catalogue for name in ids(message)})

    assert not missing, f"Put these into FORM_MESSAGES of views/forms/messages.py: {missing}"


def test_every_right_has_words_in_both_languages(app, catalogue):
    with app.app_context():
        asked_for = existing_rights()
    given = {(name, view) for role in ROLES.values() for view, names in role.items() for name in names}
    topics = {rights.label for rights in register().rights.values()}

    assert asked_for == given, "Give each permission to a level in the RIGHTS of its area (views/<area>/__init__.py)."
    assert {name for name, _ in given} == set(register().labels), (
        "Say in `labels` of RIGHTS what each permission is for."
    )
    of_views = [words for rights in register().rights.values() for words in rights.labels.values()]
    for words in (*register().labels.values(), *of_views, *topics):
        assert words == "UTM" or JAPANESE.search(japanese(catalogue.get(words))), words


def test_a_test_counts_what_a_new_message_lacks(catalogue, used):
    """The tester of the tests above sees a sentence that is in one language only."""
    with_new = used | {"A sentence nobody translated."}

    missing = [message for message in with_new if not (catalogue.get(message) and japanese(catalogue.get(message)))]

    assert missing == ["A sentence nobody translated."]


def test_no_page_shows_an_english_message(shown, catalogue, used):
    found = english_in({str(each.route): each.text for each in pages(shown())}, catalogue, used)

    assert found == {}, "Translate these."


def test_no_page_shows_japanese_to_whoever_chose_english(app, world, make):
    data = names_of_data(world, make)
    for client in world.clients.values():
        client.set_cookie("language", "en")
    for each in pages(look(app, world)):
        left = each.text
        for name in data:
            left = left.replace(name, "")
        found = sorted(set(JAPANESE.findall(left)))
        assert not found, f"{each.route} shows {found} in English mode: write them in English, with _()."
        assert '<html lang="en"' in each.text, each.route


def test_the_finder_of_japanese_sees_it_and_no_marks():
    assert JAPANESE.findall("Customers 顧客管理 (ユーザ) – ¥1,000 …") == ["顧客管理", "ユーザ"]


def names_of_data(world, make) -> list[str]:
    """What people typed and what keeps its Japanese name in every language, longest first."""
    rows = [
        row
        for half in (world.ours, world.theirs)
        for row in (half.tenant, half.customer, half.utm, half.role, half.mail, *half.others.values())
    ]
    for table in (
        User,
        Product,
        RatePlan,
        Charge,
        Customer,
        Correction,
        InvoiceLine,
        PortalLink,
        ServiceApplication,
        ServiceDelivery,
        UtmDelivery,
    ):
        rows += make.session.scalars(select(table))
    typed = {text for row in rows for text in vars(row).values() if isinstance(text, str)}
    typed |= {name for half in (world.ours, world.theirs) for name in half.names}
    return sorted(typed | mail_texts() | set(PREFECTURES) | {"日本語", ",".join(USAGE_HEAD)}, key=len, reverse=True)


def mail_texts() -> set[str]:
    """The lines of the mails, which are Japanese whoever words them, also as their previews show them."""
    lines = set()
    for kind in KINDS.values():
        texts = [kind.default]
        if kind.editable:
            texts.append(fill(kind.default, kind, kind.samples))
            lines |= set(kind.samples.values())
        for text in texts:
            lines |= {text.subject or "", *text.body.splitlines()}
    return {str(escape(line)) for line in lines if line}
