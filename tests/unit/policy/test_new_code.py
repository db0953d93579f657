"""Rules for a new PIN: each rule by its cases and its nearest neighbours."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sithsd.policy.new_code import (
    ALWAYS_REFUSED,
    Finding,
    Level,
    NewCodeRules,
    Rule,
    check,
    lengths,
    refused,
    warned,
)
from sithsd.secret import Secret

RULES = NewCodeRules(min_length=6, max_length=8, levels=dict.fromkeys(Rule, Level.REFUSE))
LONG = NewCodeRules(min_length=1, max_length=20, levels=dict.fromkeys(Rule, Level.REFUSE))
# Obviously made up: 12 December 1912, the usual example, and the same with another day for a samordningsnummer.
NUMBER = "191212121212"
COORDINATION = "197010632391"
CODES = st.text("0123456789", min_size=6, max_size=8)


def broken(  # noqa: PLR0913 - as many as the function under test
    code: str | bytes,
    *,
    old: str | None = None,
    other: str | None = None,
    numbers: Sequence[str] = (),
    rules: NewCodeRules = RULES,
    shortest: int | None = None,
    longest: int | None = None,
) -> set[Rule]:
    """Return the rules that a code breaks."""
    findings = check(
        Secret(code if isinstance(code, bytes) else code.encode()),
        old=None if old is None else Secret(old.encode()),
        other=None if other is None else Secret(other.encode()),
        personal_numbers=numbers,
        rules=rules,
        shortest=shortest,
        longest=longest,
    )
    assert len({finding.rule for finding in findings}) == len(findings)
    return {finding.rule for finding in findings}


@pytest.mark.parametrize("code", ["739146", "5829301", "90417263", "112233", "123457", "012346"])
def test_an_ordinary_code_passes(code: str) -> None:
    """A code that breaks nothing has no finding, whatever is known around it."""
    assert broken(code, old="739145", other="118822", numbers=[NUMBER, COORDINATION]) == set()


@pytest.mark.parametrize(
    "code", ["73914a", "739 146", "\uff17\uff13\uff19\uff11\uff14\uff16", "739146\n", "-739146", "+7391", "73914\x00"]
)
def test_digits_only(code: str) -> None:
    """Anything but the digits 0 to 9 of ASCII breaks the rule; digits of other scripts too."""
    assert Rule.DIGITS in broken(code)


def test_the_empty_code_is_too_short_and_no_more() -> None:
    """What has not been typed yet lacks digits; it has no wrong ones and is no run."""
    assert broken("", numbers=[NUMBER]) == {Rule.LENGTH}


@pytest.mark.parametrize(
    ("code", "fits"), [("73914", False), ("739146", True), ("73914625", True), ("739146258", False)]
)
def test_the_policys_length(code: str, fits: bool) -> None:
    """Six to eight digits, both included."""
    assert (broken(code) == set()) is fits


@pytest.mark.parametrize(
    ("shortest", "longest", "both"),
    [
        (None, None, (6, 8)),
        (4, 12, (6, 8)),
        (7, None, (7, 8)),
        (None, 7, (6, 7)),
        (6, 6, (6, 6)),
        (8, 8, (8, 8)),
        (4, 4, (6, 4)),
    ],
)
def test_the_cards_length_holds_too(shortest: int | None, longest: int | None, both: tuple[int, int]) -> None:
    """A code has to suit the policy and the card; with nothing in common no code passes."""
    assert lengths(RULES, shortest, longest) == both
    for code in ("7391", "73914", "739146", "7391462", "73914625", "739146258"):
        fits = both[0] <= len(code) <= both[1]
        assert (broken(code, shortest=shortest, longest=longest) == set()) is fits


def test_same_as_old_and_as_other() -> None:
    """Equal in every digit and in length; a code that only begins like the old one passes."""
    assert broken("739146", old="739146") == {Rule.SAME_AS_OLD}
    assert broken("739146", other="739146") == {Rule.SAME_AS_OTHER}
    assert broken("739146", old="739146", other="739146") == {Rule.SAME_AS_OLD, Rule.SAME_AS_OTHER}
    assert broken("7391462", old="739146", other="73914") == set()


@pytest.mark.parametrize("digit", "0123456789")
@pytest.mark.parametrize("length", [6, 7, 8])
def test_all_the_same_digit(digit: str, length: int) -> None:
    """One digit all along breaks the rule, one other digit anywhere mends it."""
    code = digit * length
    assert broken(code) == {Rule.ALL_SAME}
    for place in range(length):
        assert broken(code[:place] + str((int(digit) + 5) % 10) + code[place + 1 :]) == set()


@pytest.mark.parametrize("start", range(10))
@pytest.mark.parametrize("length", [6, 7, 8])
@pytest.mark.parametrize(("step", "rule"), [(1, Rule.ASCENDING), (-1, Rule.DESCENDING)])
def test_runs(start: int, length: int, step: int, rule: Rule) -> None:
    """From any digit, and over 9 to 0 and back, the whole code is a run; with one step broken it is none."""
    code = "".join(str((start + step * place) % 10) for place in range(length))
    assert broken(code) == {rule}
    for place in range(length):
        changed = code[:place] + str((int(code[place]) + 5) % 10) + code[place + 1 :]
        assert broken(changed) == set()


def test_one_digit_is_no_run() -> None:
    """While the first digit stands alone, nothing is said of runs."""
    assert broken("7") == {Rule.LENGTH}


@pytest.mark.parametrize("length", [6, 7, 8])
def test_every_part_of_the_personal_number(length: int) -> None:
    """Each part of the twelve digits is found, also by the number's form of ten; nobody else's number matters."""
    number = "198403079876"
    for start in range(12 - length + 1):
        code = number[start : start + length]
        assert Rule.PERSONAL_NUMBER in broken(code, numbers=[number])
        assert Rule.PERSONAL_NUMBER in broken(code, numbers=["840307-9876"])
        assert Rule.PERSONAL_NUMBER not in broken(code, numbers=["197111111111"])
    assert Rule.PERSONAL_NUMBER not in broken("98765432"[:length], numbers=[number])


@pytest.mark.parametrize("number", ["198403079876", "19840307-9876", "19840307 9876", "840307-9876", "840307+9876"])
def test_the_forms_of_a_number(number: str) -> None:
    """A number may come with a hyphen, and without its century."""
    assert broken("079876", numbers=[number]) == {Rule.PERSONAL_NUMBER}
    assert broken("1198403079876", rules=LONG, numbers=[number]) == {Rule.PERSONAL_NUMBER, Rule.BIRTH_DATE}
    assert broken("18403079876", rules=LONG, numbers=[number]) == {Rule.PERSONAL_NUMBER, Rule.BIRTH_DATE}


def test_a_number_without_century_may_be_of_both() -> None:
    """Where the century is not told, both are taken for possible."""
    for code in ("201403", "191403"):
        assert Rule.PERSONAL_NUMBER in broken(code, numbers=["1403079876"])
    assert Rule.PERSONAL_NUMBER not in broken("201403", numbers=["191403079876"])


def test_a_short_part_says_nothing() -> None:
    """Three digits of the number are no part of it that tells; four are."""
    assert Rule.PERSONAL_NUMBER not in broken("987", rules=LONG, numbers=["198403079876"])
    assert Rule.PERSONAL_NUMBER in broken("9876", rules=LONG, numbers=["198403079876"])


@pytest.mark.parametrize("number", ["", "SE2321000016-SIM1", "12345", "1984030798761", "none"])
def test_what_is_no_number_forbids_nothing(number: str) -> None:
    """A holder without a personal identity number has nothing to compare with."""
    for code in ("232100", "984030", "739146"):
        assert broken(code, numbers=[number]) == set()


@pytest.mark.parametrize(
    "code",
    [
        "19840307",
        "840307",
        "070384",
        "07031984",
        "030784",
        "03071984",
        "1984030",
        "9840307",
        "198403",
        "984030",
        "1840307",
        "0703849",
    ],
)
def test_birth_dates(code: str) -> None:
    """YYYYMMDD, YYMMDD, DDMMYY, DDMMYYYY, MMDDYY, MMDDYYYY; six digits of the first, and codes that hold one."""
    assert Rule.BIRTH_DATE in broken(code, numbers=["198403079876"])
    assert Rule.BIRTH_DATE in broken(code, numbers=["840307-9876"])
    assert Rule.BIRTH_DATE not in broken(code, numbers=["198511289876"])


@pytest.mark.parametrize("code", ["840308", "080384", "030884", "840703", "73840308", "403079"])
def test_next_to_a_birth_date(code: str) -> None:
    """Another day is not the birth date, nor are other digits of the number."""
    assert Rule.BIRTH_DATE not in broken(code, numbers=["198403079876"])


def test_a_samordningsnummer_adds_60_to_the_day() -> None:
    """The real date is found, the number's own digits too; an impossible date is only a number."""
    assert broken("701003", numbers=[COORDINATION]) == {Rule.BIRTH_DATE}
    assert broken("031070", numbers=[COORDINATION]) == {Rule.BIRTH_DATE}
    assert broken("701063", numbers=[COORDINATION]) == {Rule.PERSONAL_NUMBER}
    assert broken("702332", numbers=["197023329876"]) == {Rule.PERSONAL_NUMBER}


