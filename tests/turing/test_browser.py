"""The page in a real browser: a whole study, as a person at a keyboard, a mouse or a phone gets it."""

import json
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from turing_page import Page
from turing_studies import BLUE, RED, page_data, right_choice, small_study, wrong_choice

from colorcli.turing.answers import read_answers
from colorcli.turing.scoring import score

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver")

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def open_storage(driver, page):
    """Wait until a new profile keeps what pages store: on a busy machine its first reloads forget it."""
    page.write_text("<title>blank</title>")
    driver.get(page.as_uri())
    kept = 0
    for _ in range(40):
        driver.execute_script("localStorage.setItem('kept', '1')")
        time.sleep(0.5)
        driver.refresh()
        kept = kept + 1 if driver.execute_script("return localStorage.getItem('kept')") else 0
        if kept == 4:
            return
    raise TimeoutError("the browser keeps nothing")


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}", "--window-size=1200,900"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    open_storage(started, tmp_path_factory.mktemp("blank") / "blank.html")
    yield started
    started.quit()


@pytest.fixture
def downloads(driver, tmp_path):
    folder = tmp_path / "downloads"
    folder.mkdir()
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
    return folder


@pytest.fixture
def open_page(driver, tmp_path):
    """open_page(models, **settings) -> the page of a small study."""
    driver.get_log("browser")

    def open_it(*models, **settings):
        return Page(driver, *small_study(tmp_path, *models, **settings))

    yield open_it
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert [entry["message"] for entry in driver.get_log("browser") if "favicon" not in entry["message"]] == []


def scored(page, file):
    sheets, refused = read_answers([file], page.key)
    assert refused == []
    return score(page.key, sheets)


def test_a_study_by_keyboard_resumed_saved_and_scored(open_page, downloads):
    page = open_page(RED)
    page.press(Keys.ENTER)
    page.practise()
    files = page.question("Question 1 of 6")
    page.press({0: Keys.ARROW_LEFT, 1: Keys.ARROW_RIGHT}[files.index(right_choice(page.key, page.item(files)))])
    page.question("Question 2 of 6")
    page.reload()
    page.wait_for("Welcome back: 1 of 6")
    page.press(Keys.ENTER)
    page.answer_all(first=2)
    found = scored(page, page.download(downloads))
    assert (found.pooled.found.k, found.pooled.found.n) == (4, 4)
    page.reload()
    page.wait_for("Thank you")


def test_triples_by_clicks_with_marks(open_page, downloads):
    page = open_page(RED, BLUE, protocol="triples", rate=True, practice=0)
    page.click("Start")
    given = {}
    for i in range(1, 7):
        files = page.question(f"Question {i} of 6")
        item = page.item(files)
        page.all("button.picture")[files.index(right_choice(page.key, item))].click()
        page.wait(lambda: page.all(".rated"))
        assert not page.all("button.main")[0].is_enabled()
        for field, file in zip(page.all("fieldset"), files, strict=True):
            given[file] = 5 if item.sources[file] == "truth" else 2
            field.find_elements(By.TAG_NAME, "label")[given[file] - 1].click()
        page.click("Next")
    page.wait_for("Thank you")
    file = page.download(downloads)
    saved = {file: mark for answer in json.loads(file.read_text())["answers"] for file, mark in answer["marks"].items()}
    assert saved == given
    assert [row.mark.mean for row in scored(page, file).pooled.rows] == [5, 2, 2]


def test_single_pictures_go_after_their_time(open_page, downloads):
    page = open_page(RED, protocol="single", exposure=0.4, practice=0, count=3, catch=0)
    page.press(Keys.ENTER)
    for i in range(1, 4):
        files = page.question(f"Question {i} of 3")
        page.wait(lambda: not page.shown())
        page.press("1" if right_choice(page.key, page.item(files)) == "real" else "2")
    page.wait_for("Thank you")
    found = scored(page, page.download(downloads))
    assert found.pooled.found.k == 3


