"""Options are checked once, when they are made."""

from __future__ import annotations

import dataclasses

import pytest

from kvdb.errors import ValidationError
from kvdb.options import SYNC_MODES, ClientOptions, DatabaseOptions, EngineOptions, ServerOptions

ENGINE_SIZES = [
    field.name for field in dataclasses.fields(EngineOptions) if type(field.default) in (int, type(None))
]
CLIENT_FIELDS = [field.name for field in dataclasses.fields(ClientOptions)]
SERVER_NUMBERS = [field.name for field in dataclasses.fields(ServerOptions) if type(field.default) is int]


def test_the_default_promise_is_that_nothing_acknowledged_is_lost() -> None:
    assert EngineOptions().sync == "commit"


@pytest.mark.parametrize("mode", SYNC_MODES)
def test_every_sync_mode_is_accepted(mode: str) -> None:
    assert dataclasses.replace(EngineOptions(), sync=mode).sync == mode


def test_an_unknown_sync_mode_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValidationError, match="commit, group, interval, none: 'fast'"):
        dataclasses.replace(EngineOptions(), sync="fast")


@pytest.mark.parametrize("name", ENGINE_SIZES)
def test_a_negative_engine_size_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        EngineOptions(**{name: -1})


@pytest.mark.parametrize("name", ["memtable_size_bytes", "block_size_bytes", "open_sstables_max"])
def test_a_size_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=f"{name} must be positive: 0"):
        EngineOptions(**{name: 0})


@pytest.mark.parametrize("name", ["group_delay_ms", "bloom_bits_per_key", "block_cache_bytes"])
def test_what_may_be_switched_off_may_be_zero(name: str) -> None:
    assert getattr(EngineOptions(**{name: 0}), name) == 0


def test_an_unknown_answer_to_a_failed_sync_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValidationError, match="degrade, exit: 'retry'"):
        dataclasses.replace(EngineOptions(), on_fsync_error="retry")


def test_the_reserve_is_64_mib_or_two_memtables_unless_told_otherwise() -> None:
    assert EngineOptions().free_bytes_min == 64 << 20
    assert EngineOptions(memtable_size_bytes=100 << 20).free_bytes_min == 200 << 20
    assert EngineOptions(min_free_bytes=0).free_bytes_min == 0


def test_writers_must_not_stall_before_compaction_starts() -> None:
    with pytest.raises(ValidationError, match="level0_tables_stall"):
        EngineOptions(level0_tables_max=4, level0_tables_stall=4)


@pytest.mark.parametrize("region", [-1, 65_536])
def test_a_region_beyond_16_bits_is_refused(region: int) -> None:
    with pytest.raises(ValidationError, match="region must be"):
        DatabaseOptions(region=region)


@pytest.mark.parametrize("name", SERVER_NUMBERS)
def test_a_server_bound_of_nothing_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        ServerOptions("data", **{name: 0})


@pytest.mark.parametrize("name", CLIENT_FIELDS)
def test_a_client_bound_of_nothing_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        ClientOptions(**{name: 0})


def test_options_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        EngineOptions().sync = "none"  # type: ignore[misc]  # that is the claim
