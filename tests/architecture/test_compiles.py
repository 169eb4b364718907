"""The budget of programs: a file that compiles clearly more than it did is named, a little more is not."""

from tests.compiles import Nested, allowed, by_file, over_budget


def test_a_file_that_grew_is_named():
    budget = {"tests/a.py": 2000, "tests/b.py": 10}
    (sentence,) = over_budget({"tests/a.py": 2501, "tests/b.py": 260, "tests/new.py": 250}, budget)
    assert "tests/a.py compiles 2501 programs, expected at most 2500" in sentence


def test_a_new_file_has_a_budget_too():
    assert over_budget({"tests/new.py": 251}, {}) != []
    assert allowed(0) == 250


def test_programs_are_added_up_by_file():
    tests = {"tests/a.py::one": {"programs": 2}, "tests/a.py::two[x::y]": {"programs": 3}}
    assert by_file(tests, "programs") == {"tests/a.py": 5}


def test_parts_within_parts_count_once():
    """Two traces within a third, a program compiled in a fourth: each its own seconds, in all those that went by."""
    nested = Nested()
    ended = [(2.0, 1.0), (5.0, 2.5), (6.0, 6.0), (7.5, 0.5), (9.0, 2.0)]  # when, and after how long
    own = [nested.alone(*part) for part in ended]
    assert own == [1.0, 2.5, 2.5, 0.5, 1.5]
    assert sum(own) == 8.0 < sum(seconds for _, seconds in ended)  # control: 6 and 2 s went by