def test_practice_tells_the_answer_and_shows_it(open_page):
    page = open_page(RED, practice=2)
    practice = page_data(page.folder)["practice"]
    page.press(Keys.ENTER)
    for i, item in enumerate(practice):
        files = page.question(f"Practice {i + 1} of 2")
        right = files.index(item["answer"])
        page.press(str(1 + (right if i == 0 else 1 - right)))
        page.wait_for("Right." if i == 0 else "Not so.")
        assert f"Picture {right + 1} was coloured by a computer" in page.text()
        assert page.driver.find_element(By.ID, "said").get_property("textContent") in page.text()
        marked = page.all(".picture.marked img")
        assert [image.get_attribute("src").rpartition("/")[2] for image in marked] == [item["answer"]]
        page.press(Keys.ENTER)
    page.wait_for("That was the practice")


def test_a_double_click_answers_once(open_page):
    page = open_page(RED, practice=0)
    page.click("Start")
    page.question("Question 1 of 6")
    page.press("1", "1", "1")
    page.question("Question 2 of 6")
    assert "Question 2 of 6" in page.text()


def test_a_held_key_answers_once(open_page):
    page = open_page(RED, practice=0)
    page.click("Start")
    page.question("Question 1 of 6")
    for repeat in (False, True, True, True):
        event = {"type": "keyDown", "key": "1", "text": "1", "autoRepeat": repeat}
        page.driver.execute_cdp_cmd("Input.dispatchKeyEvent", event)
        time.sleep(0.3)
    assert "Question 2 of 6" in page.text()


def test_every_participant_has_an_own_order(open_page):
    page = open_page(RED, practice=0, count=10)
    orders = set()
    for _ in range(3):
        page.driver.execute_script("localStorage.clear()")
        page.reload()
        order = page.driver.execute_script("return order.map((item) => item.id)")
        participant = page.driver.execute_script("return state.participant")
        assert [item.id for item in page.key.order(participant)] == order
        orders.add(tuple(order))
    assert len(orders) == 3


def test_another_person_starts_afresh(open_page):
    page = open_page(RED, practice=0, count=1, catch=0)
    page.press(Keys.ENTER)
    page.answer_all()
    first = page.driver.execute_script("return state.participant")
    page.click("Another person")
    page.driver.switch_to.alert.accept()
    page.wait_for("Start")
    assert page.driver.execute_script("return state.participant") != first


def test_two_tabs_are_one_participant(open_page):
    page = open_page(RED, practice=0)
    page.click("Start")
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    page.driver.get((page.folder / "index.html").as_uri())
    page.press(Keys.ENTER)
    page.question("Question 1 of 6")
    page.press("1")
    page.question("Question 2 of 6")
    page.driver.close()
    page.driver.switch_to.window(first)
    page.wait_for("Welcome back: 1 of 6")


def test_a_browser_that_keeps_nothing_is_told(open_page):
    page = open_page(RED, practice=0, count=1, catch=0)
    forbid = "Storage.prototype.setItem = () => { throw new DOMException('no'); }"
    added = page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": forbid})
    page.reload()
    page.wait_for("does not let the page remember")
    page.press(Keys.ENTER)
    page.answer_all()
    page.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_names_for_a_screen_reader_give_nothing_away(open_page):
    page = open_page(RED, BLUE, protocol="triples", practice=0)
    page.click("Start")
    page.question("Question 1 of 6")
    assert [button.accessible_name for button in page.all("button.picture")] == ["Picture 1", "Picture 2", "Picture 3"]
    assert page.driver.switch_to.active_element.text == "Which picture is the real photo?"
    assert page.all("progress")[0].accessible_name == "Question 1 of 6"
    assert page.driver.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert page.driver.switch_to.active_element.accessible_name == "Picture 2"


