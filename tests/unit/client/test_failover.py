"""Which server a call goes to: what the simulation does not look at closely."""

from __future__ import annotations

import pytest

import kvdb
from kvdb.api.items import (
    CommitTransaction,
    CommitTransactionResult,
    GetItem,
    ItemVersion,
    ListItemVersions,
    ListItemVersionsResult,
    OpenSnapshot,
    OpenSnapshotResult,
    PutItem,
    ReleaseSnapshot,
    ReleaseSnapshotResult,
    TransactWriteItems,
)
from kvdb.api.jobs import DescribeJob
from kvdb.api.operations import OPERATIONS
from kvdb.api.streams import GetRecords, GetRecordsResult, GetShardIterator, GetShardIteratorResult
from kvdb.client import failover
from kvdb.client.failover import Choice, Origins, Switch, Verdict, located, route_of
from kvdb.errors import (
    ConditionalCheckFailed,
    DeadlineExceeded,
    ReplicaBehind,
    ServiceUnavailable,
    Throttled,
    TransactionInProgress,
)
from kvdb.options import FailoverOptions

GET, PUT = GetItem("t", {"id": 1}), PutItem("t", {"id": 1})
WELL, ILL = Verdict(True), Verdict(False, "refused")
SAID = Verdict(False, "it says that it does not serve", is_said=True)


def never_sent() -> ServiceUnavailable:
    error = ServiceUnavailable("no connection")
    error.never_sent = True
    return error


def observe(choice: Choice, *rounds: tuple[Verdict, ...]) -> list[Switch | None]:
    """A round a second."""
    found = []
    for verdicts in rounds:
        observe.now_ms += 1000  # type: ignore[attr-defined]
        found.append(choice.observe(verdicts, observe.now_ms))  # type: ignore[attr-defined]
    return found


observe.now_ms = 0  # type: ignore[attr-defined]


def test_an_endpoint_is_left_after_its_failures_in_a_row_and_the_switch_says_why() -> None:
    choice = Choice(["a", "b"], FailoverOptions())
    assert observe(choice, (ILL, WELL), (ILL, WELL), (WELL, WELL), (ILL, WELL), (ILL, WELL)) == [None] * 5
    assert observe(choice, (ILL, WELL)) == [Switch("a", "b", "refused", 1)]
    assert (choice.order, choice.fallen) == ((1, 0), (0,))
    assert observe(choice, (ILL, WELL)) == [None]
    assert choice.fallen == ()


def test_an_endpoint_that_says_so_is_left_at_once() -> None:
    choice = Choice(["a", "b"], FailoverOptions())
    assert observe(choice, (SAID, WELL)) == [Switch("a", "b", SAID.reason, 1)]


def test_when_none_is_up_the_current_one_stays_and_the_first_that_is_up_is_taken_held_down_or_not() -> None:
    choice = Choice(["a", "b", "c"], FailoverOptions(failures_to_leave=1, successes_to_return=1))
    assert observe(choice, (ILL, ILL, ILL)) == [None]
    [switch] = observe(choice, (ILL, ILL, WELL))
    assert switch is not None
    assert switch.target == "c"
    assert choice.order == (2, 0, 1)


def test_those_that_are_down_are_tried_last() -> None:
    choice = Choice(["a", "b", "c"], FailoverOptions(failures_to_leave=1))
    observe(choice, (WELL, ILL, WELL))
    assert choice.order == (0, 2, 1)


def test_a_read_goes_round_the_list_and_a_write_only_when_it_was_never_sent() -> None:
    for error in (ServiceUnavailable("reset"), DeadlineExceeded("late"), never_sent()):
        read = route_of(GET, (1, 0, 2), None)
        assert (read.index, read.moves_after(error), read.index) == (1, True, 0)
        assert (read.moves_after(error), read.index) == (True, 2)
        assert (read.moves_after(error), read.index) == (False, 2)
        read.renew((0, 1, 2))
        assert read.index == 0
    write = route_of(PUT, (0, 1), None)
    assert (write.moves_after(never_sent()), write.index) == (True, 1)
    assert (write.moves_after(ServiceUnavailable("reset")), write.index) == (False, 1)
    write.renew((0, 1))
    assert write.index == 1
    assert not write.moves_after(never_sent())


