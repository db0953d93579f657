"""Made-up staff: lists of people who are obviously none, their cards' certificates, and what writes them down."""

import base64
import csv
import io
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

UNITS = (
    "Påhittade akuten",
    "Låtsaskliniken",
    "Exempelröntgen",
    "Sagolaboratoriet",
    "Vårdcentralen Ingenstans",
    "Fantasirehab",
)
_GIVEN = ("Tolvan", "Elvan", "Tian", "Nian", "Åttan", "Sjuan", "Sexan", "Femman", "Fyran", "Trean")
_SURNAMES = ("Tolvansson", "Påhittadsson", "Exempelsson", "Låtsasson", "Ingensson", "Provsson", "Testgren", "Provlund")


@dataclass(frozen=True)
class Person:
    """Somebody who is made up, and one card."""

    number: int
    given_name: str
    surname: str
    unit: str
    start: datetime
    end: datetime
    kind: str = "Ordinarie kort"
    ders: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def name(self) -> str:
        """The whole name; the number keeps two of them apart."""
        return f"{self.given_name} {self.surname} {self.number}"

    @property
    def email(self) -> str:
        """An address in a domain that nobody can have (RFC 2606, 3)."""
        return f"{self.given_name}.{self.surname}.{self.number}@example.org".casefold()

    @property
    def dn(self) -> str:
        """The entry's name in a directory."""
        return f"cn={self.name},ou={self.unit},o=Region Exempel,c=SE"


def people(count: int, at: datetime, *, seed: int = 1, units: Sequence[str] = UNITS) -> list[Person]:
    """Make up people whose cards end from four months before `at` to four years after it, more of them soon."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    found = []
    for number in range(1, count + 1):
        reserve = chance.random() < 0.08
        days = chance.randint(-20, 120) if reserve else int(chance.triangular(-90, 1500, 60))
        end = (at + timedelta(days=days)).replace(hour=22, minute=59, second=59, microsecond=0)
        start = min(end - timedelta(days=90 if reserve else 1826), at - timedelta(days=3))
        given, surname = chance.choice(_GIVEN), chance.choice(_SURNAMES)
        kind = "Reservkort" if reserve else "Ordinarie kort"
        found.append(Person(number, given, surname, chance.choice(units), start, end, kind))
    return found


def dated_csv(persons: Iterable[Person], *, encoding: str = "utf-8-sig", separator: str = ";") -> bytes:
    """Write a list with last days, as a spreadsheet in Sweden saves it."""
    rows = [(one.name, one.email, one.unit, one.end.date().isoformat(), one.kind) for one in persons]
    return table(("Namn", "E-postadress", "Enhet", "Giltig t.o.m.", "Korttyp"), rows, encoding, separator)


def certificate_csv(persons: Iterable[Person]) -> bytes:
    """Write a list with a certificate in base64 a row."""
    rows = [(base64.b64encode(der).decode(), one.unit, one.email) for one in persons for der in one.ders]
    return table(("certificate", "unit", "email"), rows, "utf-8", ",")


def table(head: Iterable[str], rows: Iterable[Iterable[Any]], encoding: str = "utf-8", separator: str = ",") -> bytes:
    """Write CSV."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def ldif(persons: Iterable[Person], path: Path) -> None:
    """Write a directory's export by the hand of a library that nobody here wrote."""
    from ldif import LDIFWriter  # noqa: PLC0415 - for those tests alone

    with path.open("wb") as file:
        writer = LDIFWriter(file)
        for one in persons:
            entry = {
                "objectClass": ["inetOrgPerson"],
                "cn": [one.name],
                "mail": [one.email],
                "ou": [one.unit],
                "userCertificate;binary": list(one.ders),
            }
            writer.unparse(one.dn, entry)


def freeze_toml(name: str, first: datetime, last: datetime) -> str:
    """Write a site's order freeze."""
    stop = last - timedelta(days=3)
    return (
        f'[[freeze]]\nname = "{name}"\nfirst_day = {first:%Y-%m-%d}\nlast_day = {last:%Y-%m-%d}\n'
        f"collect_last_day = {last - timedelta(days=5):%Y-%m-%d}\n"
        f"reorder_last_day = {last + timedelta(days=30):%Y-%m-%d}\n"
        f"reserve_until = {stop:%Y-%m-%d}T12:00:00\ntotal_stop_from = {stop:%Y-%m-%d}T12:00:00\n"
        f"total_stop_until = {last:%Y-%m-%d}T12:00:00\n"
    )


def utc(year: int, month: int, day: int, hour: int = 0) -> datetime:
    """Return a moment."""
    return datetime(year, month, day, hour, tzinfo=UTC)


def lines(text: str) -> Iterator[str]:
    """Yield lines that hold something."""
    return (line for line in text.splitlines() if line.strip())
