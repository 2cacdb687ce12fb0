"""Formats the progress line and the result tables that the commands print."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from app.shipper.faults import FAULTS, NO_FAULT, FaultResult
from app.shipper.file_pattern import FilePattern
from app.shipper.fleet import SimulationResult
from app.shipper.send_result import SendResult
from app.shipper.shipping import LogFiles, ShippingResult

_NAME_WIDTH, _MAX_TEXT = 24, 200
_MAX_FILES = 10


def scan_progress_text(files: LogFiles, seconds: float) -> str:
    """Return the progress of the search for the last alert of a log."""
    return f"looking for the last alert: {files.records:,} records ({files.share:.0%}, {_rate(files.records, seconds)})"


def progress_text(result: ShippingResult, seconds: float, share: float | None = None) -> str:
    """Return the progress of shipping a log.

    :param seconds: time since the start.
    :param share: fraction of the log that was read, 0 to 1; None if it is followed.
    """
    done = "" if share is None else f" ({share:.0%}, {_rate(result.records, seconds)})"
    counts = f"{result.alerts:,} alerts, {result.sent.sent:,} sent, {result.sent.stored:,} stored"
    return f"{result.records:,} records read{done}, {counts}"


def result_table(files: Sequence[Path | FilePattern], url: str, result: ShippingResult) -> str:
    """Return the result of shipping a log as a table.

    :param files: the files, or the patterns of the followed files.
    """
    rows = [_text("file", str(file)) for file in files[:_MAX_FILES]]
    rows += _remaining_row(" " * _NAME_WIDTH, len(files), min(len(files), _MAX_FILES))
    rows += [_count_row("records read", result.records), _count_row("  alerts", result.alerts)]
    rows.append(_count_row("  skipped", result.skipped.total()))
    rows += [_count_row(f"    {kind}", count) for kind, count in result.skipped.most_common()]
    rows.append(_count_row("  unreadable", result.unreadable))
    rows += [f"    {_printable(problem)}" for problem in result.problems]
    rows += _remaining_row("    ", result.unreadable, len(result.problems))
    rows += [_text("damaged", damage) for damage in result.file_errors]
    if result.shift:
        rows.append(_text("moved in time by", _format_shift(result.shift)))
    rows += [_text("sent to", url), *_send_result_rows(result.sent)]
    rows += _threat_stats_rows(result.threat_stats)
    if result.not_sent:
        rows.append(_count_row("  not sent", result.not_sent))
    if not result.shift and any("retention" in reason for _, _, reason in result.sent.reasons):
        rows.append("      An old log is shipped with --shift-to now, which moves it to today.")
    return "\n".join(rows)


def simulation_table(url: str, utms: int, result: SimulationResult, *, queued: int = 0) -> str:
    """Return the result of a simulation as a table.

    :param queued: number of alerts that offline UTMs had not sent at the end.
    """
    rows = [
        _count_row("UTMs", utms),
        _count_row("heartbeats", result.heartbeats),
        _count_row("commands", sum(result.commands.values())),
        *(_count_row(f"  {state}", number) for state, number in result.commands.items() if number),
    ]
    rows.append(_count_row("failed calls", result.failures))
    rows += [f"  {_printable(problem)}" for problem in result.problems]
    unexpected = sum(result.unexpected for result in result.faults.values())
    rows += _remaining_row("  ", result.failures + unexpected, len(result.problems))
    rows += [_text("sent to", url), *_send_result_rows(result.sent)]
    rows += _threat_stats_rows(result.threat_stats)
    if queued:
        rows.append(_count_row("  kept by silent UTMs", queued))
    if set(result.faults) - {NO_FAULT}:
        rows += _fault_rows(result.faults)
    return "\n".join(rows)


def _fault_rows(faults: dict[str, FaultResult]) -> list[str]:
    """Return a row with the outcome of each fault."""
    titles = ("times", "sent", "stored", "duplicate", "rejected")
    rows = [f"{'fault':<12}" + "".join(f"{title:>11}" for title in titles)]
    for name in [name for name in (NO_FAULT, *FAULTS) if name in faults]:
        result, sent = faults[name], faults[name].sent
        counts = (result.times, sent.sent, sent.stored, sent.duplicate, sent.rejected)
        verdict = f"{result.unexpected:,} times NOT as expected" if result.unexpected else "as expected"
        rows.append(f"  {name:<10}" + "".join(f"{count:>11,}" for count in counts) + f"   {verdict}")
    return rows


def _send_result_rows(sent: SendResult) -> list[str]:
    rows = [_count_row("  sent", sent.sent), _count_row("    stored", sent.stored)]
    rows += [_count_row("    duplicate", sent.duplicate), _count_row("    rejected", sent.rejected)]
    rows += [
        f"      line {line} ({_printable(alert_id)}): {_printable(reason)}" for line, alert_id, reason in sent.reasons
    ]
    return rows + _remaining_row("      ", sent.rejected, len(sent.reasons))


def _threat_stats_rows(sent: SendResult) -> list[str]:
    """Return rows on the hourly counts; none if none were sent."""
    rows = [_count_row("  hourly counts", sent.sent)] if sent.sent else []
    if sent.rejected:
        rows.append(_count_row("    counts rejected", sent.rejected))
        rows += [f"      {_printable(key)}: {_printable(reason)}" for _, key, reason in sent.reasons]
        rows += _remaining_row("      ", sent.rejected, len(sent.reasons))
    return rows


def _remaining_row(indent: str, count: int, listed: int) -> list[str]:
    """Return a row with the number of items that a list leaves out; none if it is complete or empty."""
    return [f"{indent}and {count - listed:,} more"] if 0 < listed < count else []


def _rate(records: int, seconds: float) -> str:
    return f"{records / max(seconds, 0.001):,.0f}/s"


def _count_row(name: str, value: int) -> str:
    return f"{_printable(name)[:_NAME_WIDTH]:<{_NAME_WIDTH}}{value:>12,}"


def _text(name: str, value: str) -> str:
    return f"{name:<{_NAME_WIDTH}}{_printable(value)}"


def _format_shift(shift: timedelta) -> str:
    days, rest = divmod(abs(shift), timedelta(days=1))
    hours, seconds = divmod(int(rest.total_seconds()), 3600)
    return f"{'-' if shift < timedelta(0) else '+'}{days:,} days {hours:02}:{seconds // 60:02}:{seconds % 60:02}"


def _printable(text: str) -> str:
    """Replace control characters, which could change the state of the terminal."""
    return "".join(char if char.isprintable() else "?" for char in text[:_MAX_TEXT])
