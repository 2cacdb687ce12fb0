"""The windows in which browser tests run."""

from __future__ import annotations

import pytest

at_desk = pytest.mark.parametrize("page", ["desk"], indirect=True)
"""Run a test at the width of a desk only: what it tests does not depend on the width, or other tests look at its pages."""
