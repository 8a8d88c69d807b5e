from colorcli import memory


def test_the_least_of_what_system_and_group_say_counts(monkeypatch):
    monkeypatch.setattr(memory, "_linux", lambda: 10 << 30)
    for group, expected in ((None, 10 << 30), (3 << 30, 3 << 30), (-5, 0)):
        monkeypatch.setattr(memory, "_control_group", lambda group=group: group)
        assert memory.available_memory() == expected


def test_a_system_that_says_nothing_has_the_assumed(monkeypatch):
    for name in ("_linux", "_control_group", "_half_of_all"):
        monkeypatch.setattr(memory, name, lambda: None)
    assert memory.available_memory() == memory.UNKNOWN
