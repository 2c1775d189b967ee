from __future__ import annotations

import io
from decimal import Decimal

import pytest

from kvdb.backup.transfer import records as transfer_records
from kvdb.backup.transfer.csv_records import CellType, CsvOptions
from kvdb.backup.transfer.records import OVERLONG, BadHeader, Record
from kvdb.cli.lines import Format, reader


def read(data: bytes, format: Format, **types: CellType) -> list[Record]:
    options = CsvOptions(types=types, required=frozenset(types))
    return list(reader(format, options)(io.BytesIO(data)))


def items(records: list[Record]) -> list[dict[str, object]]:
    return [record.item for record in records if record.fault is None]


def faults(records: list[Record]) -> list[tuple[int, str]]:
    return [(record.line, record.fault) for record in records if record.fault is not None]


def test_csv_cells_are_strings_unless_a_type_is_given() -> None:
    records = read(b"icao,lat,open\nBIKF,63.98,true\n", "csv", lat="N", open="BOOL")

    assert items(records) == [{"icao": "BIKF", "lat": Decimal("63.98"), "open": True}]


def test_csv_base64_cells_become_bytes() -> None:
    assert items(read(b"a\nAP8=\n", "csv", a="B")) == [{"a": b"\x00\xff"}]


def test_an_empty_csv_cell_leaves_the_attribute_out() -> None:
    assert items(read(b"a,b\n1,\n", "csv", b="N")) == [{"a": "1"}]


def test_quoted_csv_cells_may_hold_commas_quotes_and_line_breaks() -> None:
    assert items(read(b'a,b\r\n"x, ""y""\nz",2\r\n', "csv")) == [{"a": 'x, "y"\nz', "b": "2"}]


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert items(read(b"\xef\xbb\xbfa\n1\n", "csv")) == [{"a": "1"}]
    assert items(read(b'\xef\xbb\xbf{"a": 1}\n', "jsonl")) == [{"a": 1}]


def test_the_last_line_needs_no_line_break() -> None:
    assert items(read(b"a\n1", "csv")) == [{"a": "1"}]
    assert items(read(b'{"a": 1}', "jsonl")) == [{"a": 1}]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"1", "1 fields where the first line names 2"),
        (b"1,2,3", "3 fields where the first line names 2"),
        (b"1,many", "b: The parameter cannot be converted to a numeric value: many: 'many'"),
        (b"\xff,2", "a: not UTF-8"),
        (b'"x"y,2', "',' expected after '\"'"),
    ],
)
def test_a_bad_csv_line_is_named_and_the_next_is_read(line: bytes, fault: str) -> None:
    records = read(b"a,b\n1,1\n" + line + b"\n3,3\n", "csv", b="N")

    assert faults(records) == [(3, fault)]
    assert items(records) == [{"a": "1", "b": 1}, {"a": "3", "b": 3}]


def test_a_quote_that_never_closes_is_a_fault() -> None:
    assert faults(read(b'a\n"x\ny\n', "csv")) == [(3, "unexpected end of data")]


@pytest.mark.parametrize(
    ("kind", "cell", "fault"),
    [("B", b"!", "a: not base64: '!'"), ("BOOL", b"yes", "a: neither true nor false: 'yes'")],
)
def test_a_cell_that_is_not_of_its_type_is_a_fault(kind: CellType, cell: bytes, fault: str) -> None:
    assert faults(read(b"a\n" + cell + b"\n", "csv", a=kind)) == [(2, fault)]


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        (b"", "must name every column"),
        (b"\n", "must name every column"),
        (b"a,,c\n", "must name every column"),
        (b"a,b,a\n", "same name"),
        (b'"a"b\n', "expected after"),
    ],
)
def test_a_csv_file_without_a_usable_header_is_refused(header: bytes, fault: str) -> None:
    with pytest.raises(BadHeader, match=fault):
        read(header, "csv")


def test_a_type_for_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadHeader, match="no such column: b"):
        read(b"a\n1\n", "csv", b="N")


def test_json_lines_are_items_and_blank_lines_nothing() -> None:
    records = read(b'{"a": 1}\n\n  \r\n{"a": {"$set": ["x"]}}\r\n', "jsonl")

    assert items(records) == [{"a": 1}, {"a": {"x"}}]
    assert [record.line for record in records] == [1, 4]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"nonsense", "not JSON: Expecting value at character 1"),
        (b"[1]", "not a JSON object: '[1]'"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": 1, "a": 1}', "name given twice: 'a'"),
    ],
)
def test_a_bad_json_line_is_named_and_the_next_is_read(line: bytes, fault: str) -> None:
    records = read(b'{"a": 1}\n' + line + b'\n{"a": 3}\n', "jsonl")

    assert faults(records) == [(2, fault)]
    assert items(records) == [{"a": 1}, {"a": 3}]


