from __future__ import annotations

import pytest

from kvdb.api import validation
from kvdb.api.tables import ListTagsOfResource, Tag, TagResource, UntagResource, UpdateTimeToLive
from tests.support.sound_requests import TABLE_ARN, changed, message_of


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "have length greater than or equal to 1"),
        ("k" * 256, "have length less than or equal to 255"),
    ],
)
def test_a_time_to_live_attribute_has_a_name_of_1_to_255(name, rule):
    assert message_of(UpdateTimeToLive("table", name, True)) == (
        f"1 validation error detected: Value '{name}' at 'timeToLiveSpecification.attributeName' failed to "
        f"satisfy constraint: Member must {rule}"
    )


def test_time_to_live_is_on_or_off():
    assert message_of(UpdateTimeToLive("table", "expires", 1)) == "enabled must be bool, not int"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ([], "Atleast one Tag needs to be provided as Input."),
        ([Tag("", "v")], "The Tag Key provided is invalid, Key: "),
        ([Tag("k" * 129, "v")], f"The Tag Key provided is invalid, Key: {'k' * 129}"),
        ([Tag("a*b", "v")], "The Tag Key provided is invalid, Key: a*b"),
        ([Tag("key", "v" * 257)], f"The Tag Value provided is invalid, Value: {'v' * 257}"),
        ([Tag("key", "a*b")], "The Tag Value provided is invalid, Value: a*b"),
        ([Tag("aws:key", "v")], "Tag Key cannot be prefixed with aws:, Key: aws:key"),
        (
            [Tag("key", "1"), Tag("key", "2")],
            "Duplicate Tag Keys provided as input: Duplicate Tag Key found key",
        ),
        ([("key", "v")], "tags must be a list of Tag, not tuple"),
        ([Tag("key", None)], "tag value must be str, not NoneType"),  # type: ignore[arg-type]
    ],
)
def test_tags(tags, message):
    assert message_of(TagResource(TABLE_ARN, tags)) == message


def test_tags_may_be_long_empty_and_of_any_language():
    validation.check(TagResource(TABLE_ARN, [Tag("k" * 128, "v" * 256), Tag("schlüssel +-=._:/@", "")]))


def test_untagging_names_keys():
    assert message_of(UntagResource(TABLE_ARN, [])) == "Atleast one Tag Key needs to be provided as Input."
    assert message_of(UntagResource(TABLE_ARN, [""])) == "The Tag Key provided is invalid, Key: "


@pytest.mark.parametrize("kind", [TagResource, UntagResource, ListTagsOfResource])
@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ("", "Invalid TableArn"),
        ("table", "One or more parameter values were invalid: ARNs must start with 'arn:': table"),
        (
            "arn:aws:s3:::table",
            "Invalid TableArn: Invalid ResourceArn provided as input arn:aws:s3:::table",
        ),
        (5, "resource_arn must be str, not int"),
    ],
)
def test_tags_belong_to_the_arn_of_a_table(kind, resource, message):
    assert message_of(changed(kind, resource_arn=resource)) == message
