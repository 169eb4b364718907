"""Programs compiled here are kept in pytest's cache; where there is no C compiler, only what happens then is tested."""

import pytest

from jaxsnn.compilers import build


def pytest_collection_modifyitems(items):
    if build.compiler() is None:
        for item in items:
            if "compilers" in item.nodeid and "test_without_compiler" not in item.nodeid:
                item.add_marker(pytest.mark.skip(reason="there is no C compiler (set CC, or install gcc or clang)"))


@pytest.fixture(autouse=True)
def kept(monkeypatch, request):
    monkeypatch.setenv("JAXSNN_CACHE", str(request.config.cache.mkdir("native")))
