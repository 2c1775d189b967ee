"""The service's words for what can be wrong with an expression, each with its source.

Captured from the real service: [dynalite] ``db/*Parser.pegjs``, ``validations/index.js``
and the tests that were run against it; [dynoxide] issues and CHANGELOG; [alternator]
ScyllaDB ``test/alternator``; [extenddb] its ``tests``, run against us-east-1 in 2026; [field]
the message as users reported it. [local]: the words of DynamoDB Local, the service's own emulator.
[ours]: the service is not known to have it.

Expression faults travel behind ``Invalid <kind>: ``; see ``invalid``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NoReturn, TypeAlias

from kvdb.errors import ValidationError
from kvdb.limits import EXPRESSION_DEPTH_MAX

ExpressionKind: TypeAlias = Literal[
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
]

EMPTY = "The expression can not be empty;"  # [dynalite]
REDUNDANT_PARENTHESES = "The expression has redundant parentheses;"  # [dynalite]
TOO_DEEP = (  # [ours]
    f"The expression is nested too deeply; at most {EXPRESSION_DEPTH_MAX} parentheses may be open at once"
)

# Key conditions. All but the nested path come without a prefix. [dynalite]
KEY_NESTED_OPERATION = "KeyConditionExpressions cannot contain nested operations"
KEY_TWICE = "KeyConditionExpressions must only contain one condition per key"
KEY_TWO_PATHS = "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"
KEY_NO_PATH = "Invalid condition in KeyConditionExpression: No key attribute specified"
KEY_TOO_MANY = "Conditions can be of length 1 or 2 only"
KEY_NOT_SUPPORTED = "Query key condition not supported"
KEY_NESTED_PATH = (
    "KeyConditionExpressions cannot have conditions on nested attributes"  # [dynoxide] eu-west-2
)

# An update and the item it meets. Without a prefix. [dynalite]
UPDATE_OPERAND_TYPE = "An operand in the update expression has an incorrect data type"
UPDATE_OPERAND_MISSING = "The provided expression refers to an attribute that does not exist in the item"
UPDATE_PATH_INVALID = "The document path provided in the update expression is invalid for update"

# Placeholder maps. [dynalite]
NAMES = "ExpressionAttributeNames"
VALUES = "ExpressionAttributeValues"


def invalid(kind: str, message: str) -> NoReturn:
    """Refuse an expression of this kind."""
    raise ValidationError(f"Invalid {kind}: {message}")


def expression_too_long(kind: ExpressionKind, size: int) -> str:  # [extenddb]: only two kinds say the size
    says_size = kind in ("ConditionExpression", "FilterExpression")
    return "Expression size has exceeded the maximum allowed size;" + (
        f" expression size: {size}" if says_size else ""
    )


def too_many_operators(count: int) -> str:  # [field] aws-sdk-js#3721
    return f"The expression contains too many operators; operator count: {count}"


def syntax_error(token: str, near: str) -> str:  # [field] floci#1512, dynamodb-dashboard#735
    return f'Syntax error; token: "{token}", near: "{near}"'


def unknown_function(name: str) -> str:  # [dynalite]
    return f"Invalid function name; function: {name}"


def misused_function(name: str) -> str:  # [dynalite]
    return f"The function is not allowed to be used this way in an expression; function: {name}"


def function_of_another_kind(name: str, *, is_update: bool) -> str:  # [local]
    kind = "an update" if is_update else "a condition"
    return f"The function is not allowed in {kind} expression; function: {name}"


def section_twice(section: str) -> str:  # [dynalite]
    return f'The "{section}" section can only be used once in an update expression;'


def reserved_word(word: str) -> str:  # [dynalite]
    return f"Attribute name is a reserved keyword; reserved keyword: {word}"


def list_index_out_of_range(index: str) -> str:  # [local]
    return f"List index is not within the allowable range; index: [{index}]"


def path_too_deep(levels: int) -> str:  # [alternator]
    return f"The document path has too many nesting levels; nesting levels: {levels}"


def undefined_name(placeholder: str) -> str:  # [dynalite]
    return (
        "An expression attribute name used in the document path is not defined; "
        f"attribute name: {placeholder}"
    )


def undefined_value(placeholder: str) -> str:  # [dynalite]
    return f"An expression attribute value used in expression is not defined; attribute value: {placeholder}"


def operand_count(function: str, count: int) -> str:  # [dynalite]
    return (
        "Incorrect number of operands for operator or function; "
        f"operator or function: {function}, number of operands: {count}"
    )


def operand_type(operator: str, type_name: str) -> str:  # [dynalite], orderings [local]
    return (
        "Incorrect operand type for operator or function; "
        f"operator or function: {operator}, operand type: {type_name}"
    )


def action_operand_type(action: str, type_name: str) -> str:  # [dynalite]
    """ADD and DELETE spell the type out, and are no "operator or function"."""
    return (
        "Incorrect operand type for operator or function; "
        f"operator: {action}, operand type: {_LONG_TYPE_NAMES.get(type_name, type_name)}"
    )


_LONG_TYPE_NAMES = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "BOOL": "BOOLEAN",
    "NULL": "NULL",
    "L": "LIST",
    "M": "MAP",
}


def needs_path(function: str) -> str:  # [dynalite]
    return f"Operator or function requires a document path; operator or function: {function}"


def not_distinct(operator: str, path: tuple[str | int, ...]) -> str:  # [dynalite]
    return (
        "The first operand must be distinct from the remaining operands for this operator or function; "
        f"operator: {operator}, first operand: {path_text(path)}"
    )


def invalid_type_name(name: str) -> str:  # [dynalite]
    return f"Invalid attribute type name found; type: {name}, valid types: {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}"


def too_many_candidates(count: int) -> str:  # [field] reapit/foundations#8255
    return f"The IN operator is provided with too many operands; number of operands: {count}"


def bounds_of_two_types(lower: str, upper: str) -> str:  # [dynalite]
    return f"The BETWEEN operator requires same data type for lower and upper bounds; {_bounds(lower, upper)}"


def bounds_out_of_order(lower: str, upper: str) -> str:  # [dynalite]
    return (
        "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
        f"{_bounds(lower, upper)}"
    )


def _bounds(lower: str, upper: str) -> str:
    return (
        f"lower bound operand: AttributeValue: {{{lower}}}, upper bound operand: AttributeValue: {{{upper}}}"
    )


def paths_overlap(one: tuple[str | int, ...], two: tuple[str | int, ...]) -> str:  # [dynalite]
    return f"Two document paths overlap with each other; {_clash(one, two)}"


def paths_conflict(one: tuple[str | int, ...], two: tuple[str | int, ...]) -> str:  # [dynalite]
    return f"Two document paths conflict with each other; {_clash(one, two)}"


def _clash(one: tuple[str | int, ...], two: tuple[str | int, ...]) -> str:
    return (
        f"must remove or rewrite one of these paths; path one: {path_text(one)}, path two: {path_text(two)}"
    )


def path_text(path: tuple[str | int, ...]) -> str:
    """``[ab, bc, [1], a]``: how the service writes a resolved document path. [dynalite]"""
    return "[" + ", ".join(f"[{part}]" if isinstance(part, int) else part for part in path) + "]"


def key_operator(operator: str) -> str:  # [dynalite]
    return f"Invalid operator used in KeyConditionExpression: {operator}"


def key_not_first(operator: str) -> str:  # [dynalite]
    return (
        f"Invalid condition in KeyConditionExpression: {operator} operator "
        "must have the key attribute as its first operand"
    )


def key_missing(name: str) -> str:  # [dynalite]
    return f"Query condition missed key schema element: {name}"


def hash_needs_equality(names: Iterable[str]) -> str:  # [alternator] that it says HASH and equality
    return f"HASH key attributes {', '.join(names)} must have equality conditions specified in the query"


def range_needs_equality(earlier: str, later: str) -> str:  # [field] floci#2471, DynamoDB Local 3.3.1
    return (
        f"RANGE key attributes {earlier} must have equality conditions specified in the query "
        f"because a condition is present on key attribute {later}"
    )


def placeholders_empty(parameter: str) -> str:  # [dynalite]
    return f"{parameter} must not be empty"


def placeholder_invalid(parameter: str, placeholder: str) -> str:  # [dynalite]
    return f'{parameter} contains invalid key: Syntax error; key: "{placeholder}"'


def placeholder_too_long(parameter: str, size: int) -> str:  # [extenddb]: only names say the size
    return (
        f"{parameter} contains invalid key: The expression attribute map contains a key that is too long;"
        + (f" size of key: {size}" if parameter == NAMES else "")
    )


def placeholder_value_invalid(parameter: str, reason: str, placeholder: str) -> str:  # [dynalite]
    return f"{parameter} contains invalid value: {reason} for key {placeholder}"


def placeholders_too_large(size: int) -> str:  # [ours]
    return f"{NAMES} and {VALUES} exceed the maximum allowed size; size: {size}"


def placeholders_unused(parameter: str, placeholders: Iterable[str]) -> str:  # [dynalite]
    return f"Value provided in {parameter} unused in expressions: keys: {{{', '.join(sorted(placeholders))}}}"
