"""Personal identity numbers: recognised, and never shown by accident."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sithsd.certificate.personal import NumberKind, PersonalIdentityNumber, luhn, mask, mask_serial_number

FORMS = [
    "191212121212",
    "19121212-1212",
    "1212121212",
    "121212-1212",
    "121212+1212",
    "PNOSE-191212121212",
    " 191212121212 ",
]


@pytest.mark.parametrize("text", FORMS)
def test_every_form_is_recognised_and_masked(text: str) -> None:
    """Ten or twelve digits, with or without a sign between: one number, whose last four digits are not shown."""
    number = PersonalIdentityNumber.parse(text)
    assert number is not None
    assert number.reveal().endswith("1212121212")
    assert number.kind is NumberKind.PERSONNUMMER
    assert number.checksum_valid
    for shown in (str(number), repr(number), f"{number}", f"{[number]}"):
        assert "-****" in shown
        assert number.reveal() not in shown
        assert "1212-1212" not in shown


def test_a_coordination_number_is_recognised() -> None:
    """A samordningsnummer has 60 added to the day (skatteverket: 19121272-...)."""
    number = PersonalIdentityNumber.parse("19121272-1219")
    assert number is not None
    assert number.kind is NumberKind.SAMORDNINGSNUMMER
    assert str(number) == "19121272-****"


def test_a_wrong_check_digit_is_told_and_not_refused() -> None:
    """Test numbers exist without a right check digit, so it decides nothing."""
    number = PersonalIdentityNumber.parse("191212121213")
    assert number is not None
    assert not number.checksum_valid


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2321000016",
        "165560360793",
        "191213121212",
        "191212001212",
        "19121212121",
        "SE2321000016-1025",
        "x191212121212",
    ],
)
def test_other_numbers_are_no_persons(text: str) -> None:
    """Organisations' numbers (third digit 2 or more), impossible dates and HSA-ids are not taken for a person's."""
    assert PersonalIdentityNumber.parse(text) is None


def test_one_person_with_and_without_century() -> None:
    """The forms of 10 and 12 digits of one number belong to one person."""
    long, short = PersonalIdentityNumber.parse("191212121212"), PersonalIdentityNumber.parse("121212-1212")
    other = PersonalIdentityNumber.parse("201212121212")
    assert long is not None
    assert short is not None
    assert other is not None
    assert long.same_person(short)
    assert short.same_person(long)
    assert not long.same_person(other)
    assert copy.copy(long) == long


@given(st.text(alphabet="ab -+.,=é\u2013", max_size=8), st.sampled_from(FORMS), st.text(alphabet=" ,.;)x", max_size=8))
def test_a_number_inside_text_is_masked(before: str, form: str, after: str) -> None:
    """Wherever in a text a number stands, its last four digits are gone."""
    shown = mask(before + form + after)
    assert "****" in shown
    assert "121212" in shown
    assert "1212121212" not in shown
    assert "1212-1212" not in shown
    assert "1212+1212" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "TSTNMT2321000156-1025",
        "SE2321000016-1AB2",
        "SE162321000016-1AB2",
        "SE1912121212-1001",
        "9752269895715989469",
        "Karin",
        "",
    ],
)
def test_other_identifiers_stay(text: str) -> None:
    """HSA-ids, card numbers and names are shown as they are."""
    assert mask(text) == text
    assert mask_serial_number(text) == text


def test_a_subjects_serial_number_is_masked_more_carefully() -> None:
    """Twelve digits that are no date may be somebody's reserve number; an organisation's number is nobody's."""
    assert mask_serial_number("990000121234") == "99000012-****"
    assert mask_serial_number("191212121212") == "19121212-****"
    assert mask_serial_number("165560360793") == "165560360793"
    assert mask_serial_number("5560360793") == "5560360793"


def test_masking_hostile_text_ends_soon() -> None:
    """The longest text of a certificate is masked in time that grows with its length, not with its square."""
    assert mask("a" * 60000 + "191212121212").endswith("a19121212-****")
    assert len(mask("a1" * 30000 + "-1212121212")) > 60000


@given(st.text(alphabet="0123456789", min_size=1, max_size=18))
def test_the_check_digit_makes_luhn_true(digits: str) -> None:
    """Exactly one last digit completes a number (ISO/IEC 7812-1)."""
    assert sum(luhn(digits + str(last)) for last in range(10)) == 1
