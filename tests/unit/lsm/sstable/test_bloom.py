from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvdb.lsm.sstable.bloom import BloomFilter, key_hash


@given(st.sets(st.binary(), max_size=200), st.integers(1, 24))
def test_a_key_that_was_built_in_is_never_denied(keys: set[bytes], bits: int) -> None:
    bloom = BloomFilter.build(map(key_hash, keys), len(keys), bits_per_key=bits)
    again = BloomFilter.decoded(bloom.encoded())
    assert all(again.may_contain(key_hash(key)) for key in keys)


@pytest.mark.parametrize(("bits", "rate_max"), [(10, 0.03), (12, 0.02), (16, 0.008)])
def test_few_other_keys_pass(bits: int, rate_max: float) -> None:
    bloom = BloomFilter.build((key_hash(b"user%09d" % i) for i in range(20_000)), 20_000, bits_per_key=bits)
    passed = sum(bloom.may_contain(key_hash(b"user%09d" % i)) for i in range(10**6, 10**6 + 20_000))
    assert passed / 20_000 < rate_max


def test_the_hash_is_the_same_for_ever() -> None:
    assert [key_hash(key) for key in (b"", b"a", b"kvdb")] == [0, 13137784764390916677, 8579419371146531624]


@pytest.mark.parametrize("body", [b"", b"\2", b"\2" + bytes(7), b"\4" + bytes(8), b"\2" + bytes(9)])
def test_what_is_not_a_filter_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        BloomFilter.decoded(body)
