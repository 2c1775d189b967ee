from __future__ import annotations

import logging

import pytest

from kvdb.backup import jobs as module
from kvdb.backup.jobs import (
    FINISHED_MAX,
    RUNNING_MAX,
    TOKEN_MS,
    TRIES_MAX,
    UNFINISHED_MAX,
    Advance,
    JobFailed,
    JobRecord,
    Jobs,
    Runner,
    Steps,
    TokenMismatch,
    decode_record,
)
from kvdb.errors import CorruptionError, JobNotFound, LimitExceeded, ServiceUnavailable, ValidationError
from kvdb.lsm.engine import Engine
from kvdb.testing import InlineJobs, ManualClock, MemFileSystem, PowerLoss
from tests.support.engines import open_engine

ARN = "arn:aws:dynamodb:ddblocal:000000000000:table/airports"


class Counting:
    """Counts to ``request``, with a checkpoint every fifth step."""

    unit = "items"

    def __init__(self) -> None:
        self.began_at: list[object] = []
        self.undone: list[str] = []
        self.closed = 0
        self.failures: list[Exception] = []
        self.undo_failures: list[Exception] = []

    def steps(self, job: JobRecord) -> Steps:
        self.began_at.append(job.checkpoint)
        at = job.checkpoint or 0
        assert isinstance(at, int) and isinstance(job.request, int)
        try:
            while at < job.request:
                if self.failures:
                    raise self.failures.pop(0)
                at += 1
                yield Advance(at, job.request, at if at % 5 == 0 else None)
        finally:
            self.closed += 1
        return {"counted": at}

    def undo(self, job: JobRecord) -> None:
        if self.undo_failures:
            raise self.undo_failures.pop(0)
        self.undone.append(job.job_id)


class World:
    """A ``Jobs`` that can be opened again, and its runner."""

    def __init__(self, fs: MemFileSystem | None = None) -> None:
        self.fs = fs or MemFileSystem()
        self.runner = Counting()
        self._seed = 0
        self.reopen()

    def reopen(self) -> None:
        self._seed += 1
        self.engine, self.env = open_engine(self.fs, seed=self._seed)
        self.jobs = Jobs(self.engine, self.env, {"count": self.runner})
        self.jobs.resume()

    def close(self) -> None:
        self.jobs.stop()
        self.engine.close()

    def submit(self, upto: int = 12, token: str = "") -> JobRecord:
        return self.jobs.submit("count", upto, resource=ARN, token=token)

    def steps(self, count: int) -> None:
        """So many steps of the runner's first slot."""
        for _ in range(count):
            self.jobs._slots[0].step(self.env.clock.wall_ms())

    def run(self) -> None:
        assert isinstance(self.env.jobs, InlineJobs)
        self.env.jobs.run_until_idle()

    def sleep(self, ms: int) -> None:
        assert isinstance(self.env.clock, ManualClock)
        self.env.clock.advance_ms(ms)


def test_a_job_runs_to_its_end_and_keeps_its_result() -> None:
    world = World()
    job = world.submit()
    assert (job.status, job.arn) == ("IN_PROGRESS", f"{ARN}/count/{job.job_id}")
    world.run()
    done = world.jobs.get(job.arn)
    assert (done.status, done.done, done.total, done.unit) == ("COMPLETED", 12, 12, "items")
    assert done.result == {"counted": 12}
    assert done.ended_ms is not None
    assert world.runner.undone == []
    world.close()
    world.reopen()
    assert world.jobs.get(job.job_id) == done


def test_a_restart_goes_on_from_the_last_checkpoint() -> None:
    world = World()
    job = world.submit()
    world.steps(7)
    assert world.jobs.get(job.job_id).done == 7
    world.close()
    assert world.runner.closed == 1
    world.reopen()
    assert world.jobs.get(job.job_id).done == 5
    world.run()
    assert world.runner.began_at == [None, 5]
    assert world.jobs.get(job.job_id).status == "COMPLETED"


