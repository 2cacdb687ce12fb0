"""Searches by name: each of them ignores character variants, width, case and blanks, on both sides of the comparison."""

from __future__ import annotations

import re

import pytest
from sqlalchemy.dialects import postgresql

from tests.conventions.screens.cases import SCREENS
from views.screen.filters import Choice, IdPart

NAME = re.compile(r"name$|^company$|^customer$")
NORMALIZED = re.compile(r"\b(?:search_name|contact_key)\b|\btranslate\(")
SEARCHES = [
    pytest.param(screen, each, id=f"{name}-{each.name}")
    for name, screen in SCREENS.items()
    for each in screen.filters
    if NAME.search(each.name) and not isinstance(each, Choice | IdPart)
]


@pytest.mark.parametrize(("screen", "search"), SEARCHES)
def test_a_search_by_name_ignores_variants(screen, search):
    condition = search.read(screen.datamodel.obj, "", {search.name: "髙﨑　Ａヶ"}).condition

    compiled = condition.compile(dialect=postgresql.dialect())
    assert "高崎aケ" in compiled.params.values()
    assert NORMALIZED.search(str(compiled))


def test_the_names_of_utms_users_and_tenants_are_among_them():
    assert {"UtmListView-name", "MemberView-name", "UserView-last_name", "StaffTenantView-name"} <= {
        each.id for each in SEARCHES
    }