def test_the_order_and_the_levels() -> None:
    """Findings come in the order of the rules, each with its level; a rule that is off is not found."""
    levels = {Rule.SAME_AS_OLD: Level.WARN, Rule.ALL_SAME: Level.REFUSE, Rule.SAME_AS_OTHER: Level.OFF}
    rules = NewCodeRules(min_length=6, max_length=8, levels=levels)
    ones = Secret(b"111111")
    findings = check(ones, old=ones, other=ones, personal_numbers=[], rules=rules, shortest=7, longest=None)
    assert findings == (
        Finding(Rule.LENGTH, Level.REFUSE),
        Finding(Rule.SAME_AS_OLD, Level.WARN),
        Finding(Rule.ALL_SAME, Level.REFUSE),
    )
    assert refused(findings) == (Rule.LENGTH, Rule.ALL_SAME)
    assert warned(findings) == (Rule.SAME_AS_OLD,)


@pytest.mark.parametrize("rule", ALWAYS_REFUSED)
@pytest.mark.parametrize("level", [Level.WARN, Level.OFF])
def test_the_form_is_not_up_to_a_site(rule: Rule, level: Level) -> None:
    """No policy lets a code through that no keypad has; without a level the two are refused all the same."""
    with pytest.raises(ValueError, match=rule.value):
        NewCodeRules(min_length=6, max_length=8, levels={rule: level})
    bare = NewCodeRules(min_length=6, max_length=8)
    assert broken("73x", rules=bare) == {Rule.DIGITS, Rule.LENGTH}
    assert broken("111111", rules=bare) == set()


