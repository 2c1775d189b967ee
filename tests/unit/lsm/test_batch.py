from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvdb.lsm.batch import WriteBatch, decode_operations, without_echoes
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
        pack([b"k", b"v", b"p", -1]),
        pack([b"k", b"v", b"p", True]),
        pack([b"k", [b"l"], b"p", 0]),
        pack([b"k", b"v", b"p", 0, b"q", 0]),
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
    with_trace = WriteBatch().delete(b"a").put(b"tombstone", b"a")
    with_trace.traces += 1
    assert with_trace.only_deletes
    assert not WriteBatch().put_stamped(b"change", b"", b"record").only_deletes
    assert not WriteBatch().only_deletes


def test_an_echo_repeats_the_key_before_it_under_its_prefix_and_seqno() -> None:
    batch = (
        WriteBatch().put(b"ab", b"1").echo(b"p", 1).delete(b"cd").echo(b"q", 0).put(b"e", b"2").echo(b"p", 9)
    )
    assert decode_operations(batch.encoded()) == batch.operations
    assert without_echoes(batch.operations, 5) == [
        *(b"ab", b"1", b"p" + bytes(7) + b"\x06" + b"b", b""),
        *(b"cd", None, b"q" + bytes(7) + b"\x08" + b"cd", b""),
        *(b"e", b"2", b"p" + bytes(7) + b"\x0a", b""),
    ]
    assert WriteBatch().put_echoed(b"ab", b"1", b"p", 1).operations == batch.operations[:4]


def test_the_form_of_an_echo_is_what_it_was() -> None:
    assert WriteBatch().put(b"k", b"v").echo(b"p", 1).encoded().hex() == "94c4016bc40176c4017001"


def test_an_echo_of_a_delete_still_only_deletes() -> None:
    assert WriteBatch().delete(b"a").echo(b"p", 0).only_deletes
    assert not WriteBatch().put(b"a", b"").echo(b"p", 0).only_deletes
