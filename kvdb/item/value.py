"""Attribute values: the ten types as plain Python.

S str | N int when whole, else Decimal | B bytes | BOOL bool | NULL None
M dict[str, value] | L list[value] | SS set[str] | NS set[int | Decimal] | BS set[bytes]
"""

from __future__ import annotations

from typing import TypeAlias

AttributeValue: TypeAlias = object
"""One of the ten types above; ``normalise_value`` is what makes sure."""

Item: TypeAlias = dict[str, object]
"""Attribute name -> attribute value. A key (``Key`` in the service) has the same shape."""