def test_lengths_that_contradict_each_other() -> None:
    """A least length above the most is no rule."""
    with pytest.raises(ValueError, match="greater"):
        NewCodeRules(min_length=8, max_length=6)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"min_length": 0, "max_length": 6}, NewCodeRules)


@given(code=CODES, number=st.text("0123456789", min_size=12, max_size=12))
def test_no_personal_number_gets_through(code: str, number: str) -> None:
    """Whatever passes is no part of the number, and the number is no part of it."""
    found = broken(code, numbers=[number])
    assert (Rule.PERSONAL_NUMBER in found) is (code in number)


@given(code=CODES)
def test_a_code_breaks_at_most_one_of_the_patterns(code: str) -> None:
    """All-same, ascending and descending exclude each other, and a reversed code breaks the opposite rule."""
    opposite = {Rule.ALL_SAME: Rule.ALL_SAME, Rule.ASCENDING: Rule.DESCENDING, Rule.DESCENDING: Rule.ASCENDING}
    found = broken(code)
    assert len(found) <= 1
    assert broken(code[::-1]) == {opposite[rule] for rule in found}


@given(
    code=st.binary(max_size=70) | CODES.map(str.encode),
    old=st.binary(max_size=70),
    numbers=st.lists(st.text(max_size=20), max_size=3),
)
def test_any_bytes_are_judged_and_left_alone(code: bytes, old: bytes, numbers: list[str]) -> None:
    """Nothing crashes, and the code stays as it is; only six to eight digits pass."""
    new = Secret(code)
    findings = check(
        new, old=Secret(old), other=None, personal_numbers=numbers, rules=RULES, shortest=None, longest=None
    )
    assert new.reveal() == code
    assert findings or (code.isdigit() and 6 <= len(code) <= 8)
