"""The text of a monthly report (§7.16), in Japanese. It is plain text: names are on one line and nothing is interpreted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from models.alerts.alert import FUNCTION_LABELS, LEVEL_LABELS, SecurityFunction
from models.reports.monthly_numbers import Content, Numbers, UtmPart
from models.utms.utm import UtmState

MISSING = "—"
"""Stands for a number that is not known."""

STATES = {
    UtmState.ONLINE: "オンライン",
    UtmState.OFFLINE: "オフライン",
    UtmState.UNCONNECTED: "未接続",
}

FUNCTIONS_SOURCE = "UTMの統計"
LEVELS_SOURCE = "アラートの記録"
NO_STATISTICS = "この月の統計は受信していません。"
NO_ALERTS = "この月のアラートはありません。"
NO_CATEGORIES = "この月の統計に検知はありません。"

_RULE = "=" * 60
_LINE = "-" * 60


def text_of(content: Content) -> str:
    """Return the text of a report, with LF as line breaks."""
    return "\n".join(_lines(content)) + "\n"


def month_title(content: Content) -> str:
    """Return the month as in titles: ``2026年10月``."""
    year, month = content.month.split("-")
    return f"{year}年{int(month)}月"


def facts(content: Content) -> list[tuple[str, str]]:
    """Return the label and the value of each line at the head of a report."""
    removed = sum(bool(utm.removed) for utm in content.utms)
    utms = f"{len(content.utms)}台" + (f"(うち削除済み {removed}台)" if removed else "")
    return [
        ("会社名", content.customer),
        ("会社ID", content.customer_id),
        ("対象期間", f"{content.first} から {content.last} まで(日本時間)"),
        ("作成日時", content.created),
        ("UTM", utms),
    ]


def utm_facts(utm: UtmPart) -> list[tuple[str, str]]:
    """Return the label and the value of each line at the head of a UTM's section."""
    state = f"削除済み({utm.removed}に削除)" if utm.removed else STATES[UtmState(utm.state)]
    return [
        ("UTM ID", utm.utm_id),
        ("設置場所", utm.address),
        ("状態", f"{state} / 最終接続 {utm.last_seen or MISSING}"),
    ]


def function_rows(numbers: Numbers) -> list[tuple[str, str, str]]:
    """Return the name, number and difference of each function and of all; empty if no statistics were received."""
    return _counted(FUNCTION_LABELS, numbers.functions, numbers.functions_before)


def level_rows(numbers: Numbers) -> list[tuple[str, str, str]]:
    """Return the name, number and difference of each alert level and of all."""
    return _counted(LEVEL_LABELS, numbers.levels, numbers.levels_before)


def threat_rows(numbers: Numbers) -> list[tuple[str, str, str]]:
    """Return the function, name and number of each of the most frequent threats."""
    return [
        (_function(function), name, f"{count:,}件" + (f"(うちHigh {important:,}件)" if important else ""))
        for function, name, count, important in numbers.threats
    ]


def category_rows(numbers: Numbers) -> list[tuple[str, str, str]]:
    """Return the function, name and number of each of the most frequent categories."""
    return [(_function(function), name, f"{count:,}件") for function, name, count in numbers.categories]


def overview_rows(content: Content) -> list[tuple[str, ...]]:
    """Return the name, state, detections, High and Low alerts of each UTM."""
    return [
        (
            utm.name,
            "削除済み" if utm.removed else STATES[UtmState(utm.state)],
            MISSING if utm.numbers.functions is None else f"{sum(utm.numbers.functions.values()):,}",
            *(f"{utm.numbers.levels[level]:,}" for level in LEVEL_LABELS),
        )
        for utm in content.utms
    ]


def notes(content: Content) -> list[str]:
    """Return where the numbers come from, and of what time they are."""
    received = f"最終受信 {content.received}" if content.received else "この月の受信なし"
    return [
        f"機能別の検知数とカテゴリは、UTMが1時間ごとに数えた統計によります({received})。",
        f"アラート数と脅威は、UTMから届いたアラートの記録によります({content.created}時点)。",
        "検知が非常に多いとき、UTMは一部のアラートを記録しません。このため統計とアラートの数は一致しないことがあります。",
        "状態は作成日時のものです。月の途中で削除されたUTMも集計に含みます。",
        f"「{MISSING}」は、比べる前月の値などがないことを表します。",
        "本レポートの内容は、発行後に届いたデータによって変わることはありません。",
    ]


def _lines(content: Content) -> Iterator[str]:
    yield _RULE
    yield f"月次レポート {month_title(content)}"
    yield _RULE
    yield from _pairs(facts(content))
    yield ""
    yield "■ 全体"
    yield from _numbers(content.total)
    for number, utm in enumerate(content.utms, 1):
        yield ""
        yield _LINE
        yield f"■ UTM {number}/{len(content.utms)}: {utm.name}" + ("(削除済み)" if utm.removed else "")
        yield from _pairs(utm_facts(utm))
        yield from _numbers(utm.numbers)
    yield ""
    yield _LINE
    yield "■ 集計について"
    yield from (f"・{note}" for note in notes(content))


def _pairs(pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    return (f"{label}: {value}" for label, value in pairs)


def _numbers(numbers: Numbers) -> Iterator[str]:
    yield ""
    yield f"【機能別の検知数】({FUNCTIONS_SOURCE})"
    yield from _counts(function_rows(numbers), NO_STATISTICS)
    yield ""
    yield f"【レベル別のアラート数】({LEVELS_SOURCE})"
    yield from _counts(level_rows(numbers), "")
    yield ""
    yield f"【多く検知した脅威】({LEVELS_SOURCE})"
    yield from _ranked(threat_rows(numbers), NO_ALERTS)
    yield ""
    yield f"【多く検知したカテゴリ】({FUNCTIONS_SOURCE})"
    yield from _ranked(category_rows(numbers), NO_CATEGORIES if numbers.functions else NO_STATISTICS)


def _counts(rows: Sequence[tuple[str, str, str]], empty: str) -> Iterator[str]:
    if not rows:
        yield f"  {empty}"
    for name, count, difference in rows:
        yield f"  {name}: {count}件(前月比 {difference})"


def _ranked(rows: Sequence[tuple[str, str, str]], empty: str) -> Iterator[str]:
    if not rows:
        yield f"  {empty}"
    for place, (function, name, count) in enumerate(rows, 1):
        yield f"  {place}. [{function}] {name}: {count}"


def _counted(
    labels: Mapping[Any, str],
    counts: dict[str, int] | None,
    before: dict[str, int] | None,
) -> list[tuple[str, str, str]]:
    if counts is None:
        return []
    rows = [
        (label, f"{counts[key]:,}", _difference(counts[key], None if before is None else before[key]))
        for key, label in labels.items()
    ]
    total, total_before = sum(counts.values()), None if before is None else sum(before.values())
    return [*rows, ("合計", f"{total:,}", _difference(total, total_before))]


def _difference(count: int, before: int | None) -> str:
    if before is None:
        return MISSING
    return f"{count - before:+,}" if count != before else "±0"


def _function(function: str) -> str:
    return FUNCTION_LABELS[SecurityFunction(function)]
