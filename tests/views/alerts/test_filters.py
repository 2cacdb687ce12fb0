"""§7.17: what stands behind フィルタ, how it is kept, and taking home what it finds."""

from __future__ import annotations

import io
import re
import zipfile
from functools import partial

import pytest

from tests.support.alert_pages import download, links
from tests.support.alerts import NOW, store_named

pytestmark = pytest.mark.usefixtures("today")
KEPT = "現在の検索条件でダウンロード"
OPEN = r'<details class="filters search-filters"\s+id="filters"\s+open'
BAD_ADDRESS = "IPアドレスまたはネットワークではないため、この条件は検索から除きました。"


@pytest.fixture
def arrive(engine):
    return partial(store_named, engine)


def ids(text: str) -> list[str]:
    return re.findall(r'data-label="アラートID">([^<]+)<', text)


def chips(text: str) -> list[str]:
    return [" ".join(each.split()) for each in re.findall(r'class="chip[^>]*>\s*<span>([^<]+)</span>', text)]


@pytest.mark.parametrize(
    ("query", "found", "chip"),
    [
        ({"action": "block"}, ["one"], "処置: block"),
        ({"level": "high"}, ["two"], "アラートレベル: High"),
        ({"source": "192.168.10.24"}, ["one"], "送信元IPアドレス: 192.168.10.24"),
        ({"source": "192.168.10.99/16"}, ["one", "two"], "送信元IPアドレス: 192.168.10.99/16"),
        ({"source": " １９２．１６８．１０．２４ "}, ["one"], "送信元IPアドレス: 192.168.10.24"),
        ({"destination": "203.0.113.0/28"}, ["one", "two"], "宛先IPアドレス: 203.0.113.0/28"),
        ({"alert_id": "tw"}, ["two"], "アラートID: tw"),
        ({"url": "EXAMPLE"}, ["one"], "URL: EXAMPLE"),
        ({"threat": "走査"}, ["two"], "脅威名: 走査"),
        ({"file": "  "}, ["one", "two"], None),
        ({"level": "medium"}, ["one", "two"], None),
        ({"utm": "999999"}, ["one", "two"], None),
        ({"utm": "abc"}, ["one", "two"], None),
    ],
)
def test_a_condition_narrows_the_list_and_has_its_chip(utm, arrive, page, query, found, chip):
    arrive(
        utm,
        one={"type": "web_guard", "act": "Block", "url": "http://www.example.jp/"},
        two={"alert_severity": "high", "src-ip": "192.168.11.1", "msg": "ポート走査"},
    )

    text = page(**query)

    assert ids(text) == found
    assert chips(text) == ([chip] if chip else [])


def test_the_number_of_conditions_stands_on_the_menu_and_each_can_be_taken_off(utm, arrive, page):
    arrive(utm, one={"act": "block", "alert_severity": "high"})

    text = page(action="Block", level="high", function="ips", sort="utm", direction="desc", url="")

    assert ">2</span>" in text
    assert "条件2件" in text
    without_action = next(link for link in links(text) if "level=high" in link and "action=" not in link)
    assert without_action == "?level=high&function=ips&sort=utm&direction=desc&url="
    assert 'aria-label="処置の条件を外す"' in text


@pytest.mark.parametrize(
    "typed", ["garbage", "192.168.10", "192.168.10.300", "10.0.0.0/33", "::/129", "%", "1.2.3.4/x"]
)
@pytest.mark.parametrize("name", ["source", "destination"])
def test_an_address_that_is_none_is_told_beside_its_field_and_left_out(utm, arrive, page, name, typed):
    arrive(utm, one={}, two={"act": "block"})

    text = page(**{name: typed, "action": "block"})

    assert ids(text) == ["two"]
    assert chips(text) == ["処置: block"]
    assert f'id="filter-{name}-error">{BAD_ADDRESS}<' in text
    assert re.search(OPEN, text)
    assert f'value="{typed}"' in text


def test_no_error_without_one(utm, page):
    text = page(source="10.0.0.0/8", destination="2001:db8::/32")

    assert BAD_ADDRESS not in text
    assert not re.search(OPEN, text)


FIELDS = ["function", "utm", "action", "level", "source", "destination", "alert_id", "url", "threat", "file"]


