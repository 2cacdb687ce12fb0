"""The interface between the shipper and a log format.

An adapter is one module in this folder, which converts the records of one vendor's log to alert lines of the device API. Everything else
(compression, rotation, positions, alert IDs, time shifts, statistics) is the same for all formats and belongs to the rest of the shipper.
A new format needs an adapter, its name in ``ADAPTERS``, and golden files in ``tests/app/shipper/golden``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from app.shipper.log_reader import LogReader, UnreadableRecordError

R = TypeVar("R")


class ConversionError(Exception):
    """An alert record cannot be converted; the text is the reason."""


class Adapter(ABC, Generic[R]):
    """One log format.

    ``R`` is what the adapter uses as a record; the shipper only passes it on. The methods that take a record must not depend on records
    before it, so that a record gives the same alert line on every run, wherever reading started.

    :cvar name: the value of ``--format``.
    """

    name: ClassVar[str]

    @abstractmethod
    def reader(self, path: Path, tick: Callable[[], object] = lambda: None) -> LogReader[R]:
        """Return a reader of a complete file.

        :param tick: called for each record.
        """

    @abstractmethod
    def records_in(self, line: str) -> Iterator[R | UnreadableRecordError]:
        """Yield the records of a line of a followed log, and an UnreadableRecordError in place of each one that cannot be read.

        :param line: may contain lone surrogates for bytes that are not valid UTF-8.
        """

    @abstractmethod
    def is_alert(self, record: R) -> bool:
        """Whether a record is an alert. Others are counted by their kind and not sent."""

    @abstractmethod
    def kind(self, record: R) -> str:
        """Return what a record is that is not an alert, for the table of counts."""

    @abstractmethod
    def event_time(self, record: R) -> datetime:
        """Return the time of an alert, in UTC.

        :raises ConversionError: it has no valid time, or is not a complete alert.
        """

    @abstractmethod
    def identity(self, record: R) -> bytes:
        """Return the bytes from which the alert ID is computed: all that was recorded, without what a copy of the log may change.

        :raises ConversionError: the record is not supported.
        """

    @abstractmethod
    def fields(self, record: R) -> dict[str, Any]:
        """Return the keys of the alert line except ``alert_id`` and ``time``, with raw values; a value of None is left out.

        ``type``, ``act`` and ``alert_severity`` are required. Facts without a column of their own go under keys that start with the
        adapter's name.
        """
