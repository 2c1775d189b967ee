"""The chain of logs: from the newest back to the oldest that is needed, each link checked.

Each log says of the one before it how long it was and what it held (see ``wal``). A log that is
not on the chain is the remains of a rotation that failed: it must hold no batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kvdb.env.fs import FileSystem
from kvdb.errors import CorruptionError
from kvdb.lsm.filenames import log_name, parse
from kvdb.lsm.wal import LogContent, read_log, read_opening


class LogChain:
    """The logs of a directory that a manifest with ``log_number`` needs.

    Raises:
        CorruptionError: one is missing or not where its successors say it is.
        FormatTooNew: one was written by a later kvdb.
    """

    def __init__(
        self, fs: FileSystem, directory: str, names: Iterable[str], *, database_id: bytes, log_number: int
    ) -> None:
        self._fs = fs
        self._directory = directory
        self._id = database_id
        parsed = [found for found in map(parse, names) if found is not None and found.kind == "log"]
        logs = sorted(found.number for found in parsed if found.number >= log_number)
        self.numbers = self._chain(logs, log_number)
        """Oldest first."""

    def read(self) -> Iterator[LogContent]:
        """Each log, oldest first.

        Raises:
            CorruptionError: one is damaged, or not what its successor says of it.
        """
        earlier: LogContent | None = None
        for number in self.numbers:
            content = read_log(
                self._fs,
                self._directory,
                number,
                database_id=self._id,
                is_newest=number == self.numbers[-1],
            )
            assert content is not None, "the chain holds logs that were opened"
            if earlier is not None and content.previous != earlier.as_predecessor():
                raise CorruptionError(
                    f"log is not as its successor {log_name(number)} found it"
                    f" size={earlier.size} expected={content.previous.size}",
                    file=log_name(earlier.number),
                    offset=earlier.size,
                )
            yield content
            earlier = content

    def _chain(self, logs: list[int], log_number: int) -> list[int]:
        """The newest log that was opened, and its predecessors; oldest first."""
        chain: list[int] = []
        expected = 0
        waiting = list(logs)
        while waiting:
            number = waiting.pop()
            opening = read_opening(self._fs, self._directory, number, database_id=self._id)
            if opening is None or (chain and number != expected):
                self._require_unused(number, expected)
                continue
            chain.append(number)
            expected = opening.previous.number
        if chain and expected >= log_number:
            raise CorruptionError(f"log is missing, named by {log_name(chain[-1])}", file=log_name(expected))
        return chain[::-1]

    def _require_unused(self, number: int, expected: int) -> None:
        """Raise unless log ``number`` was cut off while it was made: no batch is in it."""
        content = read_log(self._fs, self._directory, number, database_id=self._id, is_newest=True)
        if number == expected or (content is not None and content.records):
            raise CorruptionError(
                "log is not where its successors say it is", file=log_name(number), offset=0
            )