def test_the_fields_come_when_they_are_asked_for_and_conditions_stay_meanwhile(utm, page):
    shut, opened = (page(action="Block", file='a"b', unit="day", **more) for more in ({}, {"filters": "1"}))

    assert not re.search(OPEN, shut)
    assert re.findall(r'id="filter-(\w+)"', shut) == ["function"]
    # The first one is the header's.
    form = shut.split('role="search"')[2].split("</form>")[0]
    assert re.findall(r'<input type="hidden"\s+name="(action|file)"\s+value="([^>]*)">', form) == [
        ("action", "Block"),
        ("file", 'a"b'),
    ]
    assert '?action=Block&file=a%22b&unit=day&filters=1"' in shut
    assert re.search(OPEN, opened)
    assert re.findall(r'id="filter-(\w+)"\s+name="\1"', opened) == FIELDS
    assert not [link for link in links(opened) if "filters=" in link]


def test_every_utm_of_the_customer_can_be_chosen_and_removed_ones_say_so(operator, make, utm, arrive, page):
    gone = make.utm(customer_row=utm.customer, name="旧本社", removed_at=NOW)
    make.customer_with_utm(operator.tenant, name="よその会社のUTM")
    arrive(utm, here={})
    arrive(gone, there={})

    text = page(utm=str(gone.id), filters="1")

    assert ids(text) == ["there"]
    assert chips(text) == ["UTM: 旧本社（削除済み）"]
    assert re.findall(r"<option[^>]*>([^<]+)</option>", text.split('id="filter-utm"')[1].split("</select>")[0]) == [
        "すべて",
        "旧本社（削除済み）",
        "本社",
    ]
    assert KEPT not in text  # a removed UTM's alerts cannot be taken home


def test_conditions_go_along_to_the_other_screen_but_for_the_level(utm, page):
    chosen = {
        "unit": "month",
        "first_month": "2026-11",
        "last_month": "2026-11",
        "function": "ips",
        "utm": str(utm.id),
        "action": "Block",
        "level": "high",
        "source": "10.0.0.0/8",
        "threat": "走査",
        "destination": "garbage",
    }

    there = next(link for link in links(page(**chosen)) if "/alerts/important" in link)
    important = page("important", **chosen)
    back = next(link for link in links(important) if f"{utm.customer_id}/alerts/?" in link)

    kept = (
        f"unit=month&first_month=2026-11&last_month=2026-11&function=ips&utm={utm.id}"
        "&action=Block&source=10.0.0.0%2F8&threat=%E8%B5%B0%E6%9F%BB"
    )
    assert there.partition("?")[2] == kept
    assert back.partition("?")[2] == kept
    assert 'name="level"' not in important


def test_problems_are_high_alone_whatever_level_is_asked_for(utm, arrive, page):
    arrive(utm, high={"alert_severity": "high"}, low={"alert_severity": "low"})

    text = page("important", level="low")

    assert ids(text) == ["high"]
    assert chips(text) == []


def test_conditions_stay_in_sort_links_and_on_the_next_page(utm, arrive, page):
    arrive(utm, **{f"id-{number}": {"act": ("pass", "block")[number % 2]} for number in range(130)})

    text = page(action="block", source="192.168.0.0/16")
    following = next(link for link in links(text) if "after=" in link)
    query = dict(pair.split("=", 1) for pair in following.removeprefix("?").split("&"))

    assert all("action=block" in link for link in links(text) if "sort=" in link)
    assert query["action"] == "block"
    assert "65件" in text
    assert len(ids(text)) == 50
    assert len(ids(page(**(query | {"source": "192.168.0.0/16"})))) == 15


@pytest.mark.parametrize("name", ["action", "alert_id", "url", "threat", "file", "source", "utm", "level"])
@pytest.mark.parametrize(
    "word", ["%", "_", "\\", "'", '"><script>', "😀" * 300, "a" * 300, "%s", "{x}", ":y", "\ufffd"]
)
def test_nonsense_in_a_condition_is_never_an_error_and_is_escaped(operator, utm, name, word):
    answer = operator.get(f"/customers/{utm.customer_id}/alerts/", query_string={name: word})
    file = operator.post(
        f"/customers/{utm.customer_id}/alerts/download", data={name: word, "conditions": "kept"} | {"utm": utm.id}
    )

    assert answer.status_code == 200
    assert '"><script>' not in answer.text
    assert (file.status_code, zipfile.ZipFile(io.BytesIO(file.data)).testzip()) == (200, None)


