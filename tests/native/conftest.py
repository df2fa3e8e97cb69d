"""No test reads what another run left in the user's cache."""

import pytest

from chainrule.native.run import machine


@pytest.fixture(autouse=True, scope="session")
def folder_of_its_own(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAINRULE_CACHE", str(tmp_path_factory.mktemp("objects")))
        yield


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty folder, and nothing held in memory."""
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "objects"))
    machine.OBJECTS.forget()
    yield tmp_path / "objects"
    machine.OBJECTS.forget()
