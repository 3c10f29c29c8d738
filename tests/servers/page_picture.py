# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# Packages: chromium fonts-liberation iproute2 net-tools python3 util-linux
"""Makes doc/audit-page.png again: the page of doc/AUDIT.md, with the evidence of web1 unfolded.

    CHECK_DUALSTACK=$PWD/plugins/check_dualstack tests/servers/run.sh tests/servers/page_picture.py

Not part of the tests: it takes a browser. Look at what it made.
"""

import os
import re
import subprocess

import hosts
import test_examples
from hosts import dualstack

SIZE = (1200, 1800)
PICTURE = os.path.join(hosts.TOP_SRCDIR, "doc", "audit-page.png")


class Picture(test_examples.HostTestCase):
    def test_page(self):
        self.try_document("doc/AUDIT.md", test_examples.markdown_steps)
        page = hosts.read(os.path.join(self.folder, "november.html"))
        head, mark, tail = page.partition('<details id="h2"')
        self.assertIn("</b> web1:", tail.split("</summary>")[0])
        # Any kernel will do, not the one of the machine that made the picture.
        hosts.write(os.path.join(self.folder, "page.html"),
                    re.sub(r"under Linux \S+", "under Linux 6.1.0-28-amd64", head + mark + " open" + tail))
        subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                        "--disable-background-networking", "--hide-scrollbars", "--force-device-scale-factor=0.8",
                        "--user-data-dir=" + os.path.join(self.folder, "browser"), "--window-size=%d,%d" % SIZE,
                        "--screenshot=" + PICTURE, "file://" + os.path.join(self.folder, "page.html")],
                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120, check=True)


if __name__ == "__main__":
    dualstack.main()
