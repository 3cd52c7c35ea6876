"""Check that every link of the built site leads somewhere and that no page loads anything from another host.

`python docs/check_site.py docs/_build/html`, the last step of `make docs`.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The anchors, links and resources of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.resources: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value}
        self.anchors.update(values[name] for name in ("id", "name") if name in values)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        self.resources.extend(values[name] for name in ("src", "href") if name in values and tag != "a")


def problems(folder: Path) -> list[str]:
    """What is wrong with the links and resources of a site, one line each."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(folder.resolve().rglob("*.html"))}
    found = []
    for path, page in pages.items():
        name = path.relative_to(folder.resolve())
        found += [f"{name} loads {target}" for target in page.resources if urlsplit(target).netloc]
        for link in page.links + page.resources:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not target.is_file():
                found.append(f"{name} links to {link}, which does not exist")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                found.append(f"{name} links to {link}, which has no such anchor")
    return found if pages else [f"{folder} holds no pages"]


if __name__ == "__main__":
    lines = problems(Path(sys.argv[1]))
    print("\n".join(lines) or "All links lead somewhere, and nothing is loaded from other hosts.")
    sys.exit(bool(lines))
