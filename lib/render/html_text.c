/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * What pages are made of: text, cells, bars and tables.
 */
#include "config.h"

#include "render/html_text.h"

#include "plugin/escape.h"

/* So much of a text is made harmless at once. */
#define PIECE_SIZE 1024

void html_text_write_marks(FILE *stream, const char *text, size_t length)
{
    static const char *const spelt[] = {['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;"};
    size_t written = 0;

    /* Not with strcspn(), which would search all that follows for each line of a long text. */
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < sizeof spelt / sizeof *spelt && spelt[byte] != NULL) {
            fwrite(text + written, 1, i - written, stream);
            fputs(spelt[byte], stream);
            written = i + 1;
        }
    }
    fwrite(text + written, 1, length - written, stream);
}

void html_text_write(FILE *stream, const char *text)
{
    char piece[ESCAPE_SIZE(PIECE_SIZE)];

    while (*text != '\0') {
        size_t length = escape_piece_length(text, PIECE_SIZE);
        html_text_write_marks(stream, piece, escape_copy(piece, sizeof piece, text, length, ESCAPE_LINE));
        text += length;
    }
}

void html_text_write_cell(FILE *stream, const char *text)
{
    fputs("<td>", stream);
    html_text_write(stream, text);
}

unsigned html_text_percent(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (unsigned)(part * 100 / whole) : 0;
}

void html_text_write_bar(FILE *stream, uint64_t first, uint64_t second, uint64_t whole)
{
    double width = whole > 0 ? 100.0 / (double)whole : 0;

    fprintf(stream,
            "<svg viewBox=\"0 0 100 9\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
            "<rect class=\"a\" width=\"%.1f\" height=\"9\"/><rect class=\"b\" x=\"%.1f\" width=\"%.1f\" height=\"9\"/>"
            "</svg>",
            (double)first * width, (double)first * width, (double)second * width);
}

void html_text_begin_table(FILE *stream, const struct html_table *table)
{
    fprintf(stream, "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-labelledby=\"%s\"", table->heading);
    if (table->filter != NULL) {
        fprintf(stream, " data-filter=\"%s\"", table->filter);
    }
    fprintf(stream, "><table class=\"%s\"><caption>%s</caption>\n<thead><tr>", table->class, table->caption);
    for (size_t i = 0; i < sizeof table->columns / sizeof *table->columns && table->columns[i] != NULL; i++) {
        bool is_number = *table->columns[i] == '#';
        fprintf(stream, "<th scope=\"col\"%s>%s", is_number ? " class=\"n\"" : "", table->columns[i] + is_number);
    }
    fputs("</thead>\n<tbody>\n", stream);
}

void html_text_end_table(FILE *stream)
{
    fputs("</tbody></table></div>\n", stream);
}
