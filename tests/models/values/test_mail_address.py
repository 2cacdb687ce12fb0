from __future__ import annotations

import pytest

from models.values.mail_address import is_mail_address, wire_address


@pytest.mark.parametrize(
    "address",
    [
        "a..b@docomo.ne.jp",
        "a.@docomo.ne.jp",
        ".a@docomo.ne.jp",
        "a...@ezweb.ne.jp",
        "a..b@EZWEB.ne.jp",
        "a..b@softbank.ne.jp",
        "a.@t.vodafone.ne.jp",
        "a-._/?b.@docomo.ne.jp",
        "hanako@example.jp",
        "hanako+portal@example.co.jp",
        "hanako@日本.example",
        "hanako@test",
    ],
)
def test_addresses_that_people_have_are_valid(address):
    assert is_mail_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "hanako",
        "@docomo.ne.jp",
        "a..b@example.jp",
        "a.@example.jp",
        "a..b@notdocomo.ne.jp",
        "a..b@docomo.ne.jp.example.jp",
        "花子@example.jp",
        "花..子@docomo.ne.jp",
        "a b..@docomo.ne.jp",
        "a,b..@docomo.ne.jp",
        "<a..b>@docomo.ne.jp",
        "a..b\n@docomo.ne.jp",
        "a" * 65 + ".@docomo.ne.jp",
        "a@b@docomo.ne.jp",
    ],
)
def test_anything_else_is_not(address):
    assert not is_mail_address(address)


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        ("a..b@docomo.ne.jp", '"a..b"@docomo.ne.jp'),
        ("a.@docomo.ne.jp", '"a."@docomo.ne.jp'),
        (".a@docomo.ne.jp", '".a"@docomo.ne.jp'),
        ("hanako@example.jp", "hanako@example.jp"),
        ("hanako.yamada+1@example.jp", "hanako.yamada+1@example.jp"),
    ],
)
def test_dots_out_of_place_are_quoted_on_the_wire(address, wire):
    assert wire_address(address) == wire
