/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Labels of performance values.
 */
#include "config.h"

#include "plugin/perfdata.h"

/* isalnum() follows the locale. */
static bool is_label_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '_' || byte == '-';
}

bool perfdata_label_is_valid(const char *label)
{
    size_t length = 0;

    while (length <= PERFDATA_LABEL_MAX && is_label_byte(label[length])) {
        length++;
    }
    return length >= 1 && length <= PERFDATA_LABEL_MAX && label[length] == '\0';
}
