from __future__ import annotations

from kvdb.api.items import BatchWriteItem, PutRequest
from kvdb.api.tables import DeleteTable
from kvdb.database.database import Database
from kvdb.table import keys
from kvdb.testing.inline_jobs import InlineJobs
from tests.support.builders import AIRPORTS, make_env, open_database, run_jobs


def rows_of_first_table(db: Database) -> int:
    return len(list(db._floor.engine.scan(*keys.prefix_range(keys.table_prefix(1)))))


def filled(db: Database) -> None:
    db.call(AIRPORTS)
    for first in range(0, 2500, 25):
        puts = [PutRequest({"country": "IS", "icao": str(n)}) for n in range(first, first + 25)]
        db.call(BatchWriteItem({"airports": puts}))


def test_deleting_a_table_wakes_the_remover():
    db = open_database()
    filled(db)
    run_jobs(db.env)
    assert rows_of_first_table(db) == 2500
    db.call(DeleteTable("airports"))
    assert rows_of_first_table(db) == 2500
    run_jobs(db.env)
    assert rows_of_first_table(db) == 0


def test_a_closed_database_takes_no_more_steps():
    env = make_env()
    db = open_database(env)
    filled(db)
    db.call(DeleteTable("airports"))
    db.close()
    assert isinstance(env.jobs, InlineJobs)
    assert env.jobs.run_until_idle() == 0
