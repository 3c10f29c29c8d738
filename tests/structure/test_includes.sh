#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# Who may include from whom. Data goes up, once: a room includes its own headers and those of the rooms above it in this
# table, never from below, and there is no circle of includes.
set -u
cd "${TOP_SRCDIR:?}" || exit 1

# A room's folder, then what else than the rooms above it is shut out: headers that match a pattern.
rooms='
lib/socket    jansson.h|check.h
lib/plugin    jansson.h|linux/.*|libmnl/.*|socket/.*
lib/audit     jansson.h|linux/.*|libmnl/.*|sys/socket.h|fcntl.h|unistd.h|pwd.h|netdb.h|socket/(cgroup|diag|filter|host|netlink|netns|procfs)\.h|plugin/(report|perfdata|layout|sink)\.h
lib/snapshot  jansson.h|linux/.*|libmnl/.*
lib/capture   linux/.*|libmnl/.*
lib/render    linux/.*|libmnl/.*|unistd.h|fcntl.h
plugins       linux/.*|libmnl/.*
'

# "FILE INCLUDED", an include a line, of ours as they are written below lib/ or plugins/ and of the system's.
includes() {
    find lib plugins -name '*.[ch]' | sort | while read -r file; do
        sed -nE 's/^#include ["<]([^">]+)[">].*/\1/p' "$file" | while read -r included; do
            if [ -f "lib/$included" ]; then
                echo "$file lib/$included"
            elif [ -f "plugins/$included" ] && [ "${file#plugins/}" != "$file" ]; then
                echo "$file plugins/$included"
            else
                echo "$file $included"
            fi
        done
    done
}

found=$(mktemp) && trap 'rm -f "$found"' EXIT || exit 1
includes >"$found"

# Crossings of the table, then what is left when headers that include no header of what is left are taken away again and
# again: circles. libmonitoringplug.c is written for another library's headers.
awk -v rooms="$rooms" '
    function room_of(path) { return match(path, /^(lib\/[a-z]+|plugins)\//) ? substr(path, 1, RLENGTH - 1) : "" }
    BEGIN {
        count = split(rooms, lines, "\n")
        for (i = 1; i <= count; i++) {
            if (split(lines[i], words, " ") == 2) { rank[words[1]] = ++last; barred[words[1]] = words[2] }
        }
    }
    {
        room = room_of($1); other = room_of($2); name = $2; sub(/^lib\//, "", name)
        if (!(room in rank)) { print $1 ": in no room of the table"; bad = 1; next }
        if (other != "" && rank[other] > rank[room]) { print $1 " includes " $2 ", which is below it"; bad = 1 }
        if (name ~ "^(" barred[room] ")$" && $1 !~ /libmonitoringplug\.c$/) {
            print $1 " includes " name ", which is not for " room; bad = 1
        }
        if ($1 ~ /\.h$/ && $2 ~ /\.h$/ && other != "") { edge[$1, $2] = 1; header[$1] = header[$2] = 1 }
    }
    END {
        do {
            removed = 0
            for (one in header) {
                free_of = 1
                for (pair in edge) {
                    split(pair, ends, SUBSEP)
                    if (ends[1] == one && (ends[2] in header)) { free_of = 0 }
                }
                if (free_of) { delete header[one]; removed = 1 }
            }
        } while (removed)
        for (one in header) { print one ": in a circle of includes"; bad = 1 }
        if (NR < 100) { print "only " NR " includes were found"; bad = 1 }
        exit bad
    }
' "$found"
