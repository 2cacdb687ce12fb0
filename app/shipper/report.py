"""What the shipper prints: a line while it goes and a table when it is done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from app.shipper.faults import CALM, FAULTS, Told
from app.shipper.file_pattern import FilePattern
from app.shipper.fleet import Played
from app.shipper.send_result import Sent
from app.shipper.shipping import LogFiles, Shipped

_WIDE, _LONG = 24, 200
_MOST_FILES = 10


def reading_line(files: LogFiles, seconds: float) -> str:
    """Say how far the search for the last alert of a log came."""
    return f"looking for the last alert: {files.records:,} records ({files.share:.0%}, {_rate(files.records, seconds)})"


def shipped_line(shipped: Shipped, seconds: float, share: float | None = None) -> str:
    """Say how far the shipping of a log came.

    :param seconds: since it began.
    :param share: how much of the log that is, 0 to 1, if it has an end.
    """
    done = "" if share is None else f" ({share:.0%}, {_rate(shipped.records, seconds)})"
    counts = f"{shipped.alerts:,} alerts, {shipped.sent.sent:,} sent, {shipped.sent.stored:,} stored"
    return f"{shipped.records:,} records read{done}, {counts}"


def shipped_table(files: Sequence[Path | FilePattern], url: str, shipped: Shipped) -> str:
    """Return what was read from a log and what became of it, a line each.

    :param files: the files, or the patterns that were followed.
    """
    rows = [_text("file", str(file)) for file in files[:_MOST_FILES]]
    rows += _more(" " * _WIDE, len(files), min(len(files), _MOST_FILES))
    rows += [_number("records read", shipped.records), _number("  alerts", shipped.alerts)]
    rows.append(_number("  skipped", shipped.skipped.total()))
    rows += [_number(f"    {kind}", count) for kind, count in shipped.skipped.most_common()]
    rows.append(_number("  unreadable", shipped.unreadable))
    rows += [f"    {_plain(problem)}" for problem in shipped.problems]
    rows += _more("    ", shipped.unreadable, len(shipped.problems))
    rows += [_text("damaged", damage) for damage in shipped.damages]
    if shipped.shift:
        rows.append(_text("moved in time by", _span(shipped.shift)))
    rows += [_text("sent to", url), *_sent(shipped.sent)]
    if shipped.not_sent:
        rows.append(_number("  not sent", shipped.not_sent))
    if not shipped.shift and any("retention" in reason for _, _, reason in shipped.sent.reasons):
        rows.append("      An old log is shipped with --shift-to now, which moves it to today.")
    return "\n".join(rows)


def played_table(url: str, utms: int, played: Played, *, kept: int = 0) -> str:
    """Return what a fleet did, a line each.

    :param kept: alerts of UTMs that were still silent at the end.
    """
    rows = [
        _number("UTMs", utms),
        _number("heartbeats", played.heartbeats),
        _number("commands waiting", played.commands),
    ]
    rows.append(_number("failed calls", played.failures))
    rows += [f"  {_plain(problem)}" for problem in played.problems]
    unexpected = sum(told.unexpected for told in played.faults.values())
    rows += _more("  ", played.failures + unexpected, len(played.problems))
    rows += [_text("sent to", url), *_sent(played.sent)]
    if kept:
        rows.append(_number("  kept by silent UTMs", kept))
    if set(played.faults) - {CALM}:
        rows += _faults(played.faults)
    return "\n".join(rows)


def _faults(faults: dict[str, Told]) -> list[str]:
    """Say for each fault what the portal made of it, a line each."""
    titles = ("times", "sent", "stored", "duplicate", "rejected")
    rows = [f"{'fault':<12}" + "".join(f"{title:>11}" for title in titles)]
    for name in [name for name in (CALM, *FAULTS) if name in faults]:
        told, sent = faults[name], faults[name].sent
        counts = (told.times, sent.sent, sent.stored, sent.duplicate, sent.rejected)
        verdict = f"{told.unexpected:,} times NOT as expected" if told.unexpected else "as expected"
        rows.append(f"  {name:<10}" + "".join(f"{count:>11,}" for count in counts) + f"   {verdict}")
    return rows


def _sent(sent: Sent) -> list[str]:
    rows = [_number("  sent", sent.sent), _number("    stored", sent.stored)]
    rows += [_number("    duplicate", sent.duplicate), _number("    rejected", sent.rejected)]
    rows += [f"      line {line} ({_plain(alert_id)}): {_plain(reason)}" for line, alert_id, reason in sent.reasons]
    return rows + _more("      ", sent.rejected, len(sent.reasons))


def _more(indent: str, count: int, listed: int) -> list[str]:
    """Say of a list of the first few how many it leaves out; nothing when it is whole, or there is none."""
    return [f"{indent}and {count - listed:,} more"] if 0 < listed < count else []


def _rate(records: int, seconds: float) -> str:
    return f"{records / max(seconds, 0.001):,.0f}/s"


def _number(name: str, value: int) -> str:
    return f"{_plain(name)[:_WIDE]:<{_WIDE}}{value:>12,}"


def _text(name: str, value: str) -> str:
    return f"{name:<{_WIDE}}{_plain(value)}"


def _span(shift: timedelta) -> str:
    days, rest = divmod(abs(shift), timedelta(days=1))
    hours, seconds = divmod(int(rest.total_seconds()), 3600)
    return f"{'-' if shift < timedelta(0) else '+'}{days:,} days {hours:02}:{seconds // 60:02}:{seconds % 60:02}"


def _plain(text: str) -> str:
    """Keep what a log or an answer says from steering the terminal."""
    return "".join(char if char.isprintable() else "?" for char in text[:_LONG])