def test_a_call_whose_session_is_ahead_of_a_region_goes_on_to_the_next_one() -> None:
    for request in (GET, PUT):
        route = route_of(request, (1, 0), None)
        assert (route.moves_after(ReplicaBehind("behind")), route.index) == (True, 0)
        assert not route.moves_after(ReplicaBehind("behind"))
    assert not route_of(GET, (0, 1), 0).moves_after(ReplicaBehind("behind"))


@pytest.mark.parametrize("error", [Throttled("slow"), ConditionalCheckFailed()], ids=["throttled", "refused"])
def test_an_answer_is_an_answer_and_nobody_else_is_asked(error: kvdb.KvdbError) -> None:
    assert not route_of(GET, (0, 1), None).moves_after(error)
    assert not route_of(PUT, (0, 1), None).moves_after(error)


def test_a_token_at_work_at_a_server_keeps_the_transaction_there() -> None:
    route = route_of(TransactWriteItems([PUT], "token"), (0, 1), None)
    assert not route.moves_after(TransactionInProgress("at work"))
    route.renew((1, 0))
    assert (route.index, route.moves_after(never_sent())) == (0, False)


@pytest.mark.parametrize("request_", [DescribeJob("job"), GetShardIterator("arn", "shard", "LATEST")])
def test_what_only_one_database_knows_is_not_asked_of_another(request_: object) -> None:
    assert not route_of(request_, (0, 1), None).moves_after(ServiceUnavailable("reset"))  # type: ignore[arg-type]


def test_of_every_read_it_is_decided_whether_another_region_can_answer_it() -> None:
    moving = {
        operation.name
        for operation in OPERATIONS
        if operation.is_read and operation.request not in failover._OF_ONE_DATABASE
    }
    assert moving == {
        *("GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems", "ListItemVersions"),
        *("OpenSnapshot", "DescribeTable", "ListTables", "DescribeTimeToLive", "ListTagsOfResource"),
        "DescribeLimits",
    }


def test_tokens_lead_back_to_where_they_come_from() -> None:
    origins = Origins()
    origins.note(OpenSnapshot(), OpenSnapshotResult("snapshot", 7), 1)
    origins.note(GetShardIterator("arn", "shard", "LATEST"), GetShardIteratorResult("one"), 2)
    origins.note(GetRecords("one"), GetRecordsResult([], "two"), 2)
    origins.note(GetRecords("two"), GetRecordsResult([]), 2)
    for request, index in (
        (GetItem("t", {"id": 1}, snapshot_id="snapshot"), 1),
        (ReleaseSnapshot("snapshot"), 1),
        (CommitTransaction("snapshot", [], []), 1),
        (GetRecords("one"), 2),
        (GetRecords("two"), 2),
        (GetRecords("other"), None),
        (GET, None),
    ):
        assert origins.of(request) == index
    route = route_of(ReleaseSnapshot("snapshot"), (0, 1, 2), 1)
    assert (route.index, route.moves_after(never_sent())) == (1, False)


def test_a_commit_number_of_nobody_knows_which_database_is_refused() -> None:
    origins = Origins()
    for request in (
        GetItem("t", {"id": 1}, as_of_seqno=5),
        ListItemVersions("t", {"id": 1}, before_seqno=5),
    ):
        with pytest.raises(kvdb.ValidationError, match="a commit number is of one database"):
            origins.of(request)
    page = ListItemVersionsResult([ItemVersion(9, 0, None), ItemVersion(5, 0, None)])
    origins.note(ListItemVersions("t", {"id": 1}), page, 1)
    assert origins.of(ListItemVersions("t", {"id": 1}, before_seqno=5)) == 1
    with pytest.raises(kvdb.ValidationError):
        origins.of(ListItemVersions("t", {"id": 2}, before_seqno=5))