def test_a_crash_at_every_file_call_loses_no_job() -> None:
    for call in range(200):
        fs = MemFileSystem()
        world = World(fs)
        job = world.submit()
        fs.power_off_before(fs.calls + call)
        try:
            world.run()
            is_over = True
        except PowerLoss:
            is_over = False
        again = World(fs.after_crash("strict"))
        assert again.jobs.get(job.job_id).request == 12
        again.run()
        assert again.jobs.get(job.job_id).result == {"counted": 12}
        if is_over:
            return
    raise AssertionError("the sweep never ran past the end")


def test_a_cancelled_job_is_undone() -> None:
    world = World()
    job = world.submit()
    world.steps(3)
    assert world.jobs.cancel(job.job_id).ending == "CANCELLED"
    assert world.jobs.get(job.job_id).status == "IN_PROGRESS"
    world.run()
    assert world.jobs.get(job.job_id).status == "CANCELLED"
    assert world.runner.undone == [job.job_id]
    assert world.runner.closed == 1
    with pytest.raises(ValidationError, match="job is over already"):
        world.jobs.cancel(job.job_id)


def test_a_cancel_outlives_a_restart() -> None:
    world = World()
    job = world.submit()
    world.steps(6)
    world.jobs.cancel(job.job_id)
    world.close()
    world.reopen()
    world.run()
    assert world.runner.began_at == [None]
    assert world.jobs.get(job.job_id).status == "CANCELLED"
    assert world.runner.undone == [job.job_id]


def test_a_job_that_waits_is_cancelled_without_a_step() -> None:
    world = World()
    job = world.submit()
    world.jobs.cancel(job.job_id)
    world.run()
    assert world.runner.began_at == []
    assert world.jobs.get(job.job_id).status == "CANCELLED"


def test_what_cannot_go_on_fails_by_name_and_is_undone() -> None:
    world = World()
    world.runner.failures = [JobFailed("ItemValidationError", "3 items are no items")]
    job = world.submit()
    world.run()
    failed = world.jobs.get(job.job_id)
    assert (failed.status, failed.failure_code) == ("FAILED", "ItemValidationError")
    assert failed.failure_message == "3 items are no items"
    assert world.runner.undone == [job.job_id]


@pytest.mark.parametrize(
    ("error", "code"),
    [(CorruptionError("bad", file="x"), "Corruption"), (ZeroDivisionError(), "InternalServerError")],
)
def test_an_error_fails_the_job_and_not_the_slot(
    error: Exception, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "kvdb.backup")
    world = World()
    world.runner.failures = [error]
    first, second = world.submit(), world.submit()
    world.run()
    assert world.jobs.get(first.job_id).failure_code == code
    assert world.jobs.get(second.job_id).status == "COMPLETED"


def test_what_may_pass_is_tried_again_from_the_checkpoint() -> None:
    world = World()
    job = world.submit()
    world.steps(6)
    world.runner.failures = [ServiceUnavailable("the store does not answer")]
    world.run()
    assert world.jobs.get(job.job_id).status == "IN_PROGRESS"
    world.sleep(module.PAUSE_MS)
    world.run()
    assert world.runner.began_at == [None, 5]
    assert world.jobs.get(job.job_id).status == "COMPLETED"


def test_what_does_not_pass_fails_in_the_end() -> None:
    world = World()
    world.runner.failures = [ServiceUnavailable("the store does not answer")] * TRIES_MAX
    job = world.submit()
    for _ in range(TRIES_MAX):
        world.run()
        world.sleep(module.PAUSE_MS_MAX)
    world.run()
    assert world.jobs.get(job.job_id).failure_code == "ServiceUnavailable"
    assert world.runner.failures == []


def test_a_job_that_waits_for_another_try_can_be_cancelled_at_once() -> None:
    world = World()
    world.runner.failures = [ServiceUnavailable("the store does not answer")]
    job = world.submit()
    world.run()
    world.jobs.cancel(job.job_id)
    world.run()
    assert world.jobs.get(job.job_id).status == "CANCELLED"


