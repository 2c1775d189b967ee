"""38 digits, the range, the grammar of texts, and the words of each refusal."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest

from kvdb.errors import ValidationError
from kvdb.item import number

TOO_LARGE = "Number overflow. Attempting to store a number with magnitude larger than supported range"
TOO_SMALL = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
TOO_MANY_DIGITS = "Attempting to store more than 38 significant digits in a Number"
NINES = "9" * 38


def refusal(call, argument):
    with pytest.raises(ValidationError) as caught:
        call(argument)
    return caught.value.message


# Source: dynoxide tests/number_validation.rs, captured from the service.
@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("0", 0),
        ("-0", 0),
        ("+0.0", 0),
        ("0E999999999999999999999", 0),
        ("00042", 42),
        ("-42.50", Decimal("-42.5")),
        ("+5", 5),
        ("+1e2", 100),
        ("+.5", Decimal("0.5")),
        ("5.", 5),
        ("1.0", 1),
        ("100E-2", 1),
        ("1E+20", 10**20),
        ("1E-130", Decimal("1E-130")),
        (f"9.{NINES[1:]}E125", int(NINES) * 10**88),
        (f"-9.{NINES[1:]}E125", -int(NINES) * 10**88),
        (f"{NINES}000", int(NINES) * 1000),
        (f"0.000{NINES}", Decimal(f"0.000{NINES}")),
        ("1" + "0" * 125, 10**125),
    ],
)
def test_texts_are_read_to_the_normal_form(text, normal):
    parsed = number.parse(text)
    assert (type(parsed), str(parsed)) == (type(normal), str(normal))


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "+e2",
        "1+2",
        "1.2.3",
        "++5",
        "1e",
        " 5",
        "5 ",
        "5\n",
        "NaN",
        "Infinity",
        "1_0",
        ".",
        "-",
        "٣",
        "0x1",
    ],
)
def test_texts_outside_the_grammar_are_refused_by_name(text):
    assert refusal(number.parse, text) == f"The parameter cannot be converted to a numeric value: {text}"


def test_the_empty_text_is_refused_without_a_name():
    assert refusal(number.parse, "") == "The parameter cannot be converted to a numeric value"


def test_a_refusal_shows_no_more_than_256_characters_of_a_text():
    assert refusal(number.parse, "x" * 10**6).endswith(" value: " + "x" * 256 + "...")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1E126", TOO_LARGE),
        ("-1E126", TOO_LARGE),
        ("1E999999999", TOO_LARGE),
        ("1E+0000000000000000001000", TOO_LARGE),
        ("1E99999999999999999999999999", TOO_LARGE),
        ("1" + "0" * 126, TOO_LARGE),
        ("9" * 127, TOO_LARGE),
        ("1E-131", TOO_SMALL),
        ("0.9E-130", TOO_SMALL),
        ("-1E-999999999", TOO_SMALL),
        ("1E-99999999999999999999999999", TOO_SMALL),
        ("1" + "0" * 37 + "1", TOO_MANY_DIGITS),
        ("1." + "0" * 37 + "1", TOO_MANY_DIGITS),
        ("9" * 39, TOO_MANY_DIGITS),
        ("9." + "9" * 38 + "E125", TOO_MANY_DIGITS),
    ],
)
def test_numbers_that_do_not_fit_are_refused_never_rounded(text, message):
    assert refusal(number.parse, text) == message


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (Decimal("1E+999999999"), TOO_LARGE),
        (Decimal("-1E+999999999"), TOO_LARGE),
        (Decimal("1E-999999999"), TOO_SMALL),
        (10**126, TOO_LARGE),
        (-(10**126), TOO_LARGE),
        (10**38 + 1, TOO_MANY_DIGITS),
        (1e126, TOO_LARGE),
        (5e-324, TOO_SMALL),
    ],
)
def test_numbers_of_each_class_are_held_to_the_range(raw, message):
    assert refusal(number.normalise, raw) == message


def test_an_integer_too_long_for_a_text_is_refused_like_the_others():
    assert refusal(number.normalise, 10**100_000) == TOO_LARGE


@pytest.mark.parametrize("raw", [10**125, -(10**125), 10**38 - 1, 123 * 10**40])
def test_whole_numbers_in_range_stay_as_they_are(raw):
    assert number.normalise(raw) is raw


def test_floats_stand_for_the_shortest_decimal_that_reads_back_as_them():
    assert str(number.normalise(0.1)) == "0.1"
    assert str(number.normalise(1e-7)) == "1E-7"
    assert str(number.normalise(1e22)) == "1" + "0" * 22


@pytest.mark.parametrize(
    ("normal", "text"),
    [
        (0, "0"),
        (-7, "-7"),
        (Decimal("1E+20"), "100000000000000000000"),
        (Decimal("0.10"), "0.1"),
        (Decimal("-0"), "0"),
        (Decimal("1E-130"), "0." + "0" * 129 + "1"),
        (Decimal("-1.5E-10"), "-0.00000000015"),
        (10**125, "1" + "0" * 125),
        (10**23, "100000000000000000000000"),
    ],
)
def test_texts_are_written_in_plain_digits(normal, text):
    assert number.to_text(normal) == text


def test_the_decimal_context_of_the_thread_changes_nothing():
    with localcontext() as context:
        context.prec = 3
        context.clear_traps()
        assert number.parse("1.23456789") == Decimal("1.23456789")
        assert number.to_text(Decimal("1.2345")) == "1.2345"
        assert number.fraction_from_text("1234567.5") == Decimal("1234567.5")
        with pytest.raises((ValueError, ArithmeticError)):
            number.fraction_from_text("abc")


@pytest.mark.parametrize(
    "text", ["5", "1.50", "-0.0", "1E+2", "NaN", "sNaN", "Infinity", " 1.5", "1_1.5", "abc", "1E-131"]
)
def test_a_stored_fraction_has_one_text(text):
    with pytest.raises((ValueError, ArithmeticError)):
        number.fraction_from_text(text)


@pytest.mark.parametrize(
    ("left", "right", "total", "difference"),
    [
        (1, 2, 3, -1),
        (Decimal("0.5"), Decimal("0.5"), 1, 0),
        (10**37, 10**37, 2 * 10**37, 0),
        (Decimal("1E-130"), Decimal("-1E-130"), 0, Decimal("2E-130")),
        (10**125, 10**124, 11 * 10**124, 9 * 10**124),
        (10**22, 1, 10**22 + 1, 10**22 - 1),
        (5, Decimal("0.25"), Decimal("5.25"), Decimal("4.75")),
    ],
)
def test_sums_and_differences_are_exact_and_in_normal_form(left, right, total, difference):
    with localcontext() as context:
        context.prec = 3
        for found, expected in (
            (number.add(left, right), total),
            (number.subtract(left, right), difference),
        ):
            assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("left", "right", "word"),
    [
        (9 * 10**125, 9 * 10**125, "overflow"),
        # The service has no word of its own for a sum of more than 38 digits.
        (10**50, 1, "overflow"),
        (10**125, Decimal("1E-130"), "overflow"),
        (Decimal("1.5E-130"), Decimal("-1.4E-130"), "underflow"),
    ],
)
def test_a_sum_that_is_no_number_of_ours_is_refused(left, right, word):
    with pytest.raises(ValidationError) as caught:
        number.add(left, right)
    assert caught.value.message.startswith(f"Number {word}. ")