def test_dynamodb_json_may_be_wrapped_in_item_or_not() -> None:
    records = read(b'{"Item": {"a": {"N": "1"}, "b": {"S": "x"}}}\n{"a": {"N": "2"}}\n', "dynamodb-json")

    assert items(records) == [{"a": 1, "b": "x"}, {"a": 2}]


def test_an_attribute_called_item_is_not_taken_for_the_wrapping() -> None:
    assert items(read(b'{"Item": {"S": "x"}}\n', "dynamodb-json")) == [{"Item": "x"}]


@pytest.mark.parametrize(
    "line", [b'{"a": 1}', b'{"a": {"N": "x"}}', b'{"a": {}}', b"1", b"{", b'{"a": {"B": "!"}}']
)
def test_a_bad_dynamodb_json_line_is_a_fault(line: bytes) -> None:
    records = read(line + b'\n{"a": {"S": "x"}}\n', "dynamodb-json")

    assert [line for line, _ in faults(records)] == [1]
    assert items(records) == [{"a": "x"}]


@pytest.mark.parametrize(
    ("format", "head", "good"), [("jsonl", b"", b'{"a": "1"}\n'), ("csv", b"a\n", b"1\n")]
)
def test_a_line_over_the_bound_is_passed_over(
    format: Format, head: bytes, good: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer_records, "RECORD_BYTES_MAX", 16)

    records = read(head + good + b"x" * 100 + b"\n" + good, format)

    assert [fault for _, fault in faults(records)] == [OVERLONG]
    assert items(records) == [{"a": "1"}, {"a": "1"}]


def read_csv(data: bytes, options: CsvOptions) -> list[Record]:
    return list(reader("csv", options)(io.BytesIO(data)))


def test_a_header_may_be_given_and_then_the_first_line_is_an_item() -> None:
    options = CsvOptions(delimiter=";", header=("a", "b"), types={"b": "N"})

    assert items(read_csv(b"x;1\ny;2\n", options)) == [{"a": "x", "b": 1}, {"a": "y", "b": 2}]


def test_a_typed_header_says_what_cells_are() -> None:
    data = b'"a:S","b:N","c:JSON","d:NULL"\r\nx,1,"{""SS"":[""u""]}",null\r\n'

    assert items(read_csv(data, CsvOptions(is_typed=True))) == [{"a": "x", "b": 1, "c": {"u"}, "d": None}]


@pytest.mark.parametrize("header", [b"a\n", b"a:X\n", b":S\n", b"a:S,a:N\n"])
def test_a_typed_header_without_types_is_refused(header: bytes) -> None:
    with pytest.raises(BadHeader):
        read_csv(header, CsvOptions(is_typed=True))


def test_the_records_of_an_incremental_export_are_puts_and_deletions() -> None:
    head = b'{"Metadata":{"WriteTimestampMicros":{"N":"1680109764000000"}},"Keys":{"k":{"S":"a"}}'

    records = read(
        head
        + b',"NewImage":{"k":{"S":"a"},"n":{"N":"1"}},"OldImage":{"k":{"S":"a"}}}\n'
        + head
        + b',"OldImage":{"k":{"S":"a"}}}\n'
        + head
        + b"}\n",
        "dynamodb-json",
    )

    assert records == [
        Record(1, {"k": "a", "n": 1}),
        Record(2, {"k": "a"}, is_delete=True),
        Record(3, {"k": "a"}, is_delete=True),
    ]


def test_what_is_cbor_but_no_item_is_a_fault_and_the_next_is_read() -> None:
    # A map, an integer, a map with an unknown tag (0xd8 0x2a), a map.
    records = read(b"\xa1aa\x01\x05\xa1aa\xd8\x2a\x01\xa1aa\x02", "cbor")

    assert faults(records) == [(2, "not a map"), (3, "tag 42 has no attribute type")]
    assert items(records) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("rest", [b"\xa1aa", b"\xff", b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff", b"\x1c"])
def test_what_is_no_cbor_ends_the_file_with_a_fault(rest: bytes) -> None:
    records = read(b"\xa1aa\x01" + rest, "cbor")

    assert items(records) == [{"a": 1}]
    ((line, fault),) = faults(records)
    assert line == 2
    assert "the rest cannot be read" in fault


def test_a_cbor_record_may_be_larger_than_what_is_read_at_once() -> None:
    big = "x" * 700_000
    data = b"\xa1aa\x7a" + len(big).to_bytes(4, "big") + big.encode()

    assert items(read(data * 2, "cbor")) == [{"a": big}] * 2
