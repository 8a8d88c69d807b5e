import pytest

from colorcli.errors import UsageError
from colorcli.models.catalog import MODELS, build, is_variant


def test_variants_differ_by_the_config_of_their_entry():
    assert build("classification-deconv").config["output"] == "deconv"
    assert build("cgan-rgb-ed").config["skips"] is False and build("cgan-rgb").config["skips"] is True


@pytest.mark.parametrize(
    ("made", "name", "fits"),
    [
        ("cgan-rgb", "cgan-rgb-unet", True),  # they differ in what they are trained against
        ("cgan-rgb-ed", "cgan-rgb", False),
        ("cgan-rgb", "cgan-rgb-luma", False),
        ("classification-deconv", "classification", False),
        ("classification", "classification-rebalanced", True),
        ("pix2pix", "patchgan", False),
    ],
)
def test_a_network_is_of_a_system_by_class_and_config(made, name, fits):
    assert is_variant(build(made), name) is fits


def test_an_unknown_system_is_answered_with_the_list():
    with pytest.raises(UsageError, match=r"unknown model 'nothing'; known: .*gan"):
        build("nothing")
    assert all(facts.summary and facts.paper for facts in MODELS.values())
