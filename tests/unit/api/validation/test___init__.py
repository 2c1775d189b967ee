from __future__ import annotations

import pytest

from kvdb.api import validation
from kvdb.api.operations import OPERATIONS
from tests.support.sound_requests import SOUND


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_sound_request_of_every_operation_passes(operation):
    validation.check(SOUND[operation.request])