def test_a_transaction_that_may_have_arrived_is_known_in_later_calls() -> None:
    origins = Origins()
    request = TransactWriteItems([PUT], "token")
    origins.note_sent(request, never_sent(), 0)
    assert origins.of(request) is None
    origins.note_sent(request, DeadlineExceeded("late"), 1)
    assert origins.of(request) == 1
    for other in (PUT, TransactWriteItems([PUT])):
        origins.note_sent(other, None, 1)
        assert origins.of(other) is None


def test_a_snapshot_that_is_over_is_forgotten() -> None:
    origins = Origins()
    for end, result in (
        (ReleaseSnapshot("snapshot"), ReleaseSnapshotResult()),
        (CommitTransaction("snapshot", [], []), CommitTransactionResult(8)),
    ):
        origins.note(OpenSnapshot(), OpenSnapshotResult("snapshot", 7), 1)
        origins.note(end, result, 1)
        assert origins.of(end) is None


def test_how_much_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failover, "ORIGINS_MAX", 3)
    origins = Origins()
    for number in (0, 1, 2, 0, 3):
        origins.note(OpenSnapshot(), OpenSnapshotResult(str(number), 0), 1)
    assert [origins.of(ReleaseSnapshot(str(number))) for number in range(4)] == [1, None, 1, 1]


def test_an_error_of_the_line_says_which_and_any_other_is_left_as_it_is() -> None:
    told = located(never_sent(), "grpc://a:1", is_origin=False)
    assert isinstance(told, ServiceUnavailable)
    assert (told.message, told.never_sent) == ("no connection endpoint=grpc://a:1", True)
    late = located(DeadlineExceeded("late"), "grpc://a:1", is_origin=True)
    assert late.message == "late endpoint=grpc://a:1, which alone has what the request names"
    refused = ConditionalCheckFailed(item={"id": 1})
    assert located(refused, "grpc://a:1", is_origin=False) is refused


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([], "1 to 16 targets, not 0"),
        ([f"grpc://a:{port}" for port in range(1, 18)], "1 to 16 targets, not 17"),
        (["grpc://a:1", "grpc://b:1", "grpc://a:1"], "named twice: grpc://a:1"),
        (["grpc://a:1", "http://b:1"], "must be grpc://HOST:PORT: 'http://b:1'"),
        (["grpc://a:1", None], "must be grpc://HOST:PORT: None"),
        ({"grpc://a:1"}, "must be grpc://HOST:PORT, or a list of such"),
    ],
)
def test_a_list_of_another_form_is_refused(targets: object, message: str) -> None:
    with pytest.raises(kvdb.ValidationError, match=message):
        kvdb.connect(targets)  # type: ignore[arg-type]


def test_a_list_asks_nothing_before_the_first_call_and_nothing_after_close() -> None:
    db = kvdb.connect(["grpc://127.0.0.1:1", "grpc://127.0.0.1:2"])
    assert (db.endpoint, db.endpoint_switches) == ("grpc://127.0.0.1:1", 0)
    assert db._transport._checker._runner is None
    db.close()
    db.close()
    with pytest.raises(kvdb.ClosedError):
        db.tables()
    assert db._transport._checker._runner is None


def test_one_server_and_an_embedded_database_say_where_they_are() -> None:
    with kvdb.open(":memory:") as db:
        assert (db.endpoint, db.endpoint_switches) == (None, 0)
    with kvdb.connect("grpc://127.0.0.1:1") as db:
        assert (db.endpoint, db.endpoint_switches) == ("grpc://127.0.0.1:1", 0)


def test_a_forked_child_is_told_to_connect_again() -> None:
    with kvdb.connect(["grpc://127.0.0.1:1", "grpc://127.0.0.1:2"]) as db:
        # What a fork does to it, without one: gRPC in this process would not survive it.
        db._transport.forked()
        with pytest.raises(kvdb.ClosedError, match=r"before this process was forked: connect again"):
            db.tables()
        db._transport._is_forked = False


@pytest.mark.parametrize(
    "changes",
    [{"check_interval_ms": 0}, {"failures_to_leave": 0}, {"try_ms": -1}, {"hold_down_ms_max": 9_999}],
)
def test_options_out_of_range_are_refused(changes: dict[str, int]) -> None:
    with pytest.raises(kvdb.ValidationError, match=next(iter(changes))):
        FailoverOptions(**changes)
