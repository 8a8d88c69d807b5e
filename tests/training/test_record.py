import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from training_kit import QUICK, history, images, run

from colorcli.training.record import Record

GRID = "grey | prediction | truth"


def events(out):
    found = EventAccumulator(str(out / "tensorboard"), size_guidance={"images": 0})
    found.Reload()
    return found


def test_a_run_leaves_scalars_and_pictures_for_tensorboard(tmp_path):
    run(tmp_path, validation=images(4))
    found = events(tmp_path)
    assert [event.step for event in found.Scalars("pixel")] == list(range(1, 7))
    assert {"lr", "images_per_second", "l1", "fool", "discriminator", "val_psnr"} <= set(found.Tags()["scalars"])
    pictures = found.Images(GRID)
    assert [event.step for event in pictures] == [2, 4, 6, 8, 10, 12]
    assert (pictures[0].width, pictures[0].height) == (3 * 32, 4 * 32)


def test_history_has_the_columns_of_the_objective_and_of_the_validation(tmp_path):
    run(tmp_path, validation=images(4))
    rows = history(tmp_path)
    assert list(rows[0])[:8] == ["step", "epoch", "lr", "images_per_second", "pixel", "l1", "ssim", "colourfulness"]
    assert rows[0]["val_psnr"] == "" and float(rows[1]["val_psnr"]) > 0
    assert float(rows[5]["lr"]) < QUICK.lr


def test_what_a_run_measured_is_there_when_it_breaks_off(tmp_path):
    record = Record(tmp_path, ["pixel"], until=0)
    record.add({"step": 1, "pixel": 0.5})
    record.picture(1, torch.zeros(3, 4, 12))
    record.close()
    assert events(tmp_path).Scalars("pixel")[0].value == 0.5


def test_rows_after_the_step_and_torn_ones_are_dropped(tmp_path):
    lines = ["step,epoch,lr,images_per_second,pixel", "1,,,,0.5", "2,,,,0.4", "3,,,,0.3", "\0\0\0", "x"]
    (tmp_path / "history.csv").write_text("\n".join(lines))
    Record(tmp_path, ["pixel", "l1"], until=2).close()
    assert [(row["step"], row["pixel"], row["l1"]) for row in history(tmp_path)] == [("1", "0.5", ""), ("2", "0.4", "")]


def test_a_new_run_begins_a_new_history(tmp_path):
    (tmp_path / "history.csv").write_text("step\n1\n")
    Record(tmp_path, ["pixel"], until=0).close()
    assert history(tmp_path) == []
