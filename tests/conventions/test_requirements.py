"""requirements.txt and requirements-dev.txt are what `make upgrade` writes from the .in files: exact versions with hashes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}(?=\s|$)")
LIMITS = {"marshmallow": Version("4"), "marshmallow-sqlalchemy": Version("1.6"), "wtforms": Version("3.4")}
"""The first versions that do not work; requirements.in says why."""


@dataclass(frozen=True)
class Pin:
    """A package of a list.

    :ivar hashes: the number of its hashes.
    """

    version: str
    hashes: int


def lines(name: str) -> list[str]:
    """Return the lines of a file without comments, with continued lines joined."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def pins(name: str) -> dict[str, Pin]:
    """Return the packages of a file. Every line must be one, with an exact version."""
    found = {}
    for line in lines(name):
        if line.startswith("-r "):
            continue
        requirement = Requirement(HASH.sub("", line))
        (version,) = requirement.specifier
        assert version.operator == "==", line
        package = canonicalize_name(requirement.name)
        assert package not in found, f"{name} names {package} twice."
        found[package] = Pin(version.version, len(HASH.findall(line)))
    return found


@pytest.fixture(scope="module")
def runtime() -> dict[str, Pin]:
    return pins("requirements.txt")


@pytest.fixture(scope="module")
def development() -> dict[str, Pin]:
    return pins("requirements-dev.txt")


def test_every_package_has_a_hash(runtime, development):
    assert [name for name, pin in (runtime | development).items() if not pin.hashes] == []


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_the_list_has_what_its_source_names(name):
    compiled, named = pins(f"{name}.txt"), pins(f"{name}.in")

    different = {package: pin.version for package, pin in named.items() if version_of(compiled, package) != pin.version}
    assert different == {}, f"Run make upgrade: {name}.txt is older than {name}.in."


def version_of(found: dict[str, Pin], package: str) -> str | None:
    return found[package].version if package in found else None


def test_tests_run_with_the_packages_of_the_portal(runtime, development):
    assert {package: pin.version for package, pin in runtime.items()} == {
        package: version_of(development, package) for package in runtime
    }


def test_packages_stay_below_the_versions_that_do_not_work(runtime):
    assert {package for package, limit in LIMITS.items() if Version(runtime[package].version) >= limit} == set()


def test_no_list_depends_on_the_machine_that_wrote_it():
    for name in ("requirements.in", "requirements.txt", "requirements-dev.in", "requirements-dev.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert re.findall(r"--(?:extra-)?index-url|--find-links|://|\s/\w+", text) == [], name


def test_make_installs_only_packages_with_a_hash():
    installing = [line for line in (ROOT / "Makefile").read_text().splitlines() if " pip install " in line]

    assert len(installing) == 2
    assert all("--require-hashes" in line for line in installing)
