"""The lock is complete, names no machine, and holds nothing known to be dangerous."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent.parent
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# Lowest versions without a known hole; from the advisories in the comment. A package that is
# not in the lock is listed too: should it come in, even through another, its floor is here.
FLOORS = {
    "aiohttp": "3.13.3",  # CVE-2025-69223 and following
    "cbor2": "6.1.1",  # CVE-2025-68131, CVE-2026-26209; 6.1.0 corrupts over 4 KiB
    "cryptography": "46.0.7",  # CVE-2026-39892
    "grpcio": "1.66",  # CVE-2023-44487, CVE-2024-7246
    "h11": "0.16.0",  # CVE-2025-43859
    "h2": "4.4.1",  # CVE-2026-71554
    "hpack": "4.2.0",  # CVE-2026-59980
    "hypercorn": "0.16.0",
    "msgpack": "1.2.3",  # CVE-2026-57585, CVE-2026-114613
    "orjson": "3.11.6",  # CVE-2025-67221
    "protobuf": "6.33.5",  # CVE-2025-4565, CVE-2026-0994
    "starlette": "1.3.1",  # CVE-2025-62727
    "urllib3": "2.6.3",  # CVE-2025-66418, CVE-2026-21441
}
NEVER = {"dill", "ecdsa", "jsonpickle", "python-jose", "ujson"}


def locked() -> dict[str, Version]:
    """Name -> version of every package in the lock."""
    pins = re.findall(r"^([A-Za-z0-9_.-]+)==([^ \\;]+)", LOCK, re.MULTILINE)
    return {canonicalize_name(name): Version(version) for name, version in pins}


def declared() -> list[Requirement]:
    """Every requirement of the package and of its extras, but for its own extras."""
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    requirements = [Requirement(text) for texts in lists for text in texts]
    return [requirement for requirement in requirements if requirement.name != "kvdb"]


@pytest.mark.parametrize("name", sorted(FLOORS))
def test_the_lock_pins_no_version_below_the_floor(name: str) -> None:
    version = locked().get(name)

    assert version is None or version >= Version(FLOORS[name])


@pytest.mark.parametrize("name", ["grpcio", "msgpack", "protobuf"])
def test_the_installed_version_is_not_below_the_floor(name: str) -> None:
    assert Version(importlib.metadata.version(name)) >= Version(FLOORS[name])


@pytest.mark.parametrize("requirement", declared(), ids=str)
def test_a_declared_range_is_pinned_within_itself(requirement: Requirement) -> None:
    assert requirement.specifier.contains(locked()[canonicalize_name(requirement.name)])


@pytest.mark.parametrize("name", ["grpcio", "msgpack", "protobuf"])
def test_a_declared_range_starts_at_or_above_the_floor(name: str) -> None:
    (requirement,) = {r for r in declared() if canonicalize_name(r.name) == name}
    (lowest,) = [Version(s.version) for s in requirement.specifier if s.operator == ">="]

    assert lowest >= Version(FLOORS[name])


def test_the_lock_holds_no_package_that_is_never_to_be_used() -> None:
    assert not NEVER & set(locked())


def test_the_pinned_build_backend_is_the_locked_one() -> None:
    (backend,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]

    assert Requirement(backend).specifier.contains(locked()["setuptools"])


def test_every_pin_has_a_hash() -> None:
    entries = [entry for entry in re.split(r"\n(?=\S)", LOCK) if "==" in entry and not entry.startswith("#")]

    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_lock_names_no_index_and_no_path() -> None:
    assert (
        re.findall(r"--(?:index|extra-index|find-links|trusted)\S*|https?:\S+|file:\S+|^-\S+", LOCK, re.M)
        == []
    )
    assert not re.search(r"(?<![\w.])/(?:home|root|opt|tmp|usr|work)/", LOCK)
