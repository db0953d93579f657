"""Which certificate a call means."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from card_bench import TODAY, Row
from session_house import make_judge

from sithsd.errors import ErrorCode, SithsdError
from sithsd.session.choice import Chosen, ChosenBy, Wish, choose
from sithsd.session.describe import inserted_card
from sithsd.validity.judge import Judge
from sithsd.values import IdentityKind, Purpose, Role, Status, Verdict

HSA_ID, NUMBER = IdentityKind.HSA_ID, IdentityKind.PERSONAL_IDENTITY_NUMBER
LOG_IN, SIGN = Purpose.AUTHENTICATION, Purpose.SIGNATURE


@pytest.fixture(scope="module")
def judge() -> Judge:
    """Give a judge that trusts simulated cards."""
    return make_judge()


class On:
    """A simulated card's certificates, as they are judged today."""

    def __init__(self, judge: Judge, name: str = "ordinary") -> None:
        row = Row(name, "", 1)
        read = row.read(row.bench())
        self.contents = read.contents
        self.entries = list(inserted_card(b"", read, judge, TODAY).certificates)

    def choose(self, wish: Wish) -> Chosen:
        """Choose among them."""
        return choose(wish, self.entries, self.contents)

    def refused(self, wish: Wish) -> SithsdError:
        """Return why none was chosen."""
        with pytest.raises(SithsdError) as caught:
            self.choose(wish)
        return caught.value

    def verdict(self, place: int, status: Status, *reasons: str) -> None:
        """Judge a certificate otherwise."""
        entry = self.entries[place]
        self.entries[place] = replace(entry, assessment=replace(entry.assessment, verdict=Verdict(status, reasons)))

    def find(self, purpose: Purpose, identity: IdentityKind) -> int:
        """Return the place of a certificate."""
        return next(
            place
            for place, one in enumerate(self.entries)
            if (one.certificate.purpose, one.certificate.identity) == (purpose, identity)
        )


@pytest.mark.parametrize("purpose", [LOG_IN, SIGN])
@pytest.mark.parametrize("identity", [HSA_ID, NUMBER])
def test_by_identity(judge: Judge, purpose: Purpose, identity: IdentityKind) -> None:
    """Of two identities the one that is asked for, for the purpose that is asked for, with its own key."""
    card = On(judge)
    chosen = card.choose(Wish(purpose, identity))
    assert (chosen.entry.certificate.purpose, chosen.entry.certificate.identity) == (purpose, identity)
    assert chosen.by is ChosenBy.IDENTITY
    assert chosen.key.id.hex().upper() == chosen.entry.id
    assert chosen.key.role.value == purpose.value


def test_the_only_one_of_its_purpose(judge: Judge) -> None:
    """Where there is one certificate for the purpose it is that one, with its identity asked for or not."""
    card = On(judge, "reserve")
    assert card.choose(Wish(LOG_IN)).by is ChosenBy.PURPOSE
    assert card.choose(Wish(LOG_IN, HSA_ID)).by is ChosenBy.PURPOSE
    assert card.refused(Wish(LOG_IN, NUMBER)).code is ErrorCode.CERTIFICATE_ABSENT


@pytest.mark.parametrize(("purpose", "other"), [(LOG_IN, Role.SIGNATURE), (SIGN, Role.AUTHENTICATION)])
def test_a_key_behind_the_other_pin(judge: Judge, purpose: Purpose, other: Role) -> None:
    """A code that a person gave as one PIN never goes to the card as another, where it would cost that one a try."""
    card = On(judge)
    card.contents = replace(card.contents, keys=tuple(replace(key, role=other) for key in card.contents.keys))
    assert card.refused(Wish(purpose, HSA_ID)).code is ErrorCode.CERTIFICATE_ABSENT
    assert card.refused(Wish(purpose, HSA_ID, accept_bad=True)).code is ErrorCode.CERTIFICATE_ABSENT


