"""The budget of connections."""

from sithsd.api.limits import Budget, Limits

LIMITS = Limits(user_connections=2, trusted_connections=3, connections=7)
OWN = 500


def test_a_user_has_so_many_connections_and_no_more() -> None:
    """The budget of one user is that user's alone, and a place given back is a place."""
    budget = Budget(LIMITS, OWN)
    assert [budget.admit(1000) for _ in range(3)] == [True, True, False]
    assert budget.admit(1001)
    budget.release(1000)
    assert [budget.admit(1000) for _ in range(2)] == [True, False]


def test_root_and_the_daemons_own_user_have_more() -> None:
    """Those who run the daemon have a larger budget each."""
    budget = Budget(LIMITS, OWN)
    for uid in (0, OWN):
        assert [budget.admit(uid) for _ in range(4)] == [True, True, True, False]


def test_ordinary_users_together_leave_places_for_the_trusted() -> None:
    """However many users connect, root still gets in."""
    budget = Budget(LIMITS, OWN)
    assert sum(budget.admit(1000 + user) for user in range(10)) == 4
    assert [budget.admit(0) for _ in range(4)] == [True, True, True, False]
    assert not budget.admit(OWN)


def test_trusted_users_do_not_use_up_the_places_of_ordinary_ones() -> None:
    """The daemon's own connections keep nobody out."""
    budget = Budget(LIMITS, OWN)
    for _ in range(3):
        budget.admit(0)
    assert budget.admit(1000)


def test_users_without_connections_are_forgotten() -> None:
    """The books do not grow with every user who ever came."""
    budget = Budget(LIMITS, OWN)
    for uid in range(100, 2000):
        budget.admit(uid)
        budget.release(uid)
        budget.admit(0)
    assert len(budget._used) == 1
