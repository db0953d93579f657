"""What happened to codes without the daemon's doing, or came to light later: one line each."""

from sithsd.cli.moments import local_time
from sithsd.cli.replies import Notice
from sithsd.cli.words import Words

_TRUTH = {True: "yes", False: "no", None: "unknown"}


def notice_line(notice: Notice, words: Words) -> str:
    """Return when and where it happened, and what."""
    return words.say("notice", at=local_time(notice.at), reader=notice.reader, what=notice_words(notice, words))


def notice_words(notice: Notice, words: Words) -> str:
    """Return what happened; a newer daemon's kind of notice is shown by its name."""
    key = words.key("notice", notice.code)
    if key is None:
        return notice.code
    return words.say(
        key,
        role=notice.role,
        before="unknown" if notice.tries_before is None else notice.tries_before,
        after=words.say("not-known") if notice.tries_after is None else notice.tries_after,
        happened=_TRUTH[notice.happened],
    )
