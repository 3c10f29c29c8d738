# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
"""captures.py URL FOLDER: has every agent answer with a capture (capture.conf), and writes each to FOLDER/HOST.json.

URL is the master's API, https://icinga.example.org:5665; a user of it is in ICINGA2_API_USERNAME and
ICINGA2_API_PASSWORD. ICINGA2_API_CA names its authority's certificate, /var/lib/icinga2/certs/ca.crt by default.
Exits 1 when a host did not answer, and says which.
"""

import base64
import json
import os
import pathlib
import ssl
import sys
import time
import urllib.request

SECONDS = 30
FILTER = 'service.name == "dualstack-capture"'


def post(url, body, **headers):
    user = "%s:%s" % (os.environ["ICINGA2_API_USERNAME"], os.environ["ICINGA2_API_PASSWORD"])
    request = urllib.request.Request(url, json.dumps(body).encode(), {
        "Accept": "application/json", "Authorization": "Basic " + base64.b64encode(user.encode()).decode(), **headers})
    trust = ssl.create_default_context(cafile=os.environ.get("ICINGA2_API_CA", "/var/lib/icinga2/certs/ca.crt"))
    with urllib.request.urlopen(request, timeout=SECONDS, context=trust) as reply:
        return json.load(reply)["results"]


def results(url):
    """What each host's capture was the last time, {} where it has not been taken."""
    found = post(url + "/v1/objects/services", {"filter": FILTER, "attrs": ["host_name", "last_check_result"]},
                 **{"X-HTTP-Method-Override": "GET"})
    return {entry["attrs"]["host_name"]: entry["attrs"]["last_check_result"] or {} for entry in found}


def main(url, folder):
    before = results(url)
    waiting, captures = set(before), {}
    end = time.monotonic() + SECONDS
    post(url + "/v1/actions/reschedule-check", {"type": "Service", "filter": FILTER, "force": True})
    while waiting and time.monotonic() < end:
        time.sleep(0.5)
        # The time is the agent's: that it is another one is all that it says.
        now = {host: result for host, result in results(url).items()
               if host in waiting and result.get("execution_end") != before[host].get("execution_end")}
        captures.update((host, result["output"]) for host, result in now.items())
        waiting -= set(now)
    failed = {host: output for host, output in captures.items() if not output.startswith("{")}
    failed.update((host, "no answer within %d s" % SECONDS) for host in waiting)
    for host in set(captures) - set(failed):
        pathlib.Path(folder, host + ".json").write_text(captures[host] + "\n", encoding="utf-8")
    print("%d of %d hosts captured in %s" % (len(before) - len(failed), len(before), folder))
    for host in sorted(failed):
        print("no capture of %s: %s" % (host, failed[host]))
    return 1 if failed or not before else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
