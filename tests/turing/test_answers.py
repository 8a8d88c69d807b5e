import json

import pytest
from turing_studies import answered, right_choice, save, signed, small_study, wrong_choice

from colorcli.errors import UsageError
from colorcli.turing.answers import answer_files, read_answers
from colorcli.turing.key import canonical


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return small_study(tmp_path_factory.mktemp("pairs"), rate=True)[1]


def read(key, *files):
    return read_answers(files, key)


def test_whole_answers_are_read(key, tmp_path):
    sheets, refused = read(key, save(tmp_path / "a.json", answered(key)))
    assert refused == []
    assert [answer.item for answer in sheets[0].answers] == key.order("0123456789abcdef")
    assert all(answer.choice == right_choice(key, answer.item) for answer in sheets[0].answers)


def without(name):
    return lambda key, data: {key: value for key, value in data.items() if key != name}


def change(edit, sign=True):
    """Answers with their list edited in place, signed anew or not."""

    def changed(key, data):
        data = json.loads(json.dumps(data))
        edit(key, data["answers"])
        return signed(data) if sign else data

    return changed


def answer_wrongly(key, answers):
    item = next(item for item in key.items if item.id == answers[0]["item"])
    answers[0]["choice"] = wrong_choice(key, item)


def mark_all(answer, mark):
    answer["marks"] = dict.fromkeys(answer["marks"], mark)


FAULTS = {
    "another study": (lambda key, data: signed(data | {"study": "beef"}), "foreign: answers to the study 'beef'"),
    "another version": (lambda key, data: signed(data | {"digest": "beef"}), "another version"),
    "an answer changed": (change(answer_wrongly, sign=False), "tampered with or damaged"),
    "no checksum": (without("checksum"), "tampered with or damaged"),
    "no format": (without("format"), "not the answers"),
    "a list": (lambda key, data: [data], "not the answers"),
    "the last left out": (change(lambda key, answers: answers.pop()), "partial: 5 of 6"),
    "none at all": (change(lambda key, answers: answers.clear()), "partial: 0 of 6"),
    "one twice": (change(lambda key, answers: answers.append(answers[0])), "7 answers to 6"),
    "another order": (change(lambda key, answers: answers.reverse()), "not in this participant's order"),
    "not a choice": (change(lambda key, answers: answers[0].update(choice="x.png")), "'x.png' that could not be given"),
    "a choice of another kind": (change(lambda key, answers: answers[0].update(choice=["x"])), "could not be given"),
    "before it was shown": (change(lambda key, answers: answers[0].update(ms=-5)), "took no time"),
    "no marks": (change(lambda key, answers: answers[0].pop("marks")), "marks that could not"),
    "a mark of 6": (change(lambda key, answers: mark_all(answers[0], 6)), "marks that could not"),
    "true for a mark": (change(lambda key, answers: mark_all(answers[0], True)), "marks that could not"),
    "an answer that is no object": (change(lambda key, answers: answers.__setitem__(0, 3)), "order"),
    "another participant": (lambda key, data: signed(data | {"participant": "f" * 16}), "order"),
    "no participant": (lambda key, data: signed(data | {"participant": "../x"}), "participant's id"),
    "answers of another kind": (lambda key, data: signed(data | {"answers": {}}), "without a list"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_named_and_refused(key, tmp_path, name):
    fault, told = FAULTS[name]
    file = save(tmp_path / "bad.json", fault(key, answered(key)))
    sheets, refused = read(key, file)
    assert sheets == []
    assert refused[0].source == str(file)
    assert told in refused[0].reason


@pytest.mark.parametrize("content", [b"", b'{"format": "color', b"\xff\xfe", b"[" * 100_000, b"NaN", b'"\\ud800"'])
def test_what_is_no_json_is_refused(key, tmp_path, content):
    (tmp_path / "bad.json").write_bytes(content)
    sheets, refused = read(key, tmp_path / "bad.json")
    assert (len(sheets), len(refused)) == (0, 1)


def test_lone_surrogates_are_refused(key, tmp_path):
    data = json.dumps(answered(key)).replace("0123456789abcdef", "\\ud800")
    (tmp_path / "bad.json").write_text(data)
    assert "tampered" in read(key, tmp_path / "bad.json")[1][0].reason


def test_a_copy_counts_once(key, tmp_path):
    first, copy = (save(tmp_path / name, answered(key)) for name in ("a.json", "b.json"))
    sheets, refused = read(key, first, copy)
    assert [sheet.source for sheet in sheets] == [str(first)]
    assert refused[0].source == str(copy)
    assert refused[0].reason == f"duplicate of {first}"


def test_a_participant_with_two_sets_of_answers_counts_not_at_all(key, tmp_path):
    save(tmp_path / "a.json", answered(key))
    save(tmp_path / "b.json", answered(key, wrong_choice))
    sheets, refused = read(key, tmp_path / "a.json", tmp_path / "b.json")
    assert sheets == []
    assert len(refused) == 2
    assert "different answers" in refused[0].reason


def test_files_in_folders_are_found_once(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("b.json", "a.json", "note.txt"):
        (tmp_path / "in" / name).write_text("")
    found = answer_files([tmp_path / "in" / "b.json", tmp_path / "in"])
    assert [path.name for path in found] == ["b.json", "a.json"]


@pytest.mark.parametrize("name", ["nowhere.json", "empty"])
def test_missing_files_are_told(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=name):
        answer_files([tmp_path / name])


def test_canonical_json_is_sorted_and_tight():
    assert canonical({"b": [1, "x"], "a": None}) == '{"a":null,"b":[1,"x"]}'