def test_an_undo_is_tried_until_it_succeeds() -> None:
    world = World()
    world.runner.failures = [JobFailed("No", "no")]
    world.runner.undo_failures = [CorruptionError("bad", file="x")] * 20
    job = world.submit()
    for _ in range(20):
        world.run()
        assert world.jobs.get(job.job_id).status == "IN_PROGRESS"
        world.sleep(module.PAUSE_MS_MAX)
    world.run()
    assert world.jobs.get(job.job_id).status == "FAILED"


def test_jobs_that_are_not_over_are_bounded() -> None:
    world = World()
    for _ in range(UNFINISHED_MAX):
        world.submit()
    with pytest.raises(LimitExceeded):
        world.submit()
    world.run()
    assert world.submit().status == "IN_PROGRESS"


def test_so_many_run_at_once_and_the_rest_in_their_order() -> None:
    world = World()
    ids = [world.submit().job_id for _ in range(RUNNING_MAX + 2)]
    taken = [world.jobs.take() for _ in range(RUNNING_MAX)]
    assert [record.job_id for record in taken if record] == ids[:RUNNING_MAX]


def test_only_the_last_jobs_that_are_over_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert FINISHED_MAX >= 100
    monkeypatch.setattr(module, "FINISHED_MAX", 3)
    world = World()
    ids = []
    for _ in range(5):
        ids.append(world.submit(1).job_id)
        world.run()
    assert [record.job_id for record in world.jobs.listed()] == ids[2:]
    world.close()
    world.reopen()
    assert [record.job_id for record in world.jobs.listed()] == ids[2:]


def test_a_token_stands_for_its_job_for_eight_hours() -> None:
    world = World()
    job = world.submit(5, "token")
    assert world.submit(5, "token") == job
    with pytest.raises(TokenMismatch):
        world.submit(6, "token")
    world.run()
    assert world.submit(5, "token").job_id == job.job_id
    world.sleep(TOKEN_MS)
    assert world.submit(6, "token").job_id != job.job_id


def test_jobs_are_listed_by_kind_and_resource() -> None:
    world = World()
    job = world.submit()
    assert world.jobs.listed("count", ARN) == world.jobs.listed() == [job]
    assert world.jobs.listed("other") == world.jobs.listed(None, "arn:other") == []
    for missing in ("", "01700000000000-00000000", f"arn:other/count/{job.job_id}"):
        with pytest.raises(JobNotFound):
            world.jobs.get(missing)


def test_a_copy_with_an_id_of_its_own_forgets_the_jobs_of_its_original(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    world.submit()
    world.close()
    monkeypatch.setattr(Engine, "database_id", b"another database")
    world.reopen()
    assert world.jobs.listed() == []
    world.run()
    assert world.runner.began_at == []
    monkeypatch.undo()
    world.close()
    world.reopen()
    assert world.jobs.listed() == []


def test_a_job_of_no_known_kind_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "kvdb.backup")
    fs = MemFileSystem()
    world = World(fs)
    job = world.submit()
    world.close()
    engine, env = open_engine(fs, seed=9)
    other = Jobs(engine, env, {})
    other.resume()
    assert isinstance(env.jobs, InlineJobs)
    env.jobs.run_until_idle()
    assert other.get(job.job_id).status == "IN_PROGRESS"
    other.stop()
    engine.close()
    world.reopen()
    world.run()
    assert world.jobs.get(job.job_id).status == "COMPLETED"


def test_a_record_that_is_none_is_corruption() -> None:
    stored = JobRecord(b"x" * 16, "id", "count", ARN, "", [1, {"a": b"b"}], 5).encoded()
    assert decode_record(stored).request == [1, {"a": b"b"}]
    for damaged in (stored[:-1], b"", b"\xc1", b"\x93\x02\x01\x01", stored.replace(b"\x01", b"\x02", 1)):
        with pytest.raises(CorruptionError):
            decode_record(damaged)


def test_ids_ascend_even_when_the_clock_goes_back() -> None:
    world = World()
    first = world.submit()
    assert isinstance(world.env.clock, ManualClock)
    world.env.clock.set_wall_ms(world.env.clock.wall_ms() - 60_000)
    assert world.submit().job_id > first.job_id


def test_the_example_of_the_page_is_a_runner() -> None:
    runner: Runner = Counting()
    assert runner.unit == "items"