def test_two_identities_are_never_mixed_up(judge: Judge) -> None:
    """Without an identity nothing is guessed: the error lists each, without a personal identity number."""
    card = On(judge)
    error = card.refused(Wish(LOG_IN))
    assert error.code is ErrorCode.CERTIFICATE_AMBIGUOUS
    assert {choice.identity for choice in error.more.choices} == {str(HSA_ID), str(NUMBER)}
    fingerprints = {one.certificate.fingerprint for one in card.entries if one.certificate.purpose is LOG_IN}
    assert {choice.fingerprint for choice in error.more.choices} == fingerprints
    assert all("Tolvan Tolvansson" in choice.subject for choice in error.more.choices)
    assert not {"191212121212", "19121212-1212"} & set(re.split(r"[=,\s']", str([error.more, error.detail])))
    for choice in error.more.choices:
        entry = card.choose(Wish(LOG_IN, fingerprint=choice.fingerprint)).entry.certificate
        assert datetime.fromisoformat(choice.not_after) == entry.not_after.replace(microsecond=0).astimezone(UTC)


def test_by_fingerprint(judge: Judge) -> None:
    """A fingerprint names the very one; one of another purpose or identity, or of none on the card, is absent."""
    card = On(judge)
    entry = card.entries[card.find(SIGN, NUMBER)].certificate
    chosen = card.choose(Wish(SIGN, fingerprint=entry.fingerprint))
    assert (chosen.entry.certificate, chosen.by) == (entry, ChosenBy.FINGERPRINT)
    for wish in (
        Wish(LOG_IN, fingerprint=entry.fingerprint),
        Wish(SIGN, HSA_ID, entry.fingerprint),
        Wish(SIGN, fingerprint="0" * 64),
    ):
        assert card.refused(wish).code is ErrorCode.CERTIFICATE_ABSENT


def test_a_certificate_that_is_bad(judge: Judge) -> None:
    """A bad one is refused by name with the verdict's reasons, unless the caller accepts it."""
    card = On(judge)
    card.verdict(card.find(LOG_IN, HSA_ID), Status.BAD, "date.expired", "revocation.notChecked")
    error = card.refused(Wish(LOG_IN, HSA_ID))
    assert error.code is ErrorCode.CERTIFICATE_BAD
    assert error.more.rules == ("date.expired", "revocation.notChecked")
    assert card.choose(Wish(LOG_IN, HSA_ID, accept_bad=True)).entry.assessment.verdict.status is Status.BAD


def test_a_bad_one_beside_a_good_one(judge: Judge) -> None:
    """Of several that fit, those that are bad don't count: after a renewal the old one is no obstacle."""
    card = On(judge)
    card.verdict(card.find(LOG_IN, NUMBER), Status.BAD, "date.expired")
    chosen = card.choose(Wish(LOG_IN))
    assert (chosen.entry.certificate.identity, chosen.by) == (HSA_ID, ChosenBy.VERDICT)
    assert card.refused(Wish(LOG_IN, accept_bad=True)).code is ErrorCode.CERTIFICATE_AMBIGUOUS
    card.verdict(card.find(LOG_IN, HSA_ID), Status.BAD, "chain.untrusted")
    error = card.refused(Wish(LOG_IN))
    assert (error.code, len(error.more.choices)) == (ErrorCode.CERTIFICATE_BAD, 2)


def test_a_certificate_without_its_key(judge: Judge) -> None:
    """A certificate whose key is not on the card, or of which two keys have the name, can prove nothing."""
    card = On(judge)
    entry = card.entries[card.find(LOG_IN, HSA_ID)]
    mine = next(key for key in card.contents.keys if key.id.hex().upper() == entry.id)
    others = tuple(key for key in card.contents.keys if key is not mine)
    for keys in (others, (*others, mine, replace(mine, reference=9))):
        card.contents = replace(card.contents, keys=keys)
        assert card.refused(Wish(LOG_IN, HSA_ID)).code is ErrorCode.CERTIFICATE_ABSENT


def test_a_transport_certificate_is_no_identity(judge: Judge) -> None:
    """What only carries a new card to its desk logs nobody in."""
    card = On(judge, "reserve")
    place = card.find(LOG_IN, HSA_ID)
    entry = card.entries[place]
    card.entries[place] = replace(entry, certificate=replace(entry.certificate, transport=True))
    assert card.refused(Wish(LOG_IN)).code is ErrorCode.CERTIFICATE_ABSENT
