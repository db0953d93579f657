"""How many wrong codes go to cards, whatever the client: more are refused by name, and no card is touched."""

import grp
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from e2e_desk import another, call, rows
from e2e_household import CODES, NEW_PIN, PIN, PUK, WRONG_PIN, WRONG_PUK, Answer, Household

GROUP = "games"  # a group that every Debian has
PER_USER, PER_CARD, MINUTES = 3, 4, 60
VERIFY = ("verify", "--role", "authentication", "--code-fd", "0", "--json")
UNBLOCK = ("unblock", "--role", "authentication", "--code-fd", "0", "--json")
FIRST, SECOND = 65533, 65532


@pytest.fixture
def strict(new_house: Callable[..., Household]) -> Iterator[Household]:
    """Return a house whose policy allows few wrong codes."""
    house = new_house(1)
    house.write_rights(codes=["root", f"group:{GROUP}"])
    house.write_policy(
        f"[budget]\nwrong_codes_per_user = {PER_USER}\nwrong_codes_per_card = {PER_CARD}\nminutes = {MINUTES}\n"
    )
    house.start()
    yield house
    assert not [line for line in house.log_lines() if line["level"] in {"error", "critical"}]


def assert_too_many(answer: Answer) -> None:
    """Check a refusal: by name, not retryable as it is, with the time to wait."""
    assert (answer.status, answer.error["code"], answer.error["retryable"]) == (7, "request.tooManyWrong", False)
    assert 1 <= answer.error["retryAfter"] <= MINUTES * 60


def test_a_user_who_guesses_is_stopped(strict: Household) -> None:
    """After three wrong codes on two cards the fourth is not sent, nor is a right one; looking goes on."""
    house = strict
    house.insert("ordinary")
    assert house.verify(WRONG_PIN).error["triesLeft"] == 2
    assert house.verify(PIN).status == 0  # a right code costs nothing
    assert house.verify("12345").error["code"] == "pin.malformed"  # nor does one that is not sent
    assert house.verify(WRONG_PIN).error["triesLeft"] == 2
    house.remove()
    house.insert("second")
    assert house.verify(WRONG_PIN, role="signature").error["triesLeft"] == 2
    before = [row["number"] for row in rows(house)]
    house.apdus(reset=True)
    for answer in (
        house.verify(WRONG_PIN),
        house.verify(PIN),
        house.unblock(PUK, NEW_PIN),
        house.verify(PIN, "--spend-last-try"),
    ):
        assert_too_many(answer)
    assert house.apdus() == 0
    for lang, sentence, wait in (
        ("en", "Too many wrong codes in a short time", " minutes"),
        ("sv", "För många felaktiga koder", " minuter"),
    ):
        people = house.ctl("verify", "--role", "authentication", "--code-fd", "0", "--lang", lang, codes=(PIN,))
        assert people.status == 7
        assert sentence in people.err
        assert wait in people.err
    assert house.ctl("codes", "--json").json["codes"][1]["triesLeft"] == 2
    assert (house.tries("second"), house.tries("second", "signature")) == (3, 2)
    (told,) = [row for row in rows(house) if row["number"] not in before]  # one for all of this minute
    assert (told["result"], told["uid"], told["triesAfter"]) == ("request.tooManyWrong", 0, None)
    refused = [line for line in house.log_lines() if line["event"] == "order.refused"]
    assert {(line["code"], line["uid"]) for line in refused[-6:]} == {("request.tooManyWrong", 0)}


def test_one_users_budget_is_not_anothers(strict: Household, become: list[str]) -> None:
    """Others go on, until the card itself has had enough; then that card rests for all, and another one does not."""
    house, group = strict, grp.getgrnam(GROUP).gr_gid
    run = another(house, become)
    house.insert("blocked")

    def unblock(uid: int) -> Answer:
        return run(*UNBLOCK, codes=(WRONG_PUK, NEW_PIN), group=group, uid=uid)

    assert [unblock(FIRST).error["triesLeft"] for _ in range(PER_USER)] == [9, 8, 7]
    assert_too_many(unblock(FIRST))
    assert unblock(SECOND).error["triesLeft"] == 6
    assert_too_many(unblock(SECOND))
    assert_too_many(house.unblock(PUK, NEW_PIN))
    assert house.tries("blocked", "puk") == 6
    house.remove()
    house.insert("ordinary")
    assert run(*VERIFY, codes=(WRONG_PIN,), group=group, uid=SECOND).error["triesLeft"] == 2
    assert_too_many(run(*VERIFY, codes=(PIN,), group=group, uid=FIRST))
    assert house.verify(PIN).status == 0
    assert {row["uid"] for row in rows(house)} == {0, FIRST, SECOND}


def test_many_at_once_get_no_further(strict: Household) -> None:
    """Eight clients at the same moment: three wrong codes go to the card, five hear that it is busy, no one is lost."""
    house = strict
    model = house.model("blocked")
    model.insert()
    house.await_reader("ready")
    with ExitStack() as stack:
        wires = [stack.enter_context(house.wire(CODES)) for _ in range(8)]
        for wire in wires:
            given = {"role": "authentication", "puk": WRONG_PUK, "newCode": NEW_PIN}
            wire.ask(f"{CODES}.Unblock", given)
        told = sorted(wire.receive()["parameters"]["code"] for wire in wires)
    assert told == ["puk.wrong"] * PER_USER + ["reader.busy"] * 5
    assert (model.codes_sent, house.tries("blocked", "puk")) == (PER_USER, 10 - PER_USER)
    assert call(house, "Verify", role="signature", code=WRONG_PIN)["code"] == "request.tooManyWrong"


def test_a_restart_forgets_the_budget_but_not_the_card(strict: Household) -> None:
    """Who may restart the daemon may guess on; the card's own counters, and the guard before them, stay."""
    house = strict
    house.insert("ordinary")
    for role in ("authentication", "authentication", "signature"):
        assert house.verify(WRONG_PIN, role=role).error["code"] == "pin.wrong"
    assert_too_many(house.verify(PIN))
    house.stop()
    house.start()
    house.await_reader("ready")
    refused = house.verify(WRONG_PIN)
    assert (refused.error["code"], refused.error["triesLeft"]) == ("pin.lastTry", 1)
    assert house.verify(PIN, "--spend-last-try").status == 0
