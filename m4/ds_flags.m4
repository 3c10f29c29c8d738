dnl SPDX-License-Identifier: GPL-3.0-or-later
dnl Copyright the check_dualstack authors

dnl DS_ADD_FLAGS(VARIABLE, FLAGS, [ALSO])
dnl Appends to VARIABLE each of FLAGS that compiler and linker take in silence, tried together with those
dnl before it and with ALSO. -Werror because clang only warns of an option it does not know; without the user's own
dnl warnings (-Wunused-macros), which would be errors of what autoconf writes.
AC_DEFUN([DS_ADD_FLAGS], [
ds_save_CFLAGS=$CFLAGS
ds_plain_CFLAGS=`AS_ECHO([" $CFLAGS"]) | sed -e ':a' -e ['s/ -W[^ ,]*\( \|$\)/\1/'] -e 'ta'`
for ds_flag in m4_normalize([$2]); do
    AC_MSG_CHECKING([whether $CC takes $ds_flag])
    CFLAGS="$ds_plain_CFLAGS -Werror $3 $$1 $ds_flag"
    AC_LINK_IFELSE([AC_LANG_SOURCE([[int main(void) { return 0; }]])],
        [AS_VAR_APPEND([$1], [" $ds_flag"]); ds_takes=yes], [ds_takes=no])
    AC_MSG_RESULT([$ds_takes])
done
CFLAGS=$ds_save_CFLAGS
])
