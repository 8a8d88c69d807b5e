import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import colorcli.batch.targets
from colorcli.batch.job import Job
from colorcli.batch.plan import plan
from colorcli.errors import ColorcliError, UsageError
from colorcli.photo.formats import READABLE


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """tree("a.jpg", "d/b.png") -> makes empty files in a fresh current folder."""
    monkeypatch.chdir(tmp_path)

    def make(*names):
        for name in names:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).touch()

    return make


def pairs(*inputs, **options):
    return [(job.source, job.target) for job in plan(inputs, **options).jobs]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("a.jpg", "a-color.jpg"),
        ("A.JPEG", "A-color.JPEG"),
        ("s/a.tiff", "s/a-color.tiff"),
        ("a.gif", "a-color.png"),
        ("a.pgm", "a-color.ppm"),
        ("scan", "scan-color.png"),
        ("img.2020", "img.2020-color.png"),
        ("./-.jpg", "./--color.jpg"),
    ],
)
def test_a_file_goes_beside_itself(tree, source, target):
    tree(source)
    assert pairs(source) == [(source, target)]


def test_a_folder_goes_beside_itself_sorted_and_without_what_is_no_photo(tree):
    tree("d/b.jpg", "d/a.gif", "d/notes.txt", "d/.hidden.jpg", "d/.cache/x.jpg", "d/sub/c.jpg")
    assert pairs("d/") == [("d/a.gif", "d-color/a.png"), ("d/b.jpg", "d-color/b.jpg")]


def test_recursive_mirrors_the_tree(tree):
    tree("d/b.jpg", "d/z/c.jpg", "d/e/f/g.png", "d/.cache/x.jpg")
    targets = [target for _, target in pairs("d", output="out", recursive=True)]
    assert targets == ["out/b.jpg", "out/e/f/g.png", "out/z/c.jpg"]


def test_the_current_folder_has_a_name(tree, tmp_path):
    tree("a.jpg")
    assert pairs(".") == [("./a.jpg", f"{tmp_path}-color/a.jpg")]


def test_several_folders_keep_their_names(tree):
    tree("d/a.jpg", "e/a.jpg", "a.jpg")
    assert [t for _, t in pairs("d", "e/", "a.jpg", output="out")] == ["out/d/a.jpg", "out/e/a.jpg", "out/a.jpg"]


@pytest.mark.parametrize("output", ["new/", "there"])
def test_output_is_a_folder_if_it_looks_or_is_like_one(tree, output):
    tree("a.jpg", "there/x.txt")
    assert pairs("a.jpg", output=output) == [("a.jpg", f"{output.rstrip('/')}/a.jpg")]


def test_format_option_names_the_targets(tree):
    tree("d/a.jpg", "d/b.PNG")
    assert [t for _, t in pairs("d", format="png")] == ["d-color/a.png", "d-color/b.PNG"]


def test_compare_stands_beside_the_result(tree):
    tree("a.jpg", "d/b.gif")
    beside, inside, named = plan(["a.jpg", "d"], compare=True).jobs + plan(["a.jpg"], "o.png", compare=True).jobs
    assert (beside.target, beside.compare) == ("a-color.jpg", "a-compare.jpg")
    assert (inside.target, inside.compare) == ("d-color/b.png", "d-color/b-compare.png")
    assert (named.target, named.compare) == ("o.png", "o-compare.png")


def test_results_of_an_earlier_run_are_no_inputs(tree):
    tree("d/a.jpg", "d/a-color.jpg", "d/a-compare.jpg", "d/own-color.jpg", "d/e/b.jpg", "d/e-color/b.jpg")
    planned = plan(["d"], recursive=True)
    assert [job.source for job in planned.jobs] == ["d/a.jpg", "d/own-color.jpg", "d/e/b.jpg"]
    assert planned.ignored == 2


def test_output_folder_inside_the_input_is_not_walked(tree):
    tree("d/a.jpg", "d/out/a.jpg", "d/sub/b.jpg")
    sources = [s for s, _ in pairs("d", output="d/out", recursive=True, overwrite=True)]
    assert sources == ["d/a.jpg", "d/sub/b.jpg"]


def test_the_same_photo_given_twice_is_done_once(tree):
    tree("a.jpg")
    assert pairs("a.jpg", "./a.jpg") == [("a.jpg", "a-color.jpg")]


def test_links_to_folders_are_not_followed(tree):
    tree("d/a.jpg")
    Path("d/loop").symlink_to("..", target_is_directory=True)
    assert pairs("d", output="out", recursive=True) == [("d/a.jpg", "out/a.jpg")]


