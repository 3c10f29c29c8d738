#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# add_to_tree.sh TREE: copies the plugin to where a monitoring-plugins 3 tree has its plugins. The lines that its own
# files need are in packaging/MONITORING-PLUGINS.md.
set -eu

if [ $# -ne 1 ] || [ ! -f "$1/plugins/Makefile.am" ] || [ ! -f "$1/lib/perfdata.h" ]; then
    echo 'usage: add_to_tree.sh TREE (of monitoring-plugins 3)' >&2
    exit 2
fi
tree=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
folder=$tree/plugins/check_dualstack.d

mkdir -p "$folder"
for room in lib/*/; do
    mkdir -p "$folder/$(basename "$room")"
    cp "$room"*.c "$room"*.h "$folder/$(basename "$room")/"
done
cp plugins/*.c plugins/*.h "$folder/"
mv "$folder/check_dualstack.c" "$tree/plugins/"
cp packaging/monitoring-plugins/check_dualstack.t "$tree/plugins/t/"
# libmonitoringplug.c replaces these.
rm "$folder/plugin/perfdata_format.c" "$folder/plugin/range_alerts.c" "$folder/plugin/state.c"

version=$(sed -n 's/^AC_INIT(\[check_dualstack\], \[\(.*\)\])$/\1/p' configure.ac)
cat >"$folder/config.h" <<END
/* The tree's own, and what the plugin's configure would have added. */
#include "../../config.h"
#undef PACKAGE_VERSION
#define PACKAGE_VERSION "$version"
#define LIBMONITORINGPLUG_VERSION NP_VERSION
END

{
    echo '# The whole plugin, for an "include" in plugins/Makefile.am.'
    echo 'check_dualstack_SOURCES = check_dualstack.c'
    (cd "$tree/plugins" && find check_dualstack.d -name '*.[ch]') | LC_ALL=C sort |
        sed 's/^/check_dualstack_SOURCES += /'
    cat <<'END'
check_dualstack_CPPFLAGS = -iquote $(srcdir)/check_dualstack.d -I$(srcdir)/check_dualstack.d \
	$(AM_CPPFLAGS) $(MNL_CFLAGS) $(JANSSON_CFLAGS)
check_dualstack_LDADD = $(BASEOBJS) $(JANSSON_LIBS) $(MNL_LIBS)
END
} >"$folder/sources.am"

echo "The plugin is in $tree/plugins; packaging/MONITORING-PLUGINS.md has the lines to add to its files."
