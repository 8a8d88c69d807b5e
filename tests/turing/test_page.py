import json

import pytest

from colorcli.errors import UsageError
from colorcli.turing.page import render, upload_origin


def test_titles_are_text():
    page = render({"study": "x"}, '</script><b>&"@@DATA@@')
    assert "<b>" not in page
    data = page.split('id="study">')[1].split("</script>")[0]
    assert json.loads(data)["title"] == '</script><b>&"@@DATA@@'


def test_nothing_is_sent_unless_asked():
    assert "connect-src 'none'" in render({}, "x")
    assert "connect-src https://example.org:8443;" in render({}, "x", "https://example.org:8443/a?b=1")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://example.org", "http://example.org"),
        ("https://example.org:8443/a?form=1", "https://example.org:8443"),
        ("http://[::1]:80/x", "http://[::1]:80"),
    ],
)
def test_upload_addresses(url, origin):
    assert upload_origin(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://example.org", "javascript:alert(1)", "example.org", "https://", "", "file:///x", "https://a b.org"),
        *("https://me:secret@example.org", "https://example.org:x", "https://e.org/'; script-src *", "http://[::1"),
    ],
)
def test_other_addresses_are_refused(url):
    with pytest.raises(UsageError, match="--upload-url"):
        upload_origin(url)