REFUSED = [
    (["missing.jpg"], {}, "no such file or folder: 'missing.jpg'"),
    (["empty"], {}, "no images found in 'empty', looked for .*--recursive"),
    (["a.jpg", "e/a.jpg"], {"output": "out"}, "'a.jpg' and 'e/a.jpg' would both be written to 'out/a.jpg'"),
    (["g"], {}, "'g/x.gif' and 'g/x.png' would both"),
    (["a.jpg"], {"output": "a.jpg"}, "'a.jpg' is an input"),
    (["a.jpg"], {"output": "e/../a.jpg", "overwrite": True}, "is an input"),
    (["a.jpg", "e/a.jpg"], {"output": "e", "overwrite": True}, "'e/a.jpg'"),
    (["g/x.png"], {"output": "link.png", "overwrite": True}, "'link.png' is an input"),
    (["e"], {"output": "e"}, "-o e: that is an input folder"),
    (["a.jpg"], {"output": "none/a.jpg"}, "no such folder: 'none'"),
    (["e"], {"output": "a.jpg"}, "'a.jpg' is a file, not a folder"),
    (["e"], {"output": "a.jpg/deeper"}, "'a.jpg' is a file, not a folder"),
    (["a.jpg"], {"output": "out"}, "-o out: end it with one of .*or with a slash"),
    (["a.jpg"], {"output": "out.gif"}, "-o out.gif: end it with one of"),
    (["a.jpg"], {"output": "out.png", "format": "jpg"}, "different formats"),
    (["a.jpg"], {"format": "gif"}, "--format gif: not one of avif"),
    (["a.jpg"], {"overwrite": True, "skip_existing": True}, "exclude each other"),
    (["done.jpg"], {}, "this file is in the way.*\n  done-color.jpg"),
    (["folder.jpg"], {"overwrite": True}, "'folder-color.jpg' is a folder"),
    (["-", "a.jpg"], {}, "one input only"),
    (["e"], {"output": "-"}, "'e' is a folder"),
    (["-"], {"output": "e"}, "has no name"),
    (["a.jpg"], {"output": "-", "compare": True}, "--compare writes a second file"),
    (["/"], {}, "no folder beside it"),
    ([], {}, "no input"),
]


@pytest.mark.parametrize(("inputs", "options", "message"), REFUSED)
def test_refused_before_any_work(tree, inputs, options, message):
    tree("a.jpg", "e/a.jpg", "g/x.gif", "g/x.png", "done.jpg", "done-color.jpg", "folder.jpg", "folder-color.jpg/x")
    Path("empty").mkdir()
    Path("link.png").symlink_to("g/x.png")
    before = sorted(Path().rglob("*"))
    with pytest.raises(UsageError, match=f"(?s){message}"):
        plan(inputs, **options)
    assert sorted(Path().rglob("*")) == before


def test_a_long_list_in_the_way_is_cut(tree):
    tree(*(f"d/{i:02}.jpg" for i in range(12)), *(f"d-color/{i:02}.jpg" for i in range(12)))
    with pytest.raises(UsageError, match=r"(?s)12 files are in the way.*d-color/09.jpg\n  and 2 more$"):
        plan(["d"])


def test_unwritable_folder_is_exit_1(tree, monkeypatch):
    tree("d/a.jpg")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(ColorcliError, match=r"cannot write to folder '\.'") as caught:
        plan(["d"], "new/deep")
    assert caught.value.exit_code == 1


def test_skip_existing_leaves_out_what_is_complete(tree):
    tree("d/a.jpg", "d/b.jpg", "d/c.jpg", "o/a.jpg", "o/a-compare.jpg", "o/b.jpg")
    planned = plan(["d"], "o", skip_existing=True, compare=True)
    assert [job.source for job in planned.skipped] == ["d/a.jpg"]
    assert [job.source for job in planned.jobs] == ["d/b.jpg", "d/c.jpg"]


def test_names_that_differ_in_case_meet_where_the_disk_says_so(tree, monkeypatch):
    tree("d/a.jpg", "d/A.jpg")
    assert len(plan(["d"]).jobs) == 2
    monkeypatch.setattr(colorcli.batch.targets, "ignores_case", lambda folder: folder.endswith("-color"))
    with pytest.raises(UsageError, match=r"'d/A.jpg' and 'd/a.jpg' would both"):
        plan(["d"])


def test_this_disk_tells_a_from_A(tree):
    tree("probe.txt")
    assert colorcli.batch.targets.ignores_case(".") == Path("PROBE.TXT").exists()


def test_a_job_is_small():
    assert not hasattr(Job("a", "b"), "__dict__")


STEMS = st.sampled_from(["a", "A", "b", "a-color", "a-compare", "é"])
NAMES = st.tuples(STEMS, st.sampled_from(sorted(READABLE))).map("".join)
PATHS = st.tuples(st.sampled_from(["d", "d/e", "d/d-color", "d-color", "f"]), NAMES).map("/".join)


@settings(max_examples=150, deadline=None)
@given(
    files=st.sets(PATHS, min_size=1, max_size=8),
    inputs=st.lists(st.sampled_from(["d", "d/e", "f", "."]), min_size=1, max_size=2),
    output=st.sampled_from([None, "out", "d", "d/out", "d-color", "."]),
    compare=st.booleans(),
    recursive=st.booleans(),
)
def test_no_target_is_written_twice_or_is_an_input(tmp_path_factory, files, inputs, output, compare, recursive):
    root = tmp_path_factory.mktemp("plan")
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    out = None if output is None else str(root / output)
    try:
        planned = plan([root / i for i in inputs], out, recursive=recursive, compare=compare, overwrite=True)
    except UsageError:
        return
    targets = [os.path.realpath(path) for job in planned.jobs for path in job.outputs]
    sources = [os.path.realpath(job.source) for job in planned.jobs]
    assert len(set(targets)) == len(targets)
    assert not set(targets) & set(sources)
