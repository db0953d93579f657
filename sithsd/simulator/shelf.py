"""The shelf: all simulated cards of one state folder, made when they are first asked for."""

import shutil
from collections.abc import Collection
from pathlib import Path

import msgspec
from cryptography import x509

from sithsd.clock import Clock, SystemClock
from sithsd.simulator import fixture
from sithsd.simulator.card import Card
from sithsd.simulator.image import Memory
from sithsd.simulator.personalise import personalise
from sithsd.simulator.pki import ISSUERS_FILE, PORT, ROOT_FILE, Pki
from sithsd.simulator.register import Act, Entry, Reason
from sithsd.simulator.renewal import Renewal, renew

_FOLDER = "simulator"
_CONFIGURATION = "sithsd.toml"


class Shelf:
    """Cards and authorities below `state_dir`; dates of new cards are counted from the clock's today."""

    def __init__(self, state_dir: Path, clock: Clock | None = None, port: int = PORT) -> None:
        """`port` is where certificates say that their authorities publish; it counts when those are made."""
        self.folder = state_dir / _FOLDER
        self._clock = clock or SystemClock()
        self._port = port
        self._pki: Pki | None = None

    @property
    def pki(self) -> Pki:
        """The certificate authorities; made at first use."""
        if self._pki is None:
            self._pki = Pki.open(self.folder / "pki", self._port)
        return self._pki

    @property
    def configuration(self) -> Path:
        """Where `build` writes the daemon configuration that trusts the simulated cards."""
        return self.folder / _CONFIGURATION

    def card(self, given: str) -> Card:
        """Return the card of this name (or TOML file) as it was left; personalise it at first use.

        Raises `fixture.FixtureError`, and OSError if the folder can't be written.
        """
        folder = self._place(given)
        if not Memory.exists(folder):
            return self.renew(given)
        try:
            memory = Memory.load(folder)
        except msgspec.DecodeError as error:
            raise fixture.FixtureError(f"{folder}: the card's memory is damaged ({error}): reset the card") from None
        return Card(memory)

    def renew(self, given: str) -> Card:
        """Personalise the card anew: new keys and certificates, full counters, the codes of the fixture."""
        wanted = fixture.load(given)
        try:
            memory = personalise(fixture.name_of(given), wanted, self.pki, self._clock, self._place(given))
        except fixture.FixtureError as error:
            raise fixture.FixtureError(f"{given}: {error}") from None
        return Card(memory)

    def renew_certificates(self, given: str, renewal: Renewal | None = None) -> Card:
        """Put new certificates on the card, as a desk does; codes and counters stay. Raises as `card` does."""
        card = self.card(given)
        try:
            memory = renew(card.memory, fixture.load(given), self.pki, self._clock, renewal or Renewal())
        except fixture.FixtureError as error:
            raise fixture.FixtureError(f"{given}: {error}") from None
        return Card(memory)

    def revoke(
        self,
        given: str,
        act: Act = Act.REVOKED,
        *,
        reason: Reason = Reason.UNSPECIFIED,
        which: Collection[int] | None = None,
        issuers: bool = False,
    ) -> tuple[str, ...]:
        """Have the authorities revoke, hold or release certificates of the card, and return their labels.

        `which` are counted from 1, None: all; with `issuers` it is the certificates of those who issued them. Raises
        `register.RegisterError`, and as `card` does.
        """
        there = self.card(given).image.certificates
        if which is not None and not set(which) <= set(range(1, len(there) + 1)):
            raise fixture.FixtureError(f"{given}: the card has {len(there)} certificates, counted from 1")
        chosen = [each for number, each in enumerate(there, start=1) if which is None or number in which]
        if issuers:
            slugs = {each.issuer for each in chosen}
            authorities = [each for each in self.pki.issuers.values() if each.slug in slugs]
            named = [(each.slug, self.pki.root.slug, each.certificate) for each in authorities]
        else:
            named = [(each.label, each.issuer, x509.load_der_x509_certificate(each.content)) for each in chosen]
        now = self._clock.now()
        self.pki.register.record(
            [
                Entry(act=act, issuer=slug, serial=f"{certificate.serial_number:X}", at=now, reason=reason)
                for _, slug, certificate in named
            ]
        )
        return tuple(label for label, _, _ in named)

    def build(self) -> Path:
        """Make what is missing: authorities, every packaged card, the daemon's configuration. Return the folder."""
        for name in fixture.names():
            self.card(name)
        self.write_configuration()
        return self.folder

    def write_configuration(self) -> Path:
        """Write a daemon configuration that trusts the SIM root and shows its cards as SIM; return its path."""
        pki = self.pki
        lines = [
            "# Made by sithsd-sim: a daemon with this configuration trusts simulated cards, and shows them as SIM.",
            "[validity]",
            'environments = ["production", "sim"]',
            f'anchors = ["{(pki.folder / ROOT_FILE).absolute()}"]',
            f'issuers = ["{(pki.folder / ISSUERS_FILE).absolute()}"]',
            f'sim_fingerprints = ["{pki.root_fingerprint}"]',
            f'sim_hosts = ["127.0.0.1:{pki.port}"]',
        ]
        self.configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return self.configuration

    def copy_to(self, state_dir: Path) -> "Shelf":
        """Copy everything on this shelf to another state folder: a quick way to cards that a test may wear out."""
        if self.folder.is_dir():
            shutil.copytree(self.folder, state_dir / _FOLDER, dirs_exist_ok=True)
        copy = Shelf(state_dir, self._clock)
        if copy.configuration.exists():
            copy.write_configuration()
        return copy

    def _place(self, given: str) -> Path:
        return self.folder / "cards" / fixture.name_of(given)
