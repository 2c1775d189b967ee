"""Constraints of single fields, in the service's words; and what no wire could carry.

Functions that end in ``_faults`` return the constraints that do not hold, for ``refuse_if`` to
count and join; the service names ten of them at most (dynoxide, create_table.rs).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from kvdb import limits
from kvdb.api import arn
from kvdb.errors import ValidationError
from kvdb.item.size import text_size
from kvdb.item.value import EMPTY_NAME, NAME_TOO_LARGE

# Enums of several operations; the order inside the brackets of a message is the service's own.
CAPACITIES = ("INDEXES", "TOTAL", "NONE")
METRICS = ("SIZE", "NONE")
ALL_OLD_OR_NONE = ("ALL_OLD", "NONE")

_NAME_PATTERN = "[a-zA-Z0-9_.-]+"
_is_name = re.compile(_NAME_PATTERN).fullmatch
_FAULTS_MAX = 10


def constraint(value: object, place: str, rule: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{place}' failed to satisfy constraint: Member must {rule}"


def refuse_if(faults: Sequence[str]) -> None:
    if faults:
        faults = faults[:_FAULTS_MAX]
        plural = "s" if len(faults) > 1 else ""
        raise ValidationError(f"{len(faults)} validation error{plural} detected: {'; '.join(faults)}")


def invalid(fact: str) -> ValidationError:
    """What most rules about several fields begin with."""
    return ValidationError(f"One or more parameter values were invalid: {fact}")


def check_table_name(name: object) -> None:
    """The rule of the table operations: the length is a matter of its own, and comes first."""
    if not isinstance(name, str):
        raise wrong_type("table_name", name, "str")
    if arn.table_arn_parts(name) is not None:
        return
    if not limits.TABLE_NAME_CHARS_MIN <= len(name) <= limits.TABLE_NAME_CHARS_MAX:
        raise ValidationError(
            f"TableName must be at least {limits.TABLE_NAME_CHARS_MIN} characters long "
            f"and at most {limits.TABLE_NAME_CHARS_MAX} characters long"
        )
    refuse_if(table_name_faults(name))


def table_name_faults(name: object) -> Sequence[str]:
    """The rule of the item operations: a name of at least one character, or an ARN."""
    if not isinstance(name, str):
        raise wrong_type("table_name", name, "str")
    if _is_name(name) and len(name) <= limits.TABLE_NAME_CHARS_MAX:
        return ()
    if arn.table_arn_parts(name) is not None:
        return ()
    if not name:
        return [constraint(name, "tableName", "have length greater than or equal to 1")]
    return name_faults(name, "tableName", chars_min=1)


def name_faults(name: str, place: str, *, chars_min: int) -> Sequence[str]:
    faults = []
    if not _is_name(name):
        faults.append(constraint(name, place, f"satisfy regular expression pattern: {_NAME_PATTERN}"))
    if len(name) < chars_min:
        faults.append(constraint(name, place, f"have length greater than or equal to {chars_min}"))
    if len(name) > limits.TABLE_NAME_CHARS_MAX:
        rule = f"have length less than or equal to {limits.TABLE_NAME_CHARS_MAX}"
        faults.append(constraint(name, place, rule))
    return faults


def enum_faults(value: object, place: str, allowed: tuple[str, ...]) -> Sequence[str]:
    if value in allowed:
        return ()
    return [constraint(value, place, f"satisfy enum value set: [{', '.join(allowed)}]")]


def wrong_type(field: str, value: object, expected: str) -> ValidationError:
    return ValidationError(f"{field} must be {expected}, not {type(value).__name__}")


def check_mapping(field: str, value: object) -> None:
    if type(value) is not dict and not isinstance(value, Mapping):
        raise wrong_type(field, value, "a mapping")


def check_int(field: str, value: object) -> None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise wrong_type(field, value, "int")
    if value is not None and not -limits.INTEGER_MAX <= value <= limits.INTEGER_MAX:
        raise ValidationError(f"{field} must fit into 32 bits: {str(value)[:40]}")


def check_long(field: str, value: object) -> None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise wrong_type(field, value, "int")
    if value is not None and not -limits.LONG_MAX <= value <= limits.LONG_MAX:
        raise ValidationError(f"{field} must fit into 64 bits: {str(value)[:40]}")


def check_bool(field: str, value: object) -> None:
    if not isinstance(value, bool):
        raise wrong_type(field, value, "bool")


def check_list(field: str, value: object) -> None:
    if not isinstance(value, (list, tuple)):
        raise wrong_type(field, value, "a list")


# Expressions: the fields around them; their texts belong to ``expr``.


def check_expressions(
    names: object, values: object, projection: str | None = None, **takes_values: str | None
) -> None:
    """``takes_values``: the expressions that may use ``:values``, by the service's field name."""
    texts = {"ProjectionExpression": projection, **takes_values}
    for field, text in texts.items():
        if text is not None and not isinstance(text, str):
            raise wrong_type(field, text, "str")
        if text is not None and not text.isascii():
            text_size(text)  # refuses what no message can carry
    if names is not None:
        check_mapping("expression_attribute_names", names)
        if all(text is None for text in texts.values()):
            raise ValidationError("ExpressionAttributeNames can only be specified when using expressions")
    if values is not None:
        check_mapping("expression_attribute_values", values)
        if all(text is None for text in takes_values.values()):
            absent = " and ".join(takes_values) + (" are null" if len(takes_values) > 1 else " is null")
            raise ValidationError(
                f"ExpressionAttributeValues can only be specified when using expressions: {absent}"
            )


def attribute_name_faults(name: object, place: str) -> Sequence[str]:
    """Key attribute names have 1 to 255 bytes. Source: service model, KeySchemaAttributeName."""
    if not isinstance(name, str):
        raise wrong_type(place, name, "str")
    if not name:
        return [constraint(name, place, "have length greater than or equal to 1")]
    if len(name.encode(errors="replace")) > limits.KEY_ATTRIBUTE_NAME_BYTES_MAX:
        rule = f"have length less than or equal to {limits.KEY_ATTRIBUTE_NAME_BYTES_MAX}"
        return [constraint(name, place, rule)]
    if not name.isascii() and not is_unicode(name):
        return [constraint(ascii(name), place, "be valid UTF-8")]
    return ()


def check_item_name(name: str) -> None:
    """The rule for the name of any attribute, where it stands by itself and not in an item.

    Raises:
        ValidationError: no item can have an attribute of this name.
    """
    if not name:
        raise ValidationError(EMPTY_NAME)
    if text_size(name) > limits.ATTRIBUTE_NAME_BYTES_MAX:
        raise ValidationError(NAME_TOO_LARGE)


def is_unicode(text: str) -> bool:
    """Whether ``text`` has no lone surrogate, which no wire could carry."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
