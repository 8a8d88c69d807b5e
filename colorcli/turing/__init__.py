"""Studies that ask people which picture is the real photo: made here, answered in a browser, scored here.

scenes   pictures of a dataset, true and coloured, of one luminance and in one form
study    deals the scenes to trials, and writes the folder to send out and the key to keep
page     the folder's HTML page, from page.html, page.css, page.js and checksum.js
key      STUDY.key.json: what every picture is
answers  participants' files, checked against the key
scoring  counts, rates with their intervals, tests against chance
report   the scores as a table, Markdown, JSON or CSV, and a contact sheet
"""
