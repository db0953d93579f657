"""Sentences for people, in Swedish and English.

The sentences are Project Fluent files in locales/. A key made of a name on the wire has "-" for each ".".
"""

import re
from collections.abc import Mapping
from importlib.resources import files

from fluent.runtime import FluentBundle, FluentResource

from sithsd.cli.plain import plain

ENGLISH = "en"
SWEDISH = "sv"
LANGUAGES = (ENGLISH, SWEDISH)

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9]+)*")


def preferred_language(environment: Mapping[str, str]) -> str:
    """Return the language that the locale asks for, English where it asks for none of ours.

    The order is GNU gettext's: LC_ALL, LC_MESSAGES, LANG say the locale; LANGUAGE is a list that goes before it, unless
    the locale is C.
    """
    locale = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "C")
    if locale.split(".")[0] in {"C", "POSIX"}:
        return ENGLISH
    for wanted in [*environment.get("LANGUAGE", "").split(":"), locale]:
        language = re.split(r"[_.@-]", wanted, maxsplit=1)[0].lower()
        if language in LANGUAGES:
            return language
    return ENGLISH


class Words:
    """The sentences of one language. What is put into a sentence is made harmless for a terminal on the way."""

    def __init__(self, language: str) -> None:
        self.language = language
        text = (files("sithsd.cli") / "locales" / f"{language}.ftl").read_text("utf-8")
        # No isolation marks (U+2068, U+2069): few terminals know them, and what is put in has no bidi controls.
        self._bundle = FluentBundle([language], use_isolating=False)
        self._bundle.add_resource(FluentResource(text))

    def say(self, key: str, **values: str | int) -> str:
        """Return the sentence `key` with `values` in it. KeyError: unknown key; ValueError: a value is lacking."""
        message = self._bundle.get_message(key)
        if message.value is None:
            raise KeyError(key)
        harmless = {name: plain(value) if isinstance(value, str) else value for name, value in values.items()}
        sentence, errors = self._bundle.format_pattern(message.value, harmless)
        if errors:
            raise ValueError(f"{key}: {errors}")
        return str(sentence)

    def has(self, key: str) -> bool:
        """Whether there is a sentence `key`."""
        return bool(self._bundle.has_message(key))

    def key(self, group: str, name: str) -> str | None:
        """Return the key of a name on the wire within `group`, None where this program does not know the name."""
        key = f"{group}-{name.replace('.', '-')}"
        return key if _NAME.fullmatch(name) and self.has(key) else None

    def name(self, group: str, name: str) -> str:
        """Return the words for a name on the wire; one from a newer daemon is shown as it is."""
        key = self.key(group, name)
        return plain(name) if key is None else self.say(key)
