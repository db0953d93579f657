"""The methods of io.sithsd.Codes: rights and shapes here, the work in the session room."""

from collections.abc import Callable
from datetime import date

from sithsd.api import code_wire, views
from sithsd.api.interface import Interface, Method, interface_text
from sithsd.api.peer import Caller, program_of
from sithsd.api.rights import Rights
from sithsd.api.sign_methods import Signatures
from sithsd.card.guard import Word
from sithsd.card.profile import Unblocking
from sithsd.errors import ErrorCode, SithsdError
from sithsd.locations import CODES_SOCKET
from sithsd.policy.checklist import Answer, Item
from sithsd.policy.new_code import Level, Rule
from sithsd.secret import Secret
from sithsd.session.code_desk import CodeDesk, kind_of
from sithsd.session.order_check import new_code_lengths, personal_numbers
from sithsd.session.orders import ActivateOrder, Asker, ChangeOrder, UnblockOrder, VerifyOrder
from sithsd.session.readers import Readers
from sithsd.session.tools import Done
from sithsd.values import Role


class Codes:
    """Operations with codes, for those who have the right. `program` names the program of a process."""

    def __init__(
        self, readers: Readers, desk: CodeDesk, rights: Rights, program: Callable[[int], str] = program_of
    ) -> None:
        self._readers = readers
        self._desk = desk
        self._rights = rights
        self._signatures = Signatures(desk)
        self._program = program

    def interface(self) -> Interface:
        """Return io.sithsd.Codes."""
        right = self._rights.codes
        return Interface(
            interface_text(CODES_SOCKET),
            [
                Method("GetGuidance", code_wire.GuidanceCall, right, self._guidance),
                Method("Verify", code_wire.VerifyCall, right, self._verify),
                Method("Change", code_wire.ChangeCall, right, self._change),
                Method("Unblock", code_wire.UnblockCall, right, self._unblock),
                Method("Activate", code_wire.ActivateCall, right, self._activate),
                Method("Authenticate", code_wire.AuthenticateCall, self._rights.authenticate, self._authenticate),
                Method("Sign", code_wire.SignCall, self._rights.sign, self._sign),
            ],
        )

    async def _guidance(self, call: code_wire.GuidanceCall, caller: Caller) -> code_wire.GuidanceReply:
        policy = self._desk.policy
        slot = self._readers.slot(call.reader)
        held = await slot.card(None)
        view, look = await slot.read_codes()
        if view.card is None or view.card.read is not held.read:
            # Taken out or changed between the two: what is told of one card must not be mixed with another's codes.
            raise slot.placed(SithsdError(ErrorCode.CARD_CHANGED, "the card was changed, or read anew"), view.card)
        profile = held.read.identified.profile
        may_unblock = profile.unblocking is not Unblocking.DESK or self._rights.desk(caller)
        shortest, longest = new_code_lengths(policy, held.read.contents)
        facts = held.card.facts
        protected = facts is not None and facts.holder is not None and facts.holder.protected
        numbers = personal_numbers(held.card) if self._rights.personal_numbers(caller) and not protected else []
        return code_wire.GuidanceReply(
            reader=view.name,
            card_serial=held.card.serial,
            sequence=view.sequence,
            kind=kind_of(held.card),
            codes=views.codes(look.states),
            activation=str(profile.activation),
            to_activate=[str(state.role) for state in look.states if state.activated is False],
            unblocking=str(profile.unblocking),
            may_unblock=may_unblock,
            puk_floor=policy.puk.floor,
            rules=[
                code_wire.NewCodeRule(rule=str(rule), level=str(policy.new_code.level(rule)))
                for rule in Rule
                if policy.new_code.level(rule) is not Level.OFF
            ],
            min_length=shortest,
            max_length=longest,
            personal_numbers=numbers,
            checklist=[_item(item) for item in policy.activation.checklist],
            pad_verify=policy.pin_pad.enabled and look.pad_verify,
            pad_modify=policy.pin_pad.enabled and look.pad_modify,
        )

    async def _verify(self, call: code_wire.VerifyCall, caller: Caller) -> code_wire.CodeReply:
        code = _code(call.code, "code", call.pin_pad)
        word = Word(last_try=bool(call.spend_last_try), expected=call.expected_tries)
        order = VerifyOrder(call.role, code, word, call.card_serial)
        return _reply(await self._desk.perform(call.reader, order, self._asker(caller)))

    async def _change(self, call: code_wire.ChangeCall, caller: Caller) -> code_wire.CodeReply:
        code, new_code = _code(call.code, "code", call.pin_pad), _code(call.new_code, "newCode", call.pin_pad)
        word = Word(last_try=bool(call.spend_last_try), expected=call.expected_tries)
        order = ChangeOrder(call.role, code, new_code, word, call.card_serial)
        return _reply(await self._desk.perform(call.reader, order, self._asker(caller)))

    async def _unblock(self, call: code_wire.UnblockCall, caller: Caller) -> code_wire.CodeReply:
        puk, new_code = _code(call.puk, "puk", call.pin_pad), _code(call.new_code, "newCode", call.pin_pad)
        word = Word(bool(call.spend_last_try), bool(call.risk_card), call.expected_tries)
        order = UnblockOrder(call.role, puk, new_code, word, call.card_serial)
        return _reply(await self._desk.perform(call.reader, order, self._asker(caller)))

    async def _activate(self, call: code_wire.ActivateCall, caller: Caller) -> code_wire.ActivateReply:
        expected = {one.role: one.tries_left for one in call.expected or []}
        order = ActivateOrder(
            new_codes=_by_role(call.new_authentication, call.new_signature),
            puk=call.puk,
            transport=_by_role(call.transport_authentication, call.transport_signature),
            answers=_answers(call.answers or []),
            words={role: Word(bool(call.spend_last_try), bool(call.risk_card), expected.get(role)) for role in Role},
            serial=call.card_serial,
        )
        done = await self._desk.perform(call.reader, order, self._asker(caller))
        return code_wire.ActivateReply(
            reader=done.view.name,
            card_serial=done.card_serial,
            sequence=done.view.sequence,
            done=[str(role) for role in done.roles],
            codes=views.codes(done.states),
            warnings=list(done.warnings),
        )

    async def _authenticate(self, call: code_wire.AuthenticateCall, caller: Caller) -> code_wire.AuthenticateReply:
        code = _code(call.code, "code", call.pin_pad)
        return await self._signatures.authenticate(call, code, self._asker(caller))

    async def _sign(self, call: code_wire.SignCall, caller: Caller) -> code_wire.SignReply:
        code = _code(call.code, "code", call.pin_pad)
        return await self._signatures.sign(call, code, self._asker(caller))

    def _asker(self, caller: Caller) -> Asker:
        return Asker(caller.uid, caller.pid, self._program(caller.pid), desk=self._rights.desk(caller))


