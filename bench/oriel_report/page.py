# SPDX-License-Identifier: MIT
"""report.html: one file that holds everything."""
import html

from .style import embedded

STYLE = """
body { font: 15px/1.45 sans-serif; max-width: 1040px; margin: 2em auto; padding: 0 1em; color: #222; }
table { border-collapse: collapse; margin: .6em 0 1.4em; font-size: 13px; display: block;
        overflow-x: auto; }
td, th { border-bottom: 1px solid #ddd; padding: .25em .8em .25em 0; text-align: left;
         white-space: nowrap; }
h1 { font-size: 1.6em; } h2 { font-size: 1.15em; margin-top: 1.8em; }
p { margin: .3em 0; } img { max-width: 100%; margin: .6em 0; }
"""


def escape(value):
    """Text that came from a file."""
    return html.escape(str(value))


def table(header, rows):
    """An HTML table."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    lines = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
                      for row in rows)
    return f"<table>{f'<tr>{head}</tr>' if any(header) else ''}\n{lines}\n</table>"


def render(sections, pictures):
    """The page. pictures: (title, PNG bytes)"""
    parts = [f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Oriel: report'
             f'</title><style>{STYLE}</style></head><body><h1>Oriel: report of a benchmark</h1>']
    for title, remarks, header, rows in sections:
        parts.append(f"<h2>{escape(title)}</h2>")
        parts += [f"<p>{escape(remark)}</p>" for remark in remarks]
        if rows:
            parts.append(table(header, rows))
    parts += [f'<h2>{escape(title)}</h2><img alt="{escape(title)}" src="{embedded(data)}">'
              for title, data in pictures]
    return "\n".join([*parts, "</body></html>", ""])
