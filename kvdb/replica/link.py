"""``ReplicaLink``: how frames reach one peer and its answers come back."""

from __future__ import annotations

from typing import Protocol


class ReplicaLink(Protocol):
    """To one peer. Frames may be lost, come twice, late or damaged: whoever uses it bears that."""

    def send(self, frame: bytes) -> None:
        """Send a question. Does not wait, and raises nothing: what cannot be sent is lost."""
        ...

    def receive(self) -> bytes | None:
        """The next answer that has come; ``None``: there is none."""
        ...

    def close(self) -> None:
        """Say no more."""
        ...
