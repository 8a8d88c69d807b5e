import numpy as np
import pytest

from colorcli.evaluation.sheet import GAP, LABEL_HEIGHT, contact_sheet


def picture(height: int, width: int, value: int = 90) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def test_every_picture_lies_in_its_column_and_row():
    columns = {"grey": [picture(40, 40, 10), picture(40, 40, 20)], "truth": [picture(40, 40, 30), picture(40, 40, 40)]}
    sheet = np.asarray(contact_sheet(columns, thumb=40))
    centres = [LABEL_HEIGHT + GAP + 20, LABEL_HEIGHT + GAP + 40 + GAP + 20], [GAP + 20, GAP + 40 + GAP + 20]
    assert sheet[np.ix_(*centres)][..., 0].tolist() == [[10, 30], [20, 40]]
    assert sheet.shape == (LABEL_HEIGHT + 2 * (40 + GAP) + GAP, 2 * (40 + GAP) + GAP, 3)


def test_aspect_ratio_is_kept_and_rows_are_as_high_as_they_need():
    sheet = contact_sheet({"one": [picture(50, 200), picture(200, 50)]}, thumb=100)
    assert sheet.size == (100 + 2 * GAP, LABEL_HEIGHT + GAP + 25 + GAP + 100 + GAP)


def test_tiny_pictures_are_enlarged_by_whole_factors():
    tiny = np.zeros((32, 32, 3), np.uint8)
    tiny[0, 0] = 200
    sheet = np.asarray(contact_sheet({"one": [tiny]}, thumb=100))
    corner = sheet[LABEL_HEIGHT + GAP :, GAP:]
    assert (corner[:3, :3] == 200).all()
    assert (corner[:96, 3:96] == 0).all()


def test_grey_arrays_are_shown_grey():
    sheet = np.asarray(contact_sheet({"grey": [np.full((8, 8), 77, np.uint8)]}, thumb=8))
    assert sheet[LABEL_HEIGHT + GAP, GAP].tolist() == [77, 77, 77]


def test_labels_are_written_within_their_column():
    names = ["grey", "a very long name of a model that fits into no column"]
    sheet = np.asarray(contact_sheet({name: [picture(60, 60)] for name in names}, thumb=60))
    dark = (sheet[:LABEL_HEIGHT] < 128).any(axis=(0, 2))
    assert dark[GAP : GAP + 60].any()
    assert dark[2 * GAP + 60 : 2 * GAP + 120].any()
    assert not dark[GAP + 60 : 2 * GAP + 60].any()
    assert not dark[-GAP:].any()


@pytest.mark.parametrize("columns", [{}, {"one": []}, {"one": [picture(8, 8)], "two": []}])
def test_columns_that_do_not_fit_are_refused(columns):
    with pytest.raises(ValueError, match="one length"):
        contact_sheet(columns)
