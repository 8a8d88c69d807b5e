"""A study's page in a browser, and what a person sees and does there."""

import time

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from turing_studies import page_data, right_choice


class Page:
    """A study that nobody has begun yet."""

    def __init__(self, driver, folder, key):
        self.driver, self.folder, self.key = driver, folder, key
        self.items = {item.id: item for item in key.items}
        driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": "file://", "storageTypes": "local_storage"})
        driver.get((folder / "index.html").as_uri())
        self.wait(lambda: self.all("button"))

    def reload(self):
        time.sleep(4)  # what the page stores reaches the browser's disk after a moment, later on a busy machine
        self.driver.refresh()

    def wait(self, found):
        return WebDriverWait(self.driver, 20, 0.02).until(lambda driver: found())

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self):
        return self.driver.find_element(By.TAG_NAME, "body").text

    def wait_for(self, words):
        self.wait(lambda: words in self.text())

    def press(self, *keys):
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def click(self, words):
        self.wait(lambda: [b for b in self.all("button, a, summary") if words in b.text])
        next(b for b in self.all("button, a, summary") if words in b.text).click()

    def shown(self):
        """The files of the pictures that are on the screen."""
        script = "return [...document.querySelectorAll('.picture img')].map((image) => image.getAttribute('src'))"
        return self.driver.execute_script(script)

    def question(self, words):
        """Wait for the question "Question 2 of 6", say, and return its files once an answer is taken."""
        self.wait_for(words)
        files = self.wait(self.shown)
        time.sleep(0.3)  # an answer within a quarter of a second is the end of a double click
        return files

    def item(self, files):
        return next(item for item in self.key.items if set(item.sources) == set(files))

    def practise(self):
        """Through the practice, whatever the answer, to the first question that counts."""
        data = page_data(self.folder)
        for i in range(len(data["practice"])):
            self.question(f"Practice {i + 1} of {len(data['practice'])}")
            self.press("1")
            if self.key.rate:
                self.give_marks(3)
            self.wait(lambda: self.all("h2.good, h2.bad"))
            self.press(Keys.ENTER)
        self.wait_for("That was the practice")
        self.press(Keys.ENTER)

    def give_marks(self, mark):
        self.wait(lambda: self.all(".rated"))
        for _ in self.all("fieldset"):
            self.press(str(mark))
        self.press(Keys.ENTER)

    def answer_all(self, choose=right_choice, first=1):
        """By the number keys, up to the thanks."""
        for i in range(first, len(self.items) + 1):
            files = self.question(f"Question {i} of {len(self.items)}")
            self.press(str(files.index(choose(self.key, self.item(files))) + 1))
        self.wait_for("Thank you")

    def download(self, folder):
        """Save the answers; returns the file."""
        self.click("Save the answers")
        self.wait(lambda: list(folder.glob("answers-*.json")))
        return next(folder.glob("answers-*.json"))
