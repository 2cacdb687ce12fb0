"""A day on which tests of screens run, whatever day it is: midnight may come between two steps of a test."""

from __future__ import annotations

from datetime import date

TODAY = date(2026, 11, 17)
