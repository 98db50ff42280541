# SPDX-License-Identifier: Apache-2.0
"""The report as one HTML page that needs nothing beside it: style.css and
every plot are inside, and each plot leads to its file."""
import base64
import os
import re
import sys

import places

MISSING = ("python3-markdown is not installed; it makes report.html: "
           "apt-get install python3-markdown")
PLOT = re.compile(r'<p><img alt="([^"]*)" src="(plots/[\w-]+\.svg)" ?/></p>')
HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
"""
FOOT = """
</main>
</body>
</html>
"""


def need():
    """Says so before the work is done, if the page cannot be made."""
    try:
        import markdown  # a package of its own in Debian
    except ImportError:
        sys.exit(MISSING)
    return markdown


def write(directory, words):
    body = need().markdown(words, extensions=["tables", "fenced_code"])
    body = body.replace("<table>", '<div class="wide"><table>')
    body = body.replace("</table>", "</table></div>")
    body = PLOT.sub(lambda m: picture(directory, *m.groups()), body)
    with open(os.path.join(places.HERE, "style.css"),
              encoding="utf-8") as f:
        style = f.read()
    title = words.split("\n", 1)[0].lstrip("# ")
    with open(os.path.join(directory, "report.html"), "w",
              encoding="utf-8") as f:
        f.write(HEAD.format(title=title, style=style) + body + FOOT)


def picture(directory, alt, path):
    with open(os.path.join(directory, path), "rb") as f:
        inside = base64.b64encode(f.read()).decode()
    return (f'<p><a href="{path}"><img alt="{alt}" '
            f'src="data:image/svg+xml;base64,{inside}"></a></p>')
