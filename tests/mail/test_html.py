# ruff: noqa: E501 - pairs of HTML and text, a row each
"""HTML as text, and HTML made safe to show."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailbridge.mail.html import html_to_text, sanitise
from mailbridge.mail.html_tokens import VOID as EMPTY
from mailbridge.mail.html_tokens import End, Start, Text, tokens


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two<br>three</p>", "one\n\ntwo\nthree"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("a <b>bold</b>\n  word&nbsp;here &amp; &#8364;", "a bold word here & €"),
        ("<ul><li>one<li>two<ul><li>deep</ul></ul>", "- one\n- two\n  - deep"),
        ("<ol start=3><li>one</li><li>two</li></ol>", "3. one\n4. two"),
        ("<table><tr><th>Part<th>Price<tr><td><p>drum</p><td>40</table>", "Part | Price\ndrum | 40"),
        ("<table><tr><td>Subject:</td><td>Fire</td></tr></table>", "Subject: Fire"),
        (
            'see <a href="https://desk.example/a?b=1&amp;c=2">the page</a>.',
            "see the page (https://desk.example/a?b=1&c=2).",
        ),
        ('<a href="https://desk.example/">desk.example</a>', "desk.example"),
        ('<a href="mailto:pat@customer.example">Pat</a> <a href="javascript:x()">no</a>', "Pat no"),
        ("<pre>a\n  b</pre>c", "a\n  b\nc"),
        ("<blockquote>q<blockquote>deep</blockquote></blockquote>own", "> q\n>> deep\nown"),
        ('<blockquote style="margin:0 0 0 40px;border:none">indented</blockquote>', "indented"),
        ("<h1>Head</h1>text<hr>more", "Head\n\ntext\n--------------------\nmore"),
        ('<img src="cid:1" alt="the display">', "[the display]"),
        ("<head><title>t</title><style>p{}</style></head><script>x</script>text<!-- c -->", "text"),
        (
            '<span style="display:none">no</span><p style="font-size:0">no<b style="font-size:9px">yes</b></p>',
            "yes",
        ),
        (
            '<p style="color:#fff;background:#fff">no</p><p hidden>no</p><p style="mso-hide:all">no</p>yes',
            "yes",
        ),
        ('<p style="display:none">no<p>yes', "yes"),
        ("Jane <jane@customer.example> said 1 < 2", "Jane <jane@customer.example> said 1 < 2"),
        ("un<!-- closed", "un closed"),
        ("<style>also unclosed", "also unclosed"),
        ("a\u200bb\u00adc fami\u200dly", "abc fami\u200dly"),
        ("&#" + "9" * 5000 + ";x&#xD800;", "x\ufffd"),
        ("", ""),
    ],
)
def test_text(html: str, text: str) -> None:
    assert html_to_text(html) == text


def test_words_survive_any_depth() -> None:
    assert html_to_text("<div>" * 50_000 + "word").endswith("word")
    assert "word" in sanitise("<div>" * 5_000 + "word")


@pytest.mark.parametrize(
    ("html", "safe"),
    [
        ('<p onclick="x()">t</p>', "<p>t</p>"),
        ("<script>x</script>t", "t"),
        ('<a href="javascript:x()">t</a>', "t"),
        ('<a href=" java\nscript:x()">t</a>', "t"),
        ('<a href="//evil.example/">t</a><a href="/x">u</a>', "tu"),
        ('<a href="data:text/html,x">t</a>', "t"),
        ('<img src="https://tracker.example/1.gif" alt="a">', '<img alt="a">'),
        ('<img src="//tracker.example/1.gif"><img src="data:image/gif;base64,R0">', "<img><img>"),
        ('<img src="CID:part1">', '<img src="CID:part1">'),
        ('<form action="https://evil.example"><input name="p">t</form>', "t"),
        ('<base href="https://evil.example/"><meta http-equiv="refresh" content="0">t', "t"),
        ('<p style="background:url(https://tracker.example/)">t</p>', "<p>t</p>"),
        ('<p style="color:red;position:fixed">t</p>', '<p style="color:red">t</p>'),
        ('<iframe src="https://evil.example">x</iframe><svg onload=x><b>t</b></svg>u', "u"),
        ('<p style="display:none">secret</p>t', "t"),
        ("<b>open", "<b>open</b>"),
    ],
)
def test_safe(html: str, safe: str) -> None:
    found = sanitise(html)
    assert re.sub(r"</?a(?: rel=\"[^\"]*\")?>", "", found) == safe


def test_links_of_the_web_stay() -> None:
    assert 'href="https://desk.example/"' in sanitise('<a href="https://desk.example/">t</a>')


TAGS = st.sampled_from(
    ["<p>", "</p>", "<div style='display:none'>", "</div>", "<table>", "<tr>", "<td>", "</table>", "<blockquote>",
     "</blockquote>", "<a href='https://x.example/'>", "</a>", "<pre>", "<li>", "<ul>", "</ul>", "<br>", "&amp;", "<img alt=x>",
     "<div class=gmail_quote>", "<div id=appendonsend>", "<script>", "<!--", "-->", '"', "'", "<svg>", "<math>", "<title>"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(TAGS | st.text(max_size=8), max_size=30).map("".join))
def test_any_html_is_read_and_made_safe(source: str) -> None:
    open_elements: list[str] = []
    for token in tokens(source):
        if isinstance(token, Start) and token.name not in EMPTY:
            open_elements.append(token.name)
        elif isinstance(token, End):
            assert open_elements.pop() == token.name
        else:
            assert isinstance(token, Text | Start)
    assert open_elements == []
    html_to_text(source)
    shown = sanitise(source)
    assert "<script" not in shown
    assert "<svg" not in shown
    assert html_to_text(shown).split() == html_to_text(sanitise(shown)).split()
