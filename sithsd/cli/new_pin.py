"""A new PIN, chosen under its rules: judged here while it is typed, and once more by the daemon."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from sithsd.cli.code_entry import possible_code, same
from sithsd.cli.live_entry import Mark, Point
from sithsd.cli.replies import GuidanceReply
from sithsd.cli.terminal import Terminal
from sithsd.cli.words import Words
from sithsd.policy.new_code import ALWAYS_REFUSED, Level, NewCodeRules, Rule, check
from sithsd.secret import Secret

_BY_NUMBER = frozenset({Rule.PERSONAL_NUMBER, Rule.BIRTH_DATE})
# Once a code is no run it stays none, whatever is typed after it: these are decided early.
_DECIDED_EARLY = frozenset({Rule.ALL_SAME, Rule.ASCENDING, Rule.DESCENDING})
_SHORTEST_RUN = 2


class PinRules:
    """The rules for one new PIN, as far as they can be told here.

    A rule that needs what is not known here (the old PIN at an unblocking, the number of a holder who has none) is not
    shown; the daemon judges by all that it knows. ValueError: lengths that contradict each other.
    """

    def __init__(self, guidance: GuidanceReply, *, old: Secret | None, other: Secret | None) -> None:
        self._old = old
        self._other = other
        self._numbers = tuple(guidance.personal_numbers)
        levels = {
            Rule(given.rule): Level(given.level)
            for given in guidance.rules
            if given.rule in set(Rule) and given.level in set(Level)
        }
        self.rules = NewCodeRules(
            min_length=guidance.min_length or 1,
            max_length=guidance.max_length or 64,
            levels={rule: level for rule, level in levels.items() if rule not in ALWAYS_REFUSED},
        )
        unknown = {Rule.SAME_AS_OLD: old is None, Rule.SAME_AS_OTHER: other is None}
        self.shown = tuple(
            rule
            for rule in Rule
            if self.rules.level(rule) is not Level.OFF
            and not unknown.get(rule, False)
            and (self._numbers or rule not in _BY_NUMBER)
        )

    @property
    def length(self) -> str:
        """How many digits a new PIN has ("6", "6-8")."""
        least, most = self.rules.min_length, self.rules.max_length
        return str(least) if least == most else f"{least}-{most}"

    def text(self, rule: Rule, words: Words) -> str:
        """Return a rule in words."""
        if rule is Rule.LENGTH:
            return words.say("rule-length-of", length=self.length)
        text = words.name("rule", rule.value)
        return text if self.rules.level(rule) is Level.REFUSE else words.say("rule-advised", rule=text)

    def marks(self, code: Secret) -> dict[Rule, Mark]:
        """Return what each rule says of a code that may not be whole yet: open, where more digits decide."""
        found = {
            finding.rule: finding.level
            for finding in check(
                code,
                old=self._old,
                other=self._other,
                personal_numbers=self._numbers,
                rules=self.rules,
                shortest=None,
                longest=None,
            )
        }
        return {rule: self._mark(rule, len(code), found.get(rule)) for rule in self.shown}

    def judge(self, words: Words) -> Callable[[Secret], Sequence[Point]]:
        """Return what turns a code into lines for a person."""

        def points(code: Secret) -> Sequence[Point]:
            return [Point(mark, self.text(rule, words)) for rule, mark in self.marks(code).items()]

        return points

    def _mark(self, rule: Rule, length: int, broken: Level | None) -> Mark:
        whole = length >= self.rules.min_length
        if broken is not None and (whole or rule is Rule.DIGITS):
            return Mark.WARNED if broken is Level.WARN else Mark.BROKEN
        early = (rule is Rule.DIGITS and length > 0) or (rule in _DECIDED_EARLY and length >= _SHORTEST_RUN)
        return Mark.KEPT if broken is None and (whole or early) else Mark.OPEN


def ask_new_pin(terminal: Terminal, words: Words, role: str, rules: PinRules) -> Secret:
    """Return a new PIN that keeps the rules shown, typed twice alike.

    With a capable terminal the rules change while the person types. Otherwise they stand before the prompt, and those
    that a code breaks are named after it. A CommandError ("pin.malformed") for what can be no code.
    """
    while True:
        with ExitStack() as wiped:
            new = wiped.enter_context(_by_the_rules(terminal, words, role, rules))
            with _again(terminal, words.say("ask-again", role=role)) as again:
                if same(new, again):
                    wiped.pop_all()
                    return new
        terminal.say(words.say("ask-mismatch"))


def _by_the_rules(terminal: Terminal, words: Words, role: str, rules: PinRules) -> Secret:
    prompt = words.say("ask-new-length", role=role, length=rules.length)
    if terminal.paint is not None:
        return terminal.ask_live(prompt, rules.judge(words), words.say("ask-keys"))
    terminal.say(words.say("ask-rules", role=role))
    for rule in rules.shown:
        terminal.say(f"- {rules.text(rule, words)}")
    while True:
        code = possible_code(terminal.ask_code(prompt), role)
        wrong = [rule for rule, mark in rules.marks(code).items() if mark in {Mark.BROKEN, Mark.OPEN}]
        if not wrong:
            return code
        code.wipe()
        terminal.say(words.say("ask-rules-broken"))
        # One that is still open when the code has been ended waits for more digits: the length says so.
        named = [Rule.LENGTH] if Rule.LENGTH in wrong else wrong
        for rule in named:
            terminal.say(f"- {rules.text(rule, words)}")


def _again(terminal: Terminal, prompt: str) -> Secret:
    if terminal.paint is not None:
        return terminal.ask_live(prompt, lambda _code: (), "")
    return terminal.ask_code(prompt)
