"""The budget of programs: a file that compiles clearly more than it did is named, a little more is not."""

from tests.compiles import allowed, by_file, over_budget


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
