"""§7.17 UTMの選択: which UTMs a download offers, keeps ticked and takes."""

from __future__ import annotations

import re

from tests.support.alert_pages import download, links


def many_utms(make, utm, count):
    for number in range(count):
        make.utm(customer_row=utm.customer, name=f"店舗{number:03}{'倉庫' if number % 50 == 0 else ''}")


def chooser(text: str) -> list[str]:
    return re.findall(r'<span class="form-check-label">([^<]+)<', text)


def test_up_to_100_utms_are_all_in_the_chooser(make, utm, page):
    many_utms(make, utm, 99)

    text = page(choose="1")

    assert len(chooser(text)) == 100
    assert 'name="utm_search"' not in text
    assert 'id="download"' not in page()


def test_of_more_than_100_utms_the_chooser_shows_100_and_searches(make, utm, page):
    many_utms(make, utm, 100)

    text = page(action="block", choose="1")
    opened = page(action="block", choose="1", utm_search="倉庫")

    assert len(chooser(text)) == 100
    assert "UTM 101台のうち100台を表示しています。一度に選択できるUTMは100台までです。" in text
    assert chooser(opened) == ["店舗000倉庫", "店舗050倉庫"]
    assert re.search(r"<dialog[^>]*\sopen", opened)
    # What was searched in the dialog stays in it.
    assert not any("utm_search" in link or "choose" in link for link in links(opened))
    assert "名前にこの文字を含むUTMはありません。" in page(choose="1", utm_search="見当たらない")


def ticked(text: str) -> list[str]:
    return re.findall(r'name="utm"\s+value="(\d+)"\s+checked', text)


def test_what_was_ticked_stays_so_when_more_is_searched_for(make, utm, page):
    many_utms(make, utm, 150)
    first, second = (make.utm(customer_row=utm.customer, name=name) for name in ("龍", "鶴"))
    theirs = make.customer_with_utm(make.tenant())[1]
    picked = [first.id, second.id, theirs.id, "nonsense"]

    opened = page(choose="1", utm_search="倉庫", picked=picked)
    nothing = page(choose="1", utm_search="見当たらない", picked=picked)

    assert ticked(page(choose="1")) == []
    assert chooser(opened) == ["鶴", "龍", "店舗000倉庫", "店舗050倉庫", "店舗100倉庫"]
    assert sorted(ticked(opened)) == sorted(map(str, (first.id, second.id)))
    assert not any("picked" in link for link in links(opened))
    assert chooser(nothing) == ["鶴", "龍"]
    assert "名前にこの文字を含むUTMはありません。" in nothing


def test_more_than_can_be_taken_at_once_may_be_ticked_and_unticked(make, utm, page):
    many_utms(make, utm, 150)
    keys = [each.id for each in make.session.query(type(utm)).filter_by(customer_id=utm.customer_id)]

    text = page(choose="1", picked=keys[:120])

    assert (len(chooser(text)), len(ticked(text))) == (151, 120)


def test_the_one_that_was_looked_for_and_is_ticked_already_is_found(make, utm, page):
    many_utms(make, utm, 150)
    dragon = make.utm(customer_row=utm.customer, name="龍")

    text = page(choose="1", utm_search="龍", picked=[dragon.id])

    assert chooser(text) == ["龍"]
    assert "名前にこの文字を含むUTMはありません。" not in text


def test_what_is_unticked_stays_so_where_all_are_shown(make, utm, page):
    other = make.utm(customer_row=utm.customer, name="支店")

    assert ticked(page(choose="1", picked=[other.id])) == [str(other.id)]


def test_the_utm_of_the_condition_is_in_the_chooser_however_many_there_are(make, utm, page):
    many_utms(make, utm, 110)
    last = make.utm(customer_row=utm.customer, name="龍")

    text = page(utm=str(last.id), choose="1")

    assert chooser(text)[0] == "龍"
    assert len(re.findall(r'name="utm"\s+value="\d+"\s+checked', text)) == 1


def test_100_utms_can_be_taken_home_at_once_and_101_cannot(operator, make, utm):
    many_utms(make, utm, 100)
    keys = [each.id for each in make.session.query(type(utm)).filter_by(customer_id=utm.customer_id)]
    address = f"/customers/{utm.customer_id}/alerts/download"

    assert len(keys) == 101
    assert len(download(operator, utm, utm=keys[:100])[1]) == 100
    for data in ({"utm": keys}, {"utm": keys, "conditions": "kept"}):
        page = operator.post(address, data=data, follow_redirects=True).text
        assert "一度に選択できるUTMは100台までです。" in page
        assert len(ticked(page)) == 101
    none = operator.post(address, data={}, follow_redirects=True)
    assert "UTMを1台以上選択してください。" in none.text
    assert re.search(r"<dialog[^>]*\sopen", none.text)
