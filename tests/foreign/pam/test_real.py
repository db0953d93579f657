"""pam_sithsd.so before pamtester with the real daemon, a real pcscd and simulated cards: what it does to a chip."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pam_bench import NOBODY, Client, refused

from sithsd.simulator.shelf import Shelf
from sithsd.simulator.stage import Stage

END_TO_END = Path(__file__).parents[2] / "e2e"
PIN, WRONG_PIN, TRANSPORT_PIN = "123456", "000000", "502814"
HSA_ID, RESERVE_HSA_ID = "SE2321000016-SIM1", "SE2321000016-SIM2"
CARDS = ("ordinary", "ordinary-t0", "reserve", "expired", "blocked", "second", "inactive", "foreign", "strange")
PERFORM_SECURITY_OPERATION = 0x2A

for _part in ("vpcd_card", "ifd_card", "wire", "model_card", "household", "desk"):
    if f"e2e_{_part}" not in sys.modules:
        _spec = importlib.util.spec_from_file_location(f"e2e_{_part}", END_TO_END / f"{_part}.py")
        assert _spec is not None
        assert _spec.loader is not None
        sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(sys.modules[_spec.name])
household, desk, model_card = (sys.modules[f"e2e_{name}"] for name in ("household", "desk", "model_card"))


@pytest.fixture(scope="module")
def shared_house(made_cards: Shelf) -> Iterator[Any]:
    """Run the daemon on a stage."""
    for name in CARDS:
        made_cards.card(name)
    made_cards.write_configuration()
    with Stage(2) as stage, closing(household.Household(stage, made_cards.folder.parent)) as made:
        made.start()
        yield made


@pytest.fixture
def house(shared_house: Any) -> Iterator[Any]:
    """Return the house: readers empty, cards new. Afterwards the daemon has to be alive, without a fault."""
    yield shared_house
    shared_house.tidy()


@pytest.fixture
def client(house: Any, tmp_path: Path) -> Client:
    """Return a client for the account of the ordinary card."""
    return Client(tmp_path, house.run, identity=f"hsaId:{HSA_ID}")


@pytest.mark.parametrize("card", ["ordinary", "ordinary-t0", "second"])
def test_the_right_pin_opens(house: Any, client: Client, card: str) -> None:
    """Card and PIN let in; the session knows the card, the audit knows who asked, the counter is full."""
    house.insert(card)
    answer = client.log_in(typed=f"{PIN}\n")
    assert answer.result == "SUCCESS", answer.shown
    assert answer.session == {"SITHSD_CARD_SERIAL": house.serial(card), "PAM_USER": "tolvan"}
    assert PIN not in answer.shown
    assert house.tries(card) == 3
    row = desk.rows(house)[-1]
    assert (row["operation"], row["result"]) == ("authenticate", "done")
    assert "PAM door: tolvan" in str(row)


def test_the_card_names_the_account(house: Any, client: Client) -> None:
    """Without a name the account is the card's; a card of nobody's opens none."""
    house.insert("ordinary")
    answer = client.log_in(typed=f"{PIN}\n", user="")
    assert (answer.result, answer.session["PAM_USER"]) == ("SUCCESS", "tolvan")
    client.allow(f"reserva hsaId:{RESERVE_HSA_ID}")
    nobody = client.log_in(typed=f"{PIN}\n", user="")
    refused(nobody, "USER_UNKNOWN")
    assert "belongs to no account" in nobody.shown


def test_a_card_beside_another_person_s(house: Any, client: Client) -> None:
    """Two cards in two readers: the one for the account is asked for its PIN."""
    house.insert("reserve", reader=0)
    house.insert("ordinary", reader=1)
    answer = client.log_in(typed=f"{PIN}\n")
    assert answer.session["SITHSD_CARD_SERIAL"] == house.serial("ordinary")
    house.swap("second")
    house.await_reader("ready", serial=house.serial("second"))
    both = client.log_in(typed=f"{PIN}\n")
    refused(both, "AUTHINFO_UNAVAIL")
    assert "Several cards" in both.shown


def test_each_of_a_card_s_certificates_by_its_fingerprint(house: Any, client: Client) -> None:
    """The e-legitimation beside the HSA-id's certificate opens the account that names it; a signature's opens none."""
    house.insert("ordinary")
    told = house.ctl("certificates", "--json").json["certificates"]
    for one in told:
        client.allow(f"tolvan sha256:{one['fingerprint']}")
        answer = client.log_in(typed=f"{PIN}\n")
        assert answer.result == ("SUCCESS" if one["purpose"] == "authentication" else "AUTH_ERR"), answer.shown
    assert sorted(one["purpose"] for one in told) == ["authentication", "authentication", "signature", "signature"]


def test_the_path_to_the_root_is_checked_here_too(house: Any, client: Client) -> None:
    """anchors=: OpenSSL builds the path from the daemon's issuers to the root; to another root there is none."""
    house.insert("ordinary")
    root = house.state / "simulator" / "pki" / "sim-root.pem"
    (found,) = [file for file in root.parent.iterdir() if file.suffix in {".pem", ".cer"} and "root" in file.name]
    anchors = client.folder / "anchors.pem"
    anchors.write_bytes(found.read_bytes())
    anchors.chmod(0o644)
    assert client.log_in(f"anchors={anchors}", typed=f"{PIN}\n").result == "SUCCESS"


