"""Placeholders: what is a fault, and that nothing but a placeholder is ever interpreted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.mail import placeholders
from models.mail.kinds import EDITABLE, KINDS, MailText
from models.mail.placeholders import Fault

NAMES = ("Name", "Url")
KIND = KINDS["password_reset_mail"]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", []),
        ("{{Name}} 様 {{Url}}", []),
        ("{{Name}}{{Name}}", []),
        ("{Name} } }} {", []),
        ("{{", [Fault(1, "{{", closed=False)]),
        ("{{Name}", [Fault(1, "{{Name}", closed=False)]),
        ("{{Name} }", [Fault(1, "{{Name} }", closed=False)]),
        ("{{ Name }}", [Fault(1, "{{ Name }}", closed=True)]),
        ("{{name}}", [Fault(1, "{{name}}", closed=True)]),
        ("{{Nmae}} 様", [Fault(1, "{{Nmae}}", closed=True)]),
        ("{{{Name}}}", [Fault(1, "{{{Name}}", closed=True)]),
        ("{{}}", [Fault(1, "{{}}", closed=True)]),
        ("{{CompanyName}}", [Fault(1, "{{CompanyName}}", closed=True)]),
        ("{{Ｎａｍｅ}}", [Fault(1, "{{Ｎａｍｅ}}", closed=True)]),
        ("{{Name\n}}", [Fault(1, "{{Name", closed=False)]),
        ("{{\nName}}", [Fault(1, "{{", closed=False)]),
        ("一\n二 {{Name}}\n三 {{Nmae}}", [Fault(3, "{{Nmae}}", closed=True)]),
        ("一\r\n二 {{x", [Fault(2, "{{x", closed=False)]),
        ("{{a}} {{b}}", [Fault(1, "{{a}}", closed=True), Fault(1, "{{b}}", closed=True)]),
        ("{{a {{Name}}", [Fault(1, "{{a {{Name}}", closed=True)]),
        ("{{" + "x" * 200, [Fault(1, "{{" + "x" * 78, closed=False)]),
    ],
)
def test_every_opening_that_begins_no_placeholder_is_a_fault_of_its_line(text, faults):
    assert placeholders.faults(text, NAMES) == faults


@pytest.mark.parametrize("kind", EDITABLE, ids=lambda kind: kind.name)
def test_every_default_is_without_fault_and_fits_a_tenants_own(kind):
    from models.mail.template import BODY_LENGTH, SUBJECT_LENGTH, default_text

    text = default_text(kind)

    assert placeholders.faults(text.body, kind.placeholders) == []
    assert (text.subject is None) == kind.sms
    assert placeholders.faults(text.subject or "", kind.placeholders) == []
    assert 1 <= len(text.body) <= BODY_LENGTH
    assert len(text.subject or "") <= SUBJECT_LENGTH
    assert placeholders.fill(text, kind, kind.samples).body


PRINTABLE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Co", "Zl", "Zp")), max_size=30)
VALUES = PRINTABLE | st.sampled_from(
    ["{{Url}}", "{{Name}}", "{{TenantName}}", "{{", "}}", "%s", "\\1", r"\g<0>", "{0}"]
)


@given(name=VALUES, url=VALUES, tenant=VALUES)
def test_a_value_is_never_interpreted(name, url, tenant):
    values = {"Name": name, "Url": url, "TenantName": tenant}
    text = MailText("[{{Name}}]", "<{{Name}}|{{Url}}|{{TenantName}}|{{Name}}>")

    filled = placeholders.fill(text, KIND, values)

    name, url, tenant = (value.strip() for value in (name, url, tenant))
    assert filled == MailText(f"[{name}]", f"<{name}|{url}|{tenant}|{name}>")


@given(around=PRINTABLE.filter(lambda text: "{" not in text), value=VALUES)
def test_what_stands_around_a_placeholder_stays_as_it_is(around, value):
    values = {"Name": value, "Url": "", "TenantName": ""}

    filled = placeholders.fill(MailText(None, f"{around}{{{{Name}}}}{around}"), KIND, values)

    assert filled.body == f"{around}{value.strip()}{around}"