def test_nothing_but_the_folder_is_asked_for(open_page):
    page = open_page(RED, practice=0)
    page.press(Keys.ENTER)
    page.answer_all()
    asked = page.driver.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert {address.split(":")[0] for address in asked} <= {"file", "data", "blob"}
    blocked = page.driver.execute_async_script(
        "const done = arguments[0]; fetch('http://localhost:9/').then(() => done('sent'), () => done('refused'))"
    )
    assert blocked == "refused"
    policy = [entry for entry in page.driver.get_log("browser") if "Content Security Policy" in entry["message"]]
    assert policy


def test_a_phone_needs_no_sideways_scrolling(open_page):
    page = open_page(RED, BLUE, protocol="triples", rate=True, practice=0)
    size = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.reload()
    wide = "return document.documentElement.scrollWidth"
    assert page.driver.execute_script(wide) <= 360
    page.click("Start")
    page.question("Question 1 of 6")
    assert page.driver.execute_script(wide) <= 360
    assert page.driver.execute_script("return document.documentElement.scrollHeight") <= 740
    page.all("button.picture")[0].click()
    page.wait(lambda: page.all(".rated"))
    assert page.driver.execute_script(wide) <= 360
    assert min(label.size["width"] for label in page.all(".marks label")) >= 40  # px that a finger hits


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_light_and_dark(open_page, scheme, dark):
    page = open_page(RED)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    paper = page.driver.execute_script("return getComputedStyle(document.documentElement).backgroundColor")
    red, green, blue = (int(level) for level in paper.removeprefix("rgb(").removesuffix(")").split(","))
    assert red == green == blue
    assert (red < 128) is dark


def test_a_missing_picture_is_told_and_nothing_lost(open_page):
    page = open_page(RED, practice=0)
    page.click("Start")
    page.question("Question 1 of 6")
    hidden = [path.rename(path.with_suffix(".hidden")) for path in page.folder.glob("*.png")]
    page.reload()
    page.click("Start")
    page.wait_for("A picture could not be loaded")
    for path in hidden:
        path.rename(path.with_suffix(".png"))
    page.click("Try again")
    page.question("Question 1 of 6")
    page.driver.get_log("browser")


class Form(BaseHTTPRequestHandler):
    """Takes what is posted, and answers with the server's status."""

    def do_POST(self):
        self.server.posted.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.server.status)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def form():
    with ThreadingHTTPServer(("127.0.0.1", 0), Form) as server:
        server.status, server.posted = 200, []
        server.url = f"http://127.0.0.1:{server.server_port}/answers"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_answers_are_posted_once(open_page, form, tmp_path):
    page = open_page(RED, practice=0, upload_url=form.url)
    assert "sent to 127.0.0.1" in page.text()
    page.press(Keys.ENTER)
    page.answer_all(wrong_choice)
    page.wait_for("Your answers have been sent")
    page.reload()
    page.wait_for("Your answers have been sent")
    (posted,) = form.posted
    (tmp_path / "posted.json").write_bytes(posted)
    assert read_answers([tmp_path / "posted.json"], page.key)[1] == []


def test_a_post_that_fails_is_told(open_page, form, downloads):
    form.status = 500
    page = open_page(RED, practice=0, count=1, catch=0, upload_url=form.url)
    page.press(Keys.ENTER)
    page.answer_all()
    page.wait_for("not certain that your answers arrived")
    form.status = 200
    page.click("Send again")
    page.wait_for("Your answers have been sent")
    assert scored(page, page.download(downloads)).pooled.found.k == 1
    page.driver.get_log("browser")


def test_answers_can_be_copied_as_text(open_page, tmp_path):
    page = open_page(RED, practice=0, count=1, catch=0)
    page.press(Keys.ENTER)
    page.answer_all()
    page.click("as text")
    content = page.all("textarea")[0].get_property("value")
    (tmp_path / "copied.json").write_text(content)
    assert read_answers([tmp_path / "copied.json"], page.key)[1] == []
