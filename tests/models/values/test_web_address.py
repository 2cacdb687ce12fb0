"""§5.4.1: what is an origin, and in which one form it is kept; what is the address of a page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from models.errors import DomainError
from models.values import web_address

ORIGINS = [
    ("https://www.example.jp", "https://www.example.jp"),
    ("https://www.example.jp/", "https://www.example.jp"),
    ("HTTPS://WWW.Example.JP/", "https://www.example.jp"),
    ("https://www.example.jp.", "https://www.example.jp"),
    ("http://www.example.jp:80", "http://www.example.jp"),
    ("https://www.example.jp:443/", "https://www.example.jp"),
    ("https://www.example.jp:", "https://www.example.jp"),
    ("http://www.example.jp:443", "http://www.example.jp:443"),
    ("https://www.example.jp:8443/", "https://www.example.jp:8443"),
    ("https://www.example.jp:08443/", "https://www.example.jp:8443"),
    ("https://www.example.jp:65535", "https://www.example.jp:65535"),
    ("https://日本語.example.jp", "https://xn--wgv71a119e.example.jp"),
    ("https://xn--wgv71a119e.example.jp", "https://xn--wgv71a119e.example.jp"),
    ("https://ＷＷＷ。example。jp", "https://www.example.jp"),
    ("https://BÜCHER.example", "https://xn--bcher-kva.example"),
    ("http://localhost:3000", "http://localhost:3000"),
    ("http://192.0.2.1:8080/", "http://192.0.2.1:8080"),
    ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
    ("https://[2001:db8:0:0::1]", "https://[2001:db8::1]"),
]
NO_ORIGINS = [
    "",
    "www.example.jp",
    "//www.example.jp",
    "https:/www.example.jp",
    "https:www.example.jp",
    "https://",
    "https:///",
    "https://:443",
    "ftp://www.example.jp",
    "javascript:alert(1)",
    "javascript://www.example.jp/%0aalert(1)",
    "data:text/html,x",
    "null",
    "*",
    "https://*.example.jp",
    "https://user@www.example.jp",
    "https://user:word@www.example.jp",
    "https://www.example.jp@evil.example",
    "https://www.example.jp:0",
    "https://www.example.jp:65536",
    "https://www.example.jp:123456",
    "https://www.example.jp:x",
    "https://www.example.jp:-1",
    "https://www.example.jp:8０",
    "https://www..example.jp",
    "https://.example.jp",
    "https://-x.example.jp",
    "https://x_y.example.jp",
    "https://ex ample.jp",
    "https://example.jp\t",
    "https://exam\nple.jp",
    "https://" + "a" * 64 + ".jp",
    "https://[::1",
    "https://[example]",
    "https://[fe80::1%eth0]",
    "https://192.0.2.256",
    "https://192.0.2",
    "https://0x7f.1",
    "https://2130706433",
]
WITH_A_PATH = [
    "https://www.example.jp/shop",
    "https://www.example.jp/shop/",
    "https://www.example.jp//",
    "https://www.example.jp?x=1",
    "https://www.example.jp/?x=1",
    "https://www.example.jp#top",
    "https://www.example.jp/#",
    "https://www.example.jp\\shop",
]
labels = some.from_regex(r"[a-z](?:[a-z0-9]{0,10}[a-z0-9])?", fullmatch=True)


@pytest.mark.parametrize(("typed", "kept"), ORIGINS)
def test_an_origin_is_kept_in_one_form(typed, kept):
    assert web_address.origin(typed) == kept


@pytest.mark.parametrize("typed", NO_ORIGINS)
def test_what_is_no_origin_is_refused(typed):
    with pytest.raises(DomainError) as refused:
        web_address.origin(typed)

    assert refused.value.message == web_address.NOT_AN_ORIGIN


@pytest.mark.parametrize("typed", WITH_A_PATH)
def test_an_origin_with_more_behind_it_is_refused(typed):
    with pytest.raises(DomainError) as refused:
        web_address.origin(typed)

    assert refused.value.message == web_address.WITH_A_PATH


def test_an_origin_has_at_most_255_characters():
    host = ".".join(["a" * 61] * 4)

    assert len(web_address.origin(f"https://{host}")) == 255
    with pytest.raises(DomainError) as refused:
        web_address.origin(f"https://{host}:8443")

    assert refused.value.message == web_address.TOO_LONG_AN_ORIGIN


@given(some.lists(labels, min_size=2, max_size=4), some.sampled_from(["http", "https"]), some.integers(1, 65_535))
def test_every_spelling_of_an_origin_has_one_form(names, scheme, port):
    host = ".".join(names)
    kept = web_address.origin(f"{scheme}://{host}:{port}")

    assert web_address.origin(kept) == kept
    assert web_address.origin(f"{scheme.upper()}://{host.upper()}:{port}/") == kept
    assert web_address.origin_of(f"{scheme}://{host}:{port}/some/page?x=1#y") == kept


@given(some.text())
def test_no_text_is_more_than_refused(text):
    try:
        kept = web_address.origin(text)
    except DomainError:
        return
    assert web_address.origin(kept) == kept


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://www.example.jp/shop/?x=1", "https://www.example.jp"),
        ("https://www.example.jp:443/", "https://www.example.jp"),
        ("https://www.example.jp", "https://www.example.jp"),
        ("https://www.example.jp?x", "https://www.example.jp"),
        ("", None),
        ("about:blank", None),
        ("android-app://com.example/", None),
    ],
)
def test_the_origin_of_a_page_is_read_from_its_address(address, origin):
    assert web_address.origin_of(address) == origin


@pytest.mark.parametrize(
    "address",
    ["https://www.example.jp", "http://www.example.jp/案内/?q=見守り#先頭", "HTTPS://www.example.jp:8443/a/b.pdf"],
)
def test_a_page_has_an_address(address):
    web_address.check_page(address)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://www.example.jp/",
        "/help",
        "www.example.jp",
        "https://www.example.jp@evil.example/",
        "https://www.example.jp/a b",
        "https://www.example.jp/\u202ecod.exe",
        "https://",
    ],
)
def test_what_is_no_address_of_a_page_is_refused(address):
    with pytest.raises(DomainError, match="Enter a URL that begins with"):
        web_address.check_page(address)
