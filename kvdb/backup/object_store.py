"""``BackupStore`` over an object store: S3 and what speaks its protocol, GCS, Azure.

The library is obstore (bindings of Rust's object_store), the extra ``kvdb[backup]``. Its own settings
hold here: credentials and endpoints come from the environment (``AWS_ACCESS_KEY_ID``,
``AWS_ENDPOINT_URL``, ...). Requests have a time limit; what is worth another try gets it from ``retry``,
so that the library's own tries are few.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final, cast

import obstore
from obstore import exceptions
from obstore.store import from_url

from kvdb.backup import names
from kvdb.backup.store import CHUNK_BYTES, IsName, ObjectNotFound, Stored
from kvdb.errors import BackupStoreError, CorruptionError, DiskFull, KvdbError, ServiceUnavailable

if TYPE_CHECKING:
    from obstore.store import S3Config

_PUT_AT_ONCE_BYTES: Final = 8 * 1024 * 1024
"""Larger content goes in parts of this size, two at a time: so much is in memory."""
_LIST_PAGE: Final = 1000
_SECRET: Final = re.compile(r"(?i)(secret|password|token|signature|sig|credential)[^\s,;]*")
_REASON_CHARS_MAX: Final = 300
_REFUSED: Final = re.compile(
    r"(?i)NoSuchBucket|InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|MethodNotAllowed|AllAccessDisabled"
    r"|AccountProblem|status:? 40[135]|missing .*(?:credential|region|access)"
)
_NO_ROOM: Final = re.compile(
    r"(?i)InsufficientStorage|QuotaExceeded|XMinioStorageFull|status:? 507|no space left"
)


class ObjectStore:
    """One prefix of one bucket."""

    def __init__(
        self,
        url: str,
        settings: Mapping[str, str] | None = None,
        *,
        timeout_ms: int = 30_000,
        is_name: IsName = names.is_ours,
    ) -> None:
        """``url`` as ``s3://bucket/prefix``; ``settings`` are obstore's, beside the environment's.

        Raises:
            BackupStoreError: the URL or a setting is not understood, or credentials are missing.
        """
        self.url = url
        self._is_name = is_name
        try:
            time_limit = timedelta(milliseconds=timeout_ms)
            self._store = from_url(
                url,
                config=cast("S3Config", dict(settings or {})),
                client_options={
                    "timeout": time_limit,
                    "connect_timeout": timedelta(milliseconds=min(timeout_ms, 5_000)),
                    "allow_http": True,
                },
                retry_config={"max_retries": 1, "retry_timeout": time_limit},
            )
        except (exceptions.BaseError, ValueError, TypeError) as error:
            raise BackupStoreError(f"not a usable backup store reason={_reason(error)} store={url}") from None

    def put(self, name: str, chunks: Iterable[bytes], *, replace: bool = False) -> None:
        source = iter(chunks)
        # The errors of the source are the caller's own; the library would wrap them.
        failures: list[BaseException] = []
        head = bytearray()
        for chunk in source:
            head += chunk
            if len(head) > _PUT_AT_ONCE_BYTES:
                break
        try:
            if len(head) <= _PUT_AT_ONCE_BYTES:
                obstore.put(
                    self._store,
                    self._checked(name),
                    bytes(head),
                    mode="overwrite" if replace else "create",
                    use_multipart=False,
                )
                return
            if not replace and self.exists(name):
                raise FileExistsError(name)
            obstore.put(
                self._store,
                self._checked(name),
                _parts(bytes(head), source, failures),
                use_multipart=True,
                chunk_size=_PUT_AT_ONCE_BYTES,
                max_concurrency=2,
            )
        except (exceptions.AlreadyExistsError, exceptions.PreconditionError) as error:
            raise FileExistsError(name) from error
        except (exceptions.BaseError, OSError, TimeoutError) as error:
            if failures:
                raise failures[0] from None
            if isinstance(error, FileExistsError):
                raise
            raise self._error(error) from error

    def get(self, name: str) -> Iterator[bytes]:
        try:
            for chunk in obstore.get(self._store, self._checked(name)).stream(min_chunk_size=CHUNK_BYTES):
                yield bytes(chunk)
        except (FileNotFoundError, exceptions.NotFoundError) as error:
            if _REFUSED.search(str(error)):
                raise self._error(error) from error
            raise ObjectNotFound(name) from error
        except (exceptions.BaseError, OSError) as error:
            raise self._error(error) from error

    def exists(self, name: str) -> bool:
        try:
            obstore.head(self._store, self._checked(name))
        except (FileNotFoundError, exceptions.NotFoundError):
            return False
        except (exceptions.BaseError, OSError) as error:
            raise self._error(error) from error
        return True

    def listed(self, prefix: str) -> Iterator[Stored]:
        try:
            for page in obstore.list(self._store, prefix.rstrip("/"), chunk_size=_LIST_PAGE):
                for found in page:
                    yield Stored(found["path"], found["size"], int(found["last_modified"].timestamp() * 1000))
        except (exceptions.BaseError, OSError) as error:
            raise self._error(error) from error

    def delete(self, name: str) -> None:
        try:
            obstore.delete(self._store, self._checked(name))
        except (FileNotFoundError, exceptions.NotFoundError):
            return
        except (exceptions.BaseError, OSError) as error:
            raise self._error(error) from error

    def clean(self, prefixes: Iterable[str] = names.FOLDERS) -> None:
        """An object store shows no parts of an upload; it drops them by its own rules."""

    def _checked(self, name: str) -> str:
        if not self._is_name(name):
            raise CorruptionError("not the name of an object in a backup store", file=name)
        return name

    def _error(self, error: BaseException) -> KvdbError:
        """Whether to wait or to call the operator."""
        text = str(error)
        where = f"reason={_reason(error)} store={self.url}"
        if _NO_ROOM.search(text):
            return DiskFull(f"backup store is full {where}")
        refusals = (
            PermissionError,
            exceptions.PermissionDeniedError,
            exceptions.UnauthenticatedError,
            exceptions.NotSupportedError,
            exceptions.InvalidPathError,
        )
        if isinstance(error, refusals) or _REFUSED.search(text):
            return BackupStoreError(f"backup store refuses {where}")
        return ServiceUnavailable(f"backup store does not answer {where}")


def _parts(head: bytes, source: Iterator[bytes], failures: list[BaseException]) -> Iterator[bytes]:
    yield head
    try:
        yield from source
    except BaseException as error:
        failures.append(error)
        raise


def _checked(name: str) -> str:
    if not names.is_ours(name):
        raise CorruptionError("not the name of an object in a backup store", file=name)
    return name


def _reason(error: BaseException) -> str:
    """The library's text on one line, short, without anything that looks like a secret."""
    text = " ".join(str(error).split()) or type(error).__name__
    return repr(_SECRET.sub("...", text)[:_REASON_CHARS_MAX])
