import math

import pytest
from turing_studies import answered, right_choice, save, wrong_choice

from colorcli.turing.answers import read_answers
from colorcli.turing.key import CATCH, COLOURED, COUNTED, REAL, TRUTH, WRONG, Item, Key, Picture
from colorcli.turing.scoring import Rate, mean_mark, score, tally


def make_key(protocol, *sources, catch=(), rate=False):
    """A key without files. sources, catch: those of each question's pictures."""
    kinds = [(COUNTED, each) for each in sources] + [(CATCH, each) for each in catch]
    items = [
        Item(f"{i:012x}", f"scene {i}", kind, tuple(Picture(f"{i}-{n}.png", s, "") for n, s in enumerate(each)))
        for i, (kind, each) in enumerate(kinds)
    ]
    models = {source: "" for each in sources for source in each if source != TRUTH}
    return Key("s", "d", protocol, rate, "seed", "photos", models, tuple(items))


def people(tmp_path, key, *choosers, **how):
    """Sheets of participants who answer by each of `choosers`."""
    files = [
        save(tmp_path / f"{i}.json", answered(key, choose, participant=f"{i:016x}", **how))
        for i, choose in enumerate(choosers)
    ]
    sheets, refused = read_answers(files, key)
    assert refused == []
    return sheets


def taking(source):
    """Takes the picture of `source` for real wherever it is shown, else answers rightly."""

    def choose(key, item):
        taken = next((file for file, each in item.sources.items() if each == source), None)
        if taken is None:
            return right_choice(key, item)
        if key.protocol == "single":
            return REAL
        return taken if key.protocol == "triples" else next(file for file in item.sources if file != taken)

    return choose


def counts(rate):
    return rate.k, rate.n


def rows(found):
    return {row.source: row for row in found.rows}


def test_wilson_interval_and_exact_test():
    rate = Rate(10, 100, 0.5)
    assert rate.interval == pytest.approx((0.05523, 0.17437), abs=1e-5)  # Brown, Cai, DasGupta's formula by hand
    assert Rate(60, 100, 0.5).p == pytest.approx(0.05689, abs=1e-5)
    assert Rate(0, 20, 0.5).interval[0] == 0
    assert Rate(50, 100, 0.5).p == 1


def test_wilson_interval_by_its_formula():
    k, n, z = 184, 800, 1.959964  # paper 001: 23% of 40 people x 20 pairs
    middle, half = k / n + z * z / (2 * n), z * math.sqrt(k / n * (1 - k / n) / n + z * z / (4 * n * n))
    assert Rate(k, n, 0.5).interval == pytest.approx([(middle + s * half) / (1 + z * z / n) for s in (-1, 1)], abs=1e-6)


def test_no_answers_have_no_rate():
    assert math.isnan(Rate(0, 0, 0.5).value)
    assert math.isnan(Rate(0, 0, 0.5).p)


def test_pairs(tmp_path):
    key = make_key("pairs", *[(TRUTH, "a")] * 3, *[("b", TRUTH)] * 2)
    scores = score(key, people(tmp_path, key, right_choice, taking("a")))
    found = rows(scores.pooled)
    assert counts(found["a"].fooling) == (3, 6)
    assert counts(found["b"].fooling) == (0, 4)
    assert counts(found[TRUTH].identified) == (7, 10)
    assert counts(scores.pooled.found) == (7, 10)
    assert [counts(each.found) for each in scores.participants.values()] == [(5, 5), (2, 5)]


def test_triples_as_in_paper_000(tmp_path):
    key = make_key("triples", *[(TRUTH, "class", "gan")] * 4)
    scores = score(key, people(tmp_path, key, right_choice, right_choice, taking("gan"), taking("class")))
    found = rows(scores.pooled)
    assert [counts(found[source].identified) for source in (TRUTH, "class", "gan")] == [(8, 16), (4, 16), (4, 16)]
    assert found["gan"].identified.chance == pytest.approx(1 / 3)
    assert counts(found["gan"].fooling) == (4, 12)  # against the truth alone
    assert found["gan"].fooling.chance == 0.5


def test_single(tmp_path):
    key = make_key("single", *[(TRUTH,)] * 3, *[("a",)] * 3)
    scores = score(key, people(tmp_path, key, taking("a"), lambda key, item: COLOURED))
    found = rows(scores.pooled)
    assert counts(found["a"].fooling) == (3, 6)
    assert counts(found[TRUTH].identified) == (3, 6)
    assert counts(scores.pooled.found) == (6, 12)


@pytest.mark.parametrize(
    ("protocol", "catch"), [("pairs", (TRUTH, WRONG)), ("triples", (WRONG, TRUTH, WRONG)), ("single", (WRONG,))]
)
def test_who_misses_catch_trials_is_excluded(tmp_path, protocol, catch):
    shown = {"pairs": (TRUTH, "a"), "triples": (TRUTH, "a", "b"), "single": ("a",)}[protocol]
    key = make_key(protocol, shown, catch=[catch] * 5)

    def misses(count):
        missed = [item.id for item in key.items if item.kind == CATCH][:count]
        return lambda key, item: (wrong_choice if item.id in missed else right_choice)(key, item)

    scores = score(key, people(tmp_path, key, misses(0), misses(1), misses(2)))
    assert [(each.caught, each.catches) for each in scores.excluded] == [(3, 5)]
    assert len(scores.participants) == 2
    assert scores.pooled.found.n == 2


def test_catch_trials_do_not_count(tmp_path):
    key = make_key("pairs", (TRUTH, "a"), catch=[(TRUTH, WRONG)] * 3, rate=True)
    scores = score(key, people(tmp_path, key, right_choice))
    assert scores.pooled.found.n == 1
    assert rows(scores.pooled)[TRUTH].mark.n == 1


def test_nobody_left(tmp_path):
    key = make_key("pairs", (TRUTH, "a"), catch=[(TRUTH, WRONG)])
    scores = score(key, people(tmp_path, key, wrong_choice))
    assert scores.pooled is None
    assert len(scores.excluded) == 1


def test_marks_by_source(tmp_path):
    key = make_key("pairs", *[(TRUTH, "a")] * 2, rate=True)
    found = rows(score(key, people(tmp_path, key, right_choice, mark={TRUTH: 5, "a": 2}.get)).pooled)
    assert (found[TRUTH].mark.mean, found[TRUTH].mark.n) == (5, 2)
    assert found["a"].mark.mean == 2


def test_mean_mark_has_students_interval():
    mark = mean_mark([1, 2, 3, 4, 5])
    assert mark.mean == 3
    assert mark.high - mark.mean == pytest.approx(2.776445 * math.sqrt(2.5 / 5))
    assert math.isnan(mean_mark([4]).low)
    assert math.isnan(mean_mark([]).mean)


def test_most_convincing_pictures_come_first(tmp_path):
    key = make_key("pairs", *[(TRUTH, "a")] * 3)
    first, second, _ = key.items

    def fooled_by(*items):
        return lambda key, item: (wrong_choice if item in items else right_choice)(key, item)

    pictures = score(key, people(tmp_path, key, fooled_by(first), fooled_by(first, second))).pictures
    assert [(picture.item.scene, counts(picture.fooling)) for picture in pictures] == [
        ("scene 0", (2, 2)),
        ("scene 1", (1, 2)),
        ("scene 2", (0, 2)),
    ]


def test_a_tally_of_some_answers(tmp_path):
    key = make_key("pairs", *[(TRUTH, "a")] * 3)
    (sheet,) = people(tmp_path, key, right_choice)
    assert counts(tally(key, sheet.answers[:2]).found) == (2, 2)
