dnl SPDX-License-Identifier: GPL-3.0-or-later
dnl Copyright the check_dualstack authors

dnl DS_WITH_LIBMONITORINGPLUG
dnl --with-libmonitoringplug=DIR: looks at the tree before anything else takes time. Sets with_libmonitoringplug to its
dnl absolute path, or to "no".
AC_DEFUN([DS_WITH_LIBMONITORINGPLUG], [
AC_ARG_WITH([libmonitoringplug],
    [AS_HELP_STRING([--with-libmonitoringplug=DIR],
        [build on the library of the monitoring-plugins 3 tree DIR, configured and built there])],
    [], [with_libmonitoringplug=no])
AS_CASE([$with_libmonitoringplug],
    [no], [],
    [yes | ''], [AC_MSG_ERROR([--with-libmonitoringplug needs the directory of a monitoring-plugins tree])],
    [DS_LIBMONITORINGPLUG_TREE])
AM_CONDITIONAL([LIBMONITORINGPLUG], [test "x$with_libmonitoringplug" != xno])
])

dnl What must be there, from the outside to the inside: the first that is missing tells best what to do.
AC_DEFUN([DS_LIBMONITORINGPLUG_TREE], [
AC_MSG_CHECKING([for monitoring-plugins in $with_libmonitoringplug])
ds_tree=`cd "$with_libmonitoringplug" 2>/dev/null && pwd`
AS_IF([test -z "$ds_tree" || test ! -f "$ds_tree/NP-VERSION-GEN" || test ! -f "$ds_tree/lib/utils_base.h"],
    [AC_MSG_ERROR([$with_libmonitoringplug is not a monitoring-plugins tree: no NP-VERSION-GEN or no lib/utils_base.h])])
AS_IF([! grep mp_create_pd_value "$ds_tree/lib/perfdata.h" >/dev/null 2>&1],
    [ds_version=`sed -n 's/^DEF_VER=//p' "$ds_tree/NP-VERSION-GEN"`
    AC_MSG_ERROR([monitoring-plugins ${ds_version:-of unknown version} is too old: its library has mp_perfdata since 3.0.0])])
AS_IF([test ! -f "$ds_tree/config.h"],
    [AC_MSG_ERROR([$ds_tree is not configured: run ./configure there (not from another directory)])])
AS_IF([test ! -f "$ds_tree/gl/libgnu.a"],
    [AC_MSG_ERROR([$ds_tree is not built, no gl/libgnu.a: run make -C gl there])])
AS_IF([test ! -f "$ds_tree/lib/libmonitoringplug.a"],
    [AC_MSG_ERROR([$ds_tree is not built, no lib/libmonitoringplug.a: run make -C lib there])])
with_libmonitoringplug=$ds_tree
ds_version=`sed -n ['s/^#define PACKAGE_VERSION "\([^"]*\)".*/\1/p'] "$ds_tree/config.h"`
AC_MSG_RESULT([${ds_version:=of unknown version}])
AC_DEFINE_UNQUOTED([LIBMONITORINGPLUG_VERSION], ["$ds_version"], [Version of the libmonitoringplug that this is built on.])
])

dnl DS_LINK_LIBMONITORINGPLUG
dnl How to compile and link with it. Behind the system's headers, as gl/ has its own of the same names.
AC_DEFUN([DS_LINK_LIBMONITORINGPLUG], [
AS_IF([test "x$with_libmonitoringplug" != xno], [
    LIBMONITORINGPLUG_CFLAGS="-idirafter $with_libmonitoringplug/lib -idirafter $with_libmonitoringplug/gl"
    LIBMONITORINGPLUG_LIBS="$with_libmonitoringplug/lib/libmonitoringplug.a $with_libmonitoringplug/gl/libgnu.a"
    AC_MSG_CHECKING([whether libmonitoringplug links])
    ds_save_CFLAGS=$CFLAGS
    ds_save_LIBS=$LIBS
    CFLAGS="$CFLAGS $LIBMONITORINGPLUG_CFLAGS"
    LIBS="$LIBMONITORINGPLUG_LIBS $LIBS"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <monitoringplug.h>]],
            [[mp_perfdata measured = mp_set_pd_value(perfdata_init(), mp_translate_state("OK"));
            return mp_get_pd_status(measured) == STATE_OK && pd_value_to_string(measured.value) != 0;]])],
        [AC_MSG_RESULT([yes])],
        [AC_MSG_RESULT([no])
        AC_MSG_ERROR([libmonitoringplug of $with_libmonitoringplug does not compile and link: config.log says why])])
    CFLAGS=$ds_save_CFLAGS
    LIBS=$ds_save_LIBS])
AC_SUBST([LIBMONITORINGPLUG_CFLAGS])
AC_SUBST([LIBMONITORINGPLUG_LIBS])
])
