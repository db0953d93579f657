"""Why can't I log in: facts are gathered, judged one link after the other, and one thing to do next is chosen."""
