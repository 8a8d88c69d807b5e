import torch
from torch import nn

from colorcli.models.pix2pix import Pix2Pix, Pix2PixUNet


def test_the_networks_of_the_paper():
    """Appendix 6.1: no batch normalisation after C64 and the coarsest, dropout of a half on the first three upwards."""
    unet = Pix2PixUNet(1, 2, [64, 128, 256, 512, 512, 512, 512, 512], dropout=3)
    assert [isinstance(norm, nn.BatchNorm2d) for norm in unet.down_norm] == [False] + [True] * 6 + [False]
    assert [conv.in_channels for conv in unet.up] + [unet.head.in_channels] == [
        512,
        1024,
        1024,
        1024,
        1024,
        512,
        256,
        128,
    ]
    assert [isinstance(norm[1], nn.Dropout) for norm in unet.up_norm] == [True] * 3 + [False] * 4


def test_its_noise_is_the_dropout_of_training():
    torch.manual_seed(0)
    model, L = Pix2Pix([8, 8, 8], dropout=1), torch.rand(2, 1, 16, 16) * 100
    with torch.no_grad():
        assert not torch.equal(model.train()(L), model(L))
        assert torch.equal(model.eval()(L), model(L))