def test_a_wrong_pin_costs_one_try(house: Any, client: Client) -> None:
    """One, on the chip; the right one fills the counter again."""
    house.insert("ordinary")
    answer = client.log_in(typed=f"{WRONG_PIN}\n{WRONG_PIN}\n")
    refused(answer, "AUTH_ERR")
    assert "Wrong PIN. 2 tries left." in answer.shown
    assert house.tries("ordinary") == 2
    assert "(2 tries left)" in client.log_in(typed=f"{PIN}\n").shown
    assert house.tries("ordinary") == 3


def test_the_last_try_stays_on_the_card(house: Any, client: Client) -> None:
    """However often wrong PINs are typed, one try is left; it is used when a person says so."""
    house.insert("ordinary")
    answer = client.log_in("tries=3", typed=f"{WRONG_PIN}\n" * 3)
    refused(answer, "MAXTRIES")
    assert "is not used here" in answer.shown
    again = client.log_in("tries=3", typed=f"{WRONG_PIN}\n" * 3)
    refused(again, "MAXTRIES")
    assert not again.asked
    assert house.tries("ordinary") == 1
    assert client.log_in("last_try=ask", typed=f"YES\n{PIN}\n").result == "SUCCESS"
    assert house.tries("ordinary") == 3


def test_the_last_try_can_be_lost_by_a_person_s_word(house: Any, client: Client) -> None:
    """Who insists is told that the PIN is blocked now, and from then on nothing is asked."""
    house.insert("ordinary")
    client.log_in("tries=2", typed=f"{WRONG_PIN}\n" * 2)
    lost = client.log_in("last_try=ask", typed=f"YES\n{WRONG_PIN}\n")
    refused(lost, "MAXTRIES")
    assert "now blocked" in lost.shown
    assert house.tries("ordinary") == 0
    blocked = client.log_in("last_try=use", typed=f"{PIN}\n")
    refused(blocked, "MAXTRIES")
    assert not blocked.asked


@pytest.mark.parametrize(
    ("card", "result", "words"),
    [
        ("blocked", "MAXTRIES", "PIN is blocked"),
        ("expired", "AUTH_ERR", "has expired"),
        ("inactive", "AUTHINFO_UNAVAIL", "not been activated"),
    ],
)
def test_a_card_that_can_t_open_is_asked_for_no_pin(
    house: Any, client: Client, card: str, result: str, words: str
) -> None:
    """Its state is told by name, and its chip gets no code."""
    house.insert(card)
    before = house.tries(card)
    answer = client.log_in("last_try=use", typed=f"{PIN}\n")
    refused(answer, result)
    assert words in answer.shown
    assert not answer.asked
    assert house.tries(card) == before