def _code(code: Secret | None, field: str, pin_pad: bool | None) -> Secret | None:
    """Return the code, or None where it is to be entered at the reader's pad."""
    if pin_pad and code is not None:
        raise SithsdError(ErrorCode.REQUEST_INVALID, f"{field}: with pinPad the code is entered at the reader")
    if not pin_pad and code is None:
        raise SithsdError(ErrorCode.REQUEST_INVALID, f"{field}: this field is missing")
    return code


def _by_role(authentication: Secret | None, signature: Secret | None) -> dict[Role, Secret]:
    given = {Role.AUTHENTICATION: authentication, Role.SIGNATURE: signature}
    return {role: code for role, code in given.items() if code is not None}


def _answers(given: list[code_wire.Answer]) -> dict[str, Answer]:
    answers: dict[str, Answer] = {}
    for one in given:
        if one.id in answers or (one.confirmed is None) is (one.date is None):
            raise SithsdError(ErrorCode.REQUEST_INVALID, "answers: one answer for each item, yes or no or a date")
        answers[one.id] = _date(one.date) if one.date is not None else bool(one.confirmed)
    return answers


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:  # Python takes weeks and digits without hyphens too
        raise SithsdError(ErrorCode.REQUEST_INVALID, "answers: a date has the form YYYY-MM-DD")
    return day


def _item(item: Item) -> code_wire.ChecklistItem:
    return code_wire.ChecklistItem(
        id=item.id, kind=str(item.kind), sv=item.sv, en=item.en, max_age_months=item.max_age_months, when=item.when
    )


def _reply(done: Done) -> code_wire.CodeReply:
    return code_wire.CodeReply(
        reader=done.view.name,
        card_serial=done.card_serial,
        sequence=done.view.sequence,
        role=done.state.role,
        tries_left=done.state.tries_left,
        warnings=list(done.warnings),
    )
