import torch
from training_kit import images

from colorcli.color import rgb_to_lab
from colorcli.training.pictures import batches as module
from colorcli.training.pictures.batches import batches, held_on, make_batch, steps_per_epoch


def first(count, order):
    return [index for index, _ in zip(order, range(count), strict=False)]


def test_an_epoch_sees_every_picture_once_and_resumes_anywhere():
    order = first(8, batches(20, 5, seed=3))
    assert sorted(torch.cat(order[:4]).tolist()) == list(range(20))
    assert not torch.equal(torch.cat(order[:4]), torch.cat(order[4:]))
    assert all(map(torch.equal, order[3:], first(5, batches(20, 5, seed=3, start=3))))


def test_processes_share_the_pictures_of_one_with_a_larger_batch():
    alone = first(6, batches(20, 6, seed=1))
    parts = [first(6, batches(20, 3, seed=1, rank=rank, world=2)) for rank in (0, 1)]
    assert all(torch.equal(whole, torch.cat(pair)) for whole, *pair in zip(alone, *parts, strict=True))


def test_fewer_pictures_than_a_batch_are_shared_too():
    parts = [first(1, batches(5, 4, seed=0, rank=rank, world=2))[0] for rank in (0, 1)]
    assert sorted(torch.cat(parts).tolist()) == list(range(5)) and all(map(len, parts))
    assert steps_per_epoch(5, 8) == 1


def test_a_batch_holds_colours_light_and_labels():
    made = make_batch(images(6), torch.tensor([1, 4]), 32)
    assert made.rgb.shape == (2, 3, 32, 32) and made.ab.shape == (2, 2, 32, 32)
    assert torch.equal(made.seen_L, made.L) and made.labels.tolist() == [1, 4]


def test_only_the_light_that_is_seen_is_aged():
    aged = make_batch(images(6), torch.arange(6), 32, seed=0, aged=1.0)
    assert torch.equal(rgb_to_lab(aged.rgb), torch.cat([aged.L, aged.ab], 1)) and not torch.equal(aged.seen_L, aged.L)


def test_a_seed_makes_the_same_batch_again():
    first, again, other = (make_batch(images(6), torch.arange(6), 32, s, aged=0.5, cutmix=0.5) for s in (1, 1, 2))
    assert torch.equal(first.seen_L, again.seen_L) and torch.equal(first.ab, again.ab)
    assert not torch.equal(first.ab, other.ab)


def test_cutmix_pastes_light_and_colours_of_another_picture():
    plain, mixed = (make_batch(images(6), torch.arange(6), 32, 0, cutmix=share).rgb for share in (1e-9, 1.0))
    kept, pasted = (mixed == plain).all(1), (mixed == plain.roll(1, 0)).all(1)
    assert (kept | pasted).all()
    assert ((pasted & ~kept).float().mean((1, 2)) > 0.05).all() and (kept.float().mean((1, 2)) > 0.4).all()


class OnAFullGpu:
    def to(self, device):
        raise torch.OutOfMemoryError


def test_data_that_a_gpu_cannot_hold_stay_where_they_are(monkeypatch):
    cuda, data = torch.device("cuda"), OnAFullGpu()
    assert held_on(cuda, data) is data
    monkeypatch.setattr(OnAFullGpu, "to", lambda self, device: "moved")
    for free, expected in ((60, "moved"), (40, data)):
        monkeypatch.setattr(module.torch.cuda, "mem_get_info", lambda device, free=free: (free, 100))
        assert held_on(cuda, data) == expected
