"""What people typed is not lost without a warning (app/static/js/unsaved.js)."""

from __future__ import annotations

import re
from pathlib import Path

TEMPLATES = Path(__file__).parents[2] / "app/templates"
FORM = re.compile(r"(<form\b(?:[^>{]|{[{%].*?[%}]})*>)(.*?)</form>", re.DOTALL)
FIELD = re.compile(r'\b(?:field|bare_field|control|new_password|files_input)\(|<textarea|<input(?![^>]*type="hidden")')
ONE_FILE = "It takes one file, which is chosen again as quickly."
PASSWORDS = "It takes a password or a code, which is typed for this one step."
WITHOUT = {
    "accounts/forgotten_password.html": PASSWORDS,
    "accounts/password_change.html": PASSWORDS,
    "accounts/password_setup.html": PASSWORDS,
    "accounts/second_step.html": PASSWORDS,
    "accounts/sign_in.html": PASSWORDS,
    "accounts/single_sign_on.html": PASSWORDS,
    "alerts/_download.html": "It has only checkboxes, and its page stays while the file is downloaded.",
    "billing/usage_import.html": ONE_FILE,
    "imports/list.html": ONE_FILE,
    "macros/data.html": "It has one date for the chosen rows of a list.",
    "tenants/settings/logo.html": ONE_FILE,
}
"""The templates with forms that need no warning, and why."""


def without_warning(template: str) -> list[str]:
    """Return the tags of the forms that post what people typed, and are left without a warning."""
    text = re.sub(r"{#.*?#}", "", template, flags=re.DOTALL)
    return [
        tag
        for tag, body in FORM.findall(text)
        if 'method="post"' in tag and FIELD.search(body) and not re.search("data-(?:validated|warns)", tag)
    ]


def test_every_form_in_which_people_type_warns_before_it_is_left():
    found = {
        path.relative_to(TEMPLATES).as_posix()
        for path in sorted(TEMPLATES.rglob("*.html"))
        if without_warning(path.read_text())
    }

    assert found == WITHOUT.keys(), "Add data-warns or data-validated to the form, or say in WITHOUT why not."


def test_a_form_without_a_warning_is_found():
    assert without_warning('<form method="post" action="{{ a if b > 1 }}"><input name="a"></form>')
    assert not without_warning('<form method="post" data-warns><input name="a"></form>')
    assert not without_warning('<form method="post"><input type="hidden" name="a"></form>')
    assert not without_warning('<form><input name="a"></form>')