@pytest.mark.parametrize(
    ("name", "limit"), [("action", 32), ("alert_id", 64), ("url", 255), ("threat", 255), ("file", 255)]
)
def test_a_text_past_its_limit_is_told_beside_the_field_and_not_searched_for(page, name, limit):
    at_the_limit, past_it = page(**{name: "𠮷" * limit}), page(**{name: "𠮷" * (limit + 1)})

    assert len(chips(at_the_limit)) == 1
    assert chips(past_it) == []
    assert ids(past_it) == ids(page())
    assert f'id="filter-{name}-error">{limit}文字以下で入力してください。' in past_it
    assert "𠮷" * (limit + 1) in past_it


def fields_of(text: str, button: str) -> dict[str, str]:
    """What the form with a button sends, checkboxes left out."""
    form = next(each for each in re.findall(r"<form.*?</form>", text, re.DOTALL) if button in each)
    pairs = re.findall(r'<input type="hidden"\s+name="([^"]+)"\s+value="([^"]*)"', form)
    return dict(pairs) | dict(re.findall(r'<button[^>]*name="([^"]+)"\s+value="([^"]+)"', form))


def test_of_one_utm_the_whole_period_or_what_the_list_shows_can_be_taken_home(operator, utm, arrive, page):
    arrive(
        utm,
        wanted={"act": "block", "alert_severity": "high", "msg": "100%"},
        low={"act": "block", "msg": "100%"},
        passed={"act": "pass", "alert_severity": "high", "msg": "100%"},
    )
    text = page(action="Block", level="high", threat="100%")
    sent = fields_of(text, KEPT)

    name, kept = download(operator, utm, **sent)
    whole_name, whole = download(operator, utm, **{key: value for key, value in sent.items() if key != "conditions"})

    assert name == 'attachment; filename="alerts_a1b2c3d4e5f6_20261023_20261122_filtered.zip"'
    assert kept == {"alerts_a1b2c3d4e5f6_20261023_20261122_filtered.csv": ["wanted"]}
    assert whole_name == 'attachment; filename="alerts_a1b2c3d4e5f6_20261023_20261122.zip"'
    assert whole == {"alerts_a1b2c3d4e5f6_20261023_20261122.csv": ["wanted", "low", "passed"]}


def test_without_conditions_there_is_one_download(page):
    text = page()

    assert KEPT not in text
    assert "ダウンロード" in text


def test_problems_can_be_taken_home_as_shown(operator, utm, arrive, page):
    arrive(utm, high={"alert_severity": "high"}, low={"alert_severity": "low"})

    _, kept = download(operator, utm, **fields_of(page("important"), KEPT))

    assert list(kept.values()) == [["high"]]


def test_the_chosen_utms_take_the_place_of_the_condition_on_one(operator, make, utm, arrive, page):
    other = make.utm(customer_row=utm.customer, utm_id="b1b2c3d4e5f6", name="支店")
    arrive(utm, a={"act": "block"}, b={"act": "pass"})
    arrive(other, c={"act": "block"}, d={"act": "pass"})

    text = page(utm=str(other.id), action="block", choose="1")
    ticked = re.findall(r'name="utm"\s+value="(\d+)"\s+checked', text)
    sent = fields_of(text, KEPT)

    assert ticked == [str(other.id)]
    assert list(download(operator, utm, **sent, utm=ticked)[1].values()) == [["c"]]
    assert list(download(operator, utm, **sent, utm=[utm.id])[1].values()) == [["a"]]
    assert sorted(download(operator, utm, **sent, utm=[utm.id, other.id])[1].values()) == [["a"], ["c"]]


def test_the_dialog_says_what_is_dropped_and_what_is_kept(make, utm, page):
    make.utm(customer_row=utm.customer, name="支店")

    text = page(action="block", choose="1")

    assert "表示期間以外のフィルタは解除された状態でダウンロードされます。" in text
    assert "表示期間のアラートが10万件を超えるUTMは、新しいアラートから10万件分のCSVファイルになります。" in text
    assert f"「{KEPT}」では、フィルタなどの検索条件に合うアラートだけをダウンロードします。" in text