@pytest.mark.parametrize("card", ["foreign", "strange"])
def test_a_card_that_is_none_of_ours(house: Any, client: Client, card: str) -> None:
    """Another issuer's card, and an applet that nobody knows, are told as that."""
    house.insert(card, state="unsupported")
    answer = client.log_in(typed=f"{PIN}\n")
    refused(answer, "AUTHINFO_UNAVAIL")
    assert "none that can be used here" in answer.shown


def test_no_card(house: Any, client: Client) -> None:
    """An empty reader ends it; wait= takes the card that comes."""
    answer = client.log_in(typed=f"{PIN}\n")
    refused(answer, "AUTHINFO_UNAVAIL")
    assert "No card is in the reader." in answer.shown
    house.order(house.put("ordinary"))
    late = client.log_in("wait=60", typed=f"{PIN}\n")
    assert late.result == "SUCCESS", late.shown


def test_the_wrong_card(house: Any, client: Client) -> None:
    """Another person's card is told before its PIN is asked for."""
    house.insert("reserve")
    answer = client.log_in(typed=f"{PIN}\n")
    refused(answer, "AUTH_ERR")
    assert not answer.asked
    assert house.tries("reserve") == 3


def test_another_environment(house: Any, client: Client) -> None:
    """A simulated card opens nothing where nobody wrote environment=sim, whatever the daemon trusts."""
    house.insert("ordinary")
    client.options = ("accept_unchecked",)
    answer = client.log_in(typed=f"{PIN}\n")
    refused(answer, "AUTH_ERR")
    assert "another environment" in answer.shown
    assert not answer.asked


def test_removed_in_the_prompt(house: Any, client: Client) -> None:
    """The PIN typed for a card that is gone is thrown away."""
    house.insert("ordinary")
    answer = client.log_in(typed=f"{PIN}\n", meanwhile=house.remove)
    refused(answer, "AUTHINFO_UNAVAIL")
    assert "taken out" in answer.shown
    assert house.tries("ordinary") == 3


def test_exchanged_in_the_prompt(house: Any, client: Client) -> None:
    """The PIN typed for one card never goes to another, though it is the same person's."""
    house.insert("ordinary")

    def exchange() -> None:
        house.swap("second")
        house.await_reader("ready", serial=house.serial("second"))

    answer = client.log_in(typed=f"{WRONG_PIN}\n", meanwhile=exchange)
    refused(answer, "AUTHINFO_UNAVAIL")
    assert "another card" in answer.shown
    assert (house.tries("ordinary"), house.tries("second")) == (3, 3)


def test_a_try_used_elsewhere_in_the_prompt(house: Any, client: Client) -> None:
    """Another program's wrong PIN meanwhile: the person did not know of it, so the PIN typed is not used."""
    house.insert("ordinary")
    answer = client.log_in(typed=f"{PIN}\n", meanwhile=lambda: house.verify(WRONG_PIN))
    refused(answer, "AUTHINFO_UNAVAIL")
    assert "changed meanwhile" in answer.shown
    assert house.tries("ordinary") == 2


@pytest.mark.parametrize("when", ["before", "after"])
def test_removed_while_it_signs(house: Any, client: Client, when: str) -> None:
    """A card that is gone after its PIN was right has proved nothing."""
    model = house.model("ordinary", **{when: lambda command: command[1] == PERFORM_SECURITY_OPERATION})
    model.insert()
    house.await_reader("ready")
    refused(client.log_in(typed=f"{PIN}\n"), "AUTHINFO_UNAVAIL")
    assert model.codes_sent == 1


def test_removed_with_the_pin_on_its_way(house: Any, client: Client) -> None:
    """It is said that nobody knows whether a try was used; the PIN was sent once."""
    model = house.model("ordinary", after=model_card.carries_code)
    model.insert()
    house.await_reader("ready")
    answer = client.log_in("tries=3", typed=f"{WRONG_PIN}\n" * 3)
    refused(answer, "AUTHINFO_UNAVAIL")
    assert "not known whether a try was used" in answer.shown
    assert model.codes_sent == 1


