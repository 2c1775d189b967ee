from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvdb.lsm.batch import WriteBatch, decode_operations
from kvdb.lsm.coding import pack


@given(st.lists(st.tuples(st.binary(), st.none() | st.binary())))
def test_the_byte_form_gives_back_the_operations(operations: list[tuple[bytes, bytes | None]]) -> None:
    batch = WriteBatch()
    for key, value in operations:
        _ = batch.delete(key) if value is None else batch.put(key, value)
    assert decode_operations(batch.encoded()) == batch.operations
    assert len(batch) == len(operations)
    assert batch.size_bytes == sum(len(key) + len(value or b"") for key, value in operations)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        pack([b"k"]),
        pack({}),
        pack([1, b"v"]),
        pack([b"k", 1]),
        pack([None, b"v"]),
        pack([]) + b"x",
    ],
)
def test_what_is_not_a_batch_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError):
        decode_operations(payload)


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_a_batch_or_a_value_error(payload: bytes) -> None:
    try:
        operations = decode_operations(payload)
    except ValueError:
        return
    assert all(isinstance(key, bytes) for key in operations[::2])


def test_a_batch_that_deletes_may_record_so_and_still_only_deletes() -> None:
    assert WriteBatch().delete(b"a").delete_range(b"b", b"c").only_deletes
    assert WriteBatch().delete(b"a").put_stamped(b"change", b"", b"record").only_deletes
    assert not WriteBatch().delete(b"a").put(b"b", b"1").only_deletes
    assert not WriteBatch().put_stamped(b"change", b"", b"record").only_deletes
    assert not WriteBatch().only_deletes
