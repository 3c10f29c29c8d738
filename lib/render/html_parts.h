/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What is the same on every page: its style and its script. For html.c alone.
 */
#ifndef RENDER_HTML_PARTS_H
#define RENDER_HTML_PARTS_H

/*
 * From "<!DOCTYPE html>" to the title, which follows. Nothing is fetched, and no script runs except the one below: the
 * page's policy names their hashes.
 */
extern const char html_parts_start[];

/* From the end of the title to the beginning of the text. */
extern const char html_parts_style[];

/* Behind the text, to the end of the page. Sorts and filters tables; without it all is there, in the order written. */
extern const char html_parts_end[];

#endif