def test_another_program_has_the_card(house: Any, client: Client) -> None:
    """A card that is held elsewhere is told as that, and nothing waits for it."""
    house.insert("ordinary")
    let_go = house.hold()
    answer = client.log_in(typed=f"{PIN}\n")
    refused(answer, "AUTHINFO_UNAVAIL")
    assert "Another program is using the card" in answer.shown
    let_go("")
    assert client.log_in(typed=f"{PIN}\n").result == "SUCCESS"


def test_at_the_pin_pad(house: Any, client: Client) -> None:
    """The PIN is entered at the reader and never comes here; wrong, cancelled and right are told apart."""
    house.fit_pad()
    house.insert("ordinary")
    wrong = client.log_in(meanwhile=lambda: house.press(WRONG_PIN, "ok"), prompt=False)
    refused(wrong, "AUTH_ERR")
    assert "Wrong PIN. 2 tries left." in wrong.shown
    cancelled = client.log_in(meanwhile=lambda: house.press("cancel"), prompt=False)
    refused(cancelled, "AUTH_ERR")
    assert "Cancelled at the reader" in cancelled.shown
    assert house.tries("ordinary") == 2
    right = client.log_in(meanwhile=lambda: house.press(PIN, "ok"), prompt=False)
    assert right.result == "SUCCESS"
    assert not right.asked
    typed = client.log_in("no_pin_pad", typed=f"{PIN}\n")
    assert typed.result == "SUCCESS"
    assert typed.asked


def test_the_daemon_goes_in_the_prompt(house: Any, client: Client) -> None:
    """Without the daemon there is no log-in and no try used; with it again there is one."""
    house.insert("ordinary")
    gone = client.log_in(typed=f"{PIN}\n", meanwhile=house.stop)
    refused(gone, "AUTHINFO_UNAVAIL")
    assert "can't be reached" in gone.shown
    refused(client.log_in(typed=f"{PIN}\n"), "AUTHINFO_UNAVAIL")
    house.start()
    house.await_reader("ready")
    assert house.tries("ordinary") == 3
    assert client.log_in(typed=f"{PIN}\n").result == "SUCCESS"


def test_a_user_without_rights(house: Any, client: Client) -> None:
    """A screen locker runs as its user: where the daemon does not let that one use codes it is a denial."""
    client.run_as(NOBODY, house.folder)
    house.insert("ordinary")
    answer = client.log_in(typed=f"{PIN}\n")
    refused(answer, "PERM_DENIED")
    assert "You may not" in answer.shown
    assert house.tries("ordinary") == 3


@pytest.fixture
def checking(made_cards: Shelf, tmp_path: Path) -> Iterator[tuple[Any, Client]]:
    """Return a house of its own where it is known what is revoked, and a client that demands to know."""
    made_cards.card("ordinary")
    made_cards.write_configuration()
    with Stage(1) as stage, closing(household.Household(stage, made_cards.folder.parent)) as made:
        made.serve_issuers()
        made.start_fetch()
        made.start()
        client = Client(tmp_path, made.run, identity=f"hsaId:{HSA_ID}")
        client.options = ("environment=sim",)
        yield made, client


def test_revocation_is_looked_up_before_anybody_is_let_in(checking: tuple[Any, Client]) -> None:
    """A card that was just put in opens without accept_unchecked; once it is revoked its PIN is not asked for."""
    house, client = checking
    house.insert("ordinary")
    answer = client.log_in(typed=f"{PIN}\n")
    assert answer.result == "SUCCESS", answer.shown
    house.stop_fetch()
    house.sim("revoke", "ordinary", "--reason", "keyCompromise")
    house.start_fetch()
    house.ctl("validity", "--fresh", "--json")
    for options in ((), ("accept_unchecked",)):
        answer = client.log_in(*options, typed=f"{PIN}\n")
        refused(answer, "AUTH_ERR")
        assert "has been revoked" in answer.shown
        assert not answer.asked
    assert house.tries("ordinary") == 3
