"""What names of issuers and policies mean: rows of data, shipped with the known ones, added to by a site."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated

import msgspec

from sithsd import trusted
from sithsd.certificate.names import normalized
from sithsd.values import Environment, IdentityKind

_MAX_BYTES = 256 * 1024

# Sweden's levels. Zero is none of them: taken for "not told", it would leave a policy without a level its issuer's.
Level = Annotated[int, msgspec.Meta(ge=1, le=4)]


class IssuerFamily(StrEnum):
    """Which generation of which issuer."""

    SITHS_EID = "sithsEid"
    SITHS_TYPE1 = "sithsType1"
    TELIA = "telia"
    OTHER = "other"


class TablesError(ValueError):
    """A file of tables can't be used; the message is one line with file, place and reason."""


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class EnvironmentRow(_Row, frozen=True):
    """Names that begin with `prefix` and end with `suffix` belong to `environment`."""

    environment: Environment
    prefix: str = ""
    suffix: str = ""


class IssuerRow(_Row, frozen=True):
    """One known issuer, by the common name it has in production; it issues to people, to services, or to issuers."""

    name: str
    family: IssuerFamily
    level_of_assurance: Level | None = None
    person: bool = False
    function: bool = False
    identity: IdentityKind | None = None


class FamilyRow(_Row, frozen=True):
    """Issuers not known by name, whose name begins with `prefix` and contains `contains`."""

    family: IssuerFamily
    prefix: str = ""
    contains: str = ""


class PolicyRow(_Row, frozen=True):
    """One certificate policy. `function`: its certificates belong to services, not to people."""

    oid: str
    name: str
    function: bool = False
    level_of_assurance: Level | None = None


class TransportRows(_Row, frozen=True):
    """How a transport certificate is recognised: by a policy, or by a part of its subject's common name."""

    policies: tuple[str, ...] = ()
    common_names: tuple[str, ...] = ()


class _File(_Row, frozen=True):
    environment: tuple[EnvironmentRow, ...] = ()
    issuer: tuple[IssuerRow, ...] = ()
    family: tuple[FamilyRow, ...] = ()
    policy: tuple[PolicyRow, ...] = ()
    transport: TransportRows = TransportRows()


@dataclass(frozen=True, slots=True)
class IssuerFacts:
    """What an issuer's common name tells."""

    environment: Environment = Environment.UNKNOWN
    family: IssuerFamily = IssuerFamily.OTHER
    level_of_assurance: int | None = None
    person: bool = False
    function: bool = False
    identity: IdentityKind | None = None


@dataclass(frozen=True, slots=True)
class Tables:
    """All rows, a site's before the shipped ones: the first that fits is taken."""

    environments: tuple[EnvironmentRow, ...]
    issuers: tuple[IssuerRow, ...]
    families: tuple[FamilyRow, ...]
    policies: tuple[PolicyRow, ...]
    transport: TransportRows

    def issuer(self, common_name: str | None) -> IssuerFacts:
        """Return what `common_name` tells of an issuer. Only a name known to the letter is production."""
        name = normalized(common_name or "")
        environment, name = self._environment(name)
        for row in self.issuers:
            if normalized(row.name) == name:
                known = Environment.PRODUCTION if environment is Environment.UNKNOWN else environment
                return IssuerFacts(known, row.family, row.level_of_assurance, row.person, row.function, row.identity)
        for family in self.families:
            if name.startswith(_start(family.prefix)) and normalized(family.contains) in name:
                return IssuerFacts(environment, family.family)
        return IssuerFacts(environment)

    def level_of_assurance(self, policies: Iterable[str], issuer: IssuerFacts) -> int | None:
        """Return the level of assurance: by policy first, by issuer second; the lowest where policies differ."""
        wanted = frozenset(policies)
        levels = [row.level_of_assurance for row in self.policies if row.oid in wanted and row.level_of_assurance]
        return min(levels) if levels else issuer.level_of_assurance

    def is_function(self, policies: Iterable[str]) -> bool:
        """Tell whether one of `policies` is for services."""
        wanted = frozenset(policies)
        return any(row.function for row in self.policies if row.oid in wanted)

    def is_transport(self, policies: Iterable[str], common_name: str | None) -> bool:
        """Tell whether a certificate is a transport certificate, as far as the rows know."""
        name = normalized(common_name or "")
        by_name = any(normalized(part) in name for part in self.transport.common_names if part.strip())
        return by_name or not frozenset(self.transport.policies).isdisjoint(policies)

    def _environment(self, name: str) -> tuple[Environment, str]:
        for row in self.environments:
            start, end = _start(row.prefix), _end(row.suffix)
            if name.startswith(start) and name.endswith(end) and len(name) > len(start) + len(end):
                return row.environment, name[len(start) : len(name) - len(end)]
        return Environment.UNKNOWN, name


def load_tables(site: Path | None = None) -> Tables:
    """Return the shipped rows, with those of the file `site` before them.

    What a level of assurance is stands in it, so it has to be root's or the daemon's own user's, writable by its owner
    alone. Raises TablesError.
    """
    if site is None:
        return default_tables()
    try:
        content = trusted.read(site, _MAX_BYTES)
    except trusted.UntrustedFileError as error:
        raise TablesError(f"{site}: {error}") from None
    except OSError as error:
        raise TablesError(f"{site}: {error.strerror}") from None
    return _tables(_decode(content, str(site)), _shipped())


@cache
def default_tables() -> Tables:
    """Return the shipped rows alone."""
    return _tables(_shipped())


def _shipped() -> _File:
    name = "issuers.toml"
    return _decode(resources.files("sithsd.certificate").joinpath(name).read_bytes(), name)


def _decode(content: bytes, name: str) -> _File:
    try:
        return msgspec.convert(tomllib.loads(content.decode()), _File)
    except RecursionError:
        raise TablesError(f"{name}: is nested too deeply") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise TablesError(f"{name}: {' '.join(str(error).split())}") from None


def _tables(*files: _File) -> Tables:
    return Tables(
        environments=tuple(row for file in files for row in file.environment),
        issuers=tuple(row for file in files for row in file.issuer),
        families=tuple(row for file in files for row in file.family),
        policies=tuple(row for file in files for row in file.policy),
        transport=TransportRows(
            policies=tuple(oid for file in files for oid in file.transport.policies),
            common_names=tuple(name for file in files for name in file.transport.common_names),
        ),
    )


def _start(prefix: str) -> str:
    # The space that ends a prefix belongs to it: "TESTER CA" is not "TEST " and "ER CA".
    return normalized(prefix) + " " * prefix.endswith(" ")


def _end(suffix: str) -> str:
    return " " * suffix.startswith(" ") + normalized(suffix)
