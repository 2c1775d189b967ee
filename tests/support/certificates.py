"""Authorities and the certificates they issue, as files; also those that nobody should trust."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_BEGIN, _END, _LONG_AGO = (datetime(year, 1, 1, tzinfo=UTC) for year in (2020, 2100, 2021))


class Issued(NamedTuple):
    """The files of one certificate."""

    cert: str
    key: str

    def contents(self) -> tuple[bytes, bytes]:
        return Path(self.cert).read_bytes(), Path(self.key).read_bytes()


class Authority:
    """Issues certificates into a directory."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory = directory
        self._name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _named(name)
        builder = _builder(self._subject, self._subject, self._key.public_key(), _END)
        made = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.file = str(directory / f"{name}.pem")
        self.pem = made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        Path(self.file).write_bytes(self.pem)

    def issue(
        self,
        common_name: str,
        names: Sequence[str] = (),
        *,
        file_name: str | None = None,
        is_expired: bool = False,
        password: bytes | None = None,
    ) -> Issued:
        """Files of a certificate with these DNS names; files of that name are replaced."""
        key = ec.generate_private_key(ec.SECP256R1())
        end = _LONG_AGO if is_expired else _END
        builder = _builder(_named(common_name), self._subject, key.public_key(), end)
        if names:
            alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(alternative, critical=False)
        made = builder.sign(self._key, hashes.SHA256())
        stem = file_name or f"{self._name}-{common_name}"
        issued = Issued(str(self._directory / f"{stem}.crt"), str(self._directory / f"{stem}.key"))
        secrecy: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            secrecy = serialization.BestAvailableEncryption(password)
        form = serialization.PrivateFormat.PKCS8
        Path(issued.cert).write_bytes(made.public_bytes(serialization.Encoding.PEM))
        Path(issued.key).write_bytes(key.private_bytes(serialization.Encoding.PEM, form, secrecy))
        return issued


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, end: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    serial = x509.random_serial_number()
    return builder.serial_number(serial).not_valid_before(_BEGIN).not_valid_after(end)
