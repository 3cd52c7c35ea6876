"""Write the measured numbers of all pages anew: ``python -m docs.numbers``; with ``--check`` only name stale pages."""

import argparse
import sys

from docs.numbers import PAGES, fill

parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
parser.add_argument("--check", action="store_true", help="write nothing, and fail if a page would change")
options = parser.parse_args()
stale = []
for page in PAGES:
    text = page.read_text(encoding="utf-8")
    filled = fill(text)
    if filled != text:
        stale.append(str(page))
        if not options.check:
            page.write_text(filled, encoding="utf-8")
print("\n".join(stale) or "All pages are up to date.")
sys.exit(bool(stale) and options.check)
