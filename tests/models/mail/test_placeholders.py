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
        ("{", []),
        ("} }} {", []),
        ("{お名前} ｛注｝ {1, 2} a} {x} Named} {Names}", []),
        ("Name Url {} ｛｝", []),
        ("{{", [Fault(1, "{{", closed=False)]),
        ("{{}}", [Fault(1, "{{}}", closed=True)]),
        ("{{CompanyFax}}", [Fault(1, "{{CompanyFax}}", closed=True)]),
        ("{{お名前}}", [Fault(1, "{{お名前}}", closed=True)]),
        ("｛｛お名前｝｝", [Fault(1, "｛｛お名前｝｝", closed=True)]),
        ("{{\nName}}", [Fault(1, "{{", closed=False), Fault(2, "Name}}", closed=True, meant="Name")]),
        ("一\r\n二 {{x", [Fault(2, "{{x", closed=False)]),
        ("{{a}} {{b}}", [Fault(1, "{{a}}", closed=True), Fault(1, "{{b}}", closed=True)]),
        ("{{a {{Name}}", [Fault(1, "{{a", closed=False)]),
        ("{{" + "x" * 200, [Fault(1, "{{" + "x" * 78, closed=False)]),
    ],
)
def test_what_begins_no_placeholder_is_a_fault_of_its_line(text, faults):
    assert placeholders.faults(text, NAMES) == faults


@pytest.mark.parametrize(
    "written",
    [
        *(
            "{{Name}",
            "{{Name} }",
            "{ {Name}}",
            "{ { Name } }",
            "{{ Name }}",
            "{{ Name }",
            "{ Name }",
            "{Name}",
            "{Name}}",
        ),
        *(
            "{{{Name}}}",
            "{{Name}}}",
            "{{{Name}}",
            "Name}}",
            "Name }}",
            "Name}",
            "name}}",
            "{name}",
            "{{name}}",
            "{{NAME}}",
        ),
        *(
            "｛｛Name｝｝",
            "｛Name｝",
            "｛｛Ｎａｍｅ｝｝",
            "{{Ｎａｍｅ}}",
            "｛{Name}｝",
            "{{Name｝｝",
            "｛｛Name}}",
            "Ｎａｍｅ｝｝",
        ),
        *("﹛﹛Name﹜﹜", "{{　Name　}}", "{{Nmae}}", "{{Names}}", "Nmae}}", "{{Na me}}", "{{na_me}}", "{{-Name-}}"),
    ],
)
def test_what_is_almost_a_placeholder_is_told_with_what_was_meant(written):
    assert placeholders.faults(f"一\n二 {written} 様\n{{{{Url}}}}", NAMES) == [
        Fault(2, written, closed=True, meant="Name")
    ]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("{{Name", "{{Name"),
        ("{{ name", "{{ name"),
        ("{{Name 様へ", "{{Name 様へ"),
        ("{Name 様へ", "{Name"),
        ("｛｛Name", "｛｛Name"),
    ],
)
def test_a_name_whose_braces_are_not_closed_is_told_with_what_was_meant(written, found):
    assert placeholders.faults(written, NAMES) == [Fault(1, found, closed=False, meant="Name")]


@pytest.mark.parametrize("kind", EDITABLE, ids=lambda kind: kind.name)
def test_each_placeholder_of_each_mail_is_recognised_in_other_braces(kind):
    for name in kind.placeholders:
        for written in (f"{{{name}}}", f"{name}}}}}", f"｛｛{name}｝｝", f"{{{{{name.lower()}}}}}", f"{{{{ {name} }}"):
            found = placeholders.faults(written, kind.placeholders)
            expected = [] if written == f"{{{{{name}}}}}" else [name]
            assert [each.meant for each in found] == expected, written


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
