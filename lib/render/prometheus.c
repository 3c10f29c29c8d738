/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The answers of --format=prometheus.
 */
#include "config.h"

#include "render/prometheus.h"

#include "plugin/escape.h"
#include "plugin/memory_stream.h"
#include "render/fleet.h"
#include "render/wording.h"
#include "socket/protocol.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "check_dualstack_"

/* So much of a text is made harmless at once. */
#define PIECE_SIZE 256

/* What is written together, in this order. A metric for each total follows. */
enum part {
    PART_COMMENTS,
    PART_STATE,
    PART_TIME,
    PART_SERVICES,
    PART_RULES,
    PART_TOTALS
};

#define TOTALS_MOST 8
#define PARTS (PART_TOTALS + TOTALS_MOST)

static const struct metric {
    const char *name; /* behind the prefix; NULL for comments */
    const char *help;
} metrics[] = {
    [PART_COMMENTS] = {NULL, NULL},
    [PART_STATE] = {"state", "State of the check: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."},
    [PART_TIME] = {"time_seconds", "When the sockets were read, in seconds since 1970."},
    [PART_SERVICES] = {"service_state",
                       "State of each service that is judged: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."},
    [PART_RULES] = {"rule_connections", "Established connections of each rule, by kind, as performance data has them."},
};

/* An answer while it is put together. */
struct exposition {
    struct memory_stream parts[PARTS];
    char *name;  /* of the last host whose capture has none: its file */
    int repeats; /* so many others of that name came right before it */
};

static struct metric metric_of(int part)
{
    const struct labels_total *total;

    if (part < PART_TOTALS) {
        return metrics[part];
    }
    total = labels_total(part - PART_TOTALS);
    return (struct metric){total->name, total->meaning};
}

static int part_count(void)
{
    int count = PART_TOTALS;

    while (labels_total(count - PART_TOTALS) != NULL) {
        count++;
    }
    assert(count <= PARTS);
    return count;
}

static void exposition_free(struct exposition *exposition)
{
    if (exposition == NULL) {
        return;
    }
    for (int i = 0; i < PARTS; i++) {
        memory_stream_close(&exposition->parts[i]);
    }
    free(exposition->name);
    free(exposition);
}

/* NULL when out of memory. */
static struct exposition *exposition_create(void)
{
    struct exposition *exposition = calloc(1, sizeof *exposition);
    int count = part_count();

    if (exposition == NULL) {
        return NULL;
    }
    for (int i = 0; i < count; i++) {
        if (memory_stream_open(&exposition->parts[i]) != 0) {
            exposition_free(exposition);
            return NULL;
        }
    }
    return exposition;
}

static FILE *part_of(const struct exposition *exposition, int part)
{
    assert(exposition->parts[part].file != NULL);
    return exposition->parts[part].file;
}

/* --- samples ----------------------------------------------------------------------------------------------------- */

/* The shape of sink.write, to a part. */
static int part_write(const char *bytes, size_t length, void *context)
{
    fwrite(bytes, 1, length, context);
    return 0;
}

/* Writes any bytes as one line, with a backslash before each of `escaped`. */
static void text_write(const struct sink *sink, const char *text, const char *escaped)
{
    char piece[ESCAPE_SIZE(PIECE_SIZE)];

    while (*text != '\0') {
        size_t length = escape_piece_length(text, PIECE_SIZE);
        const char *clean = piece;
        escape_copy(piece, sizeof piece, text, length, ESCAPE_TEXT);
        text += length;
        while (*clean != '\0') {
            size_t plain = strcspn(clean, escaped);
            sink->write(clean, plain, sink->context);
            clean += plain;
            if (*clean != '\0') {
                sink->write("\\", 1, sink->context);
                sink->write(clean++, 1, sink->context);
            }
        }
    }
}

/* Begins a sample with the labels of its host; others follow, each a word without quotes. */
static void sample_begin(const struct exposition *exposition, int part, const char *labels)
{
    fprintf(part_of(exposition, part), PREFIX "%s{%s", metric_of(part).name, labels);
}

/* A comma behind the last label is allowed, and so are braces around none. */
static void sample_end(const struct exposition *exposition, int part, uint64_t value)
{
    fprintf(part_of(exposition, part), "} %" PRIu64 "\n", value);
}

static void sample_add(const struct exposition *exposition, int part, const char *labels, uint64_t value)
{
    sample_begin(exposition, part, labels);
    sample_end(exposition, part, value);
}

/* A label that is empty is the same as none. */
static void service_add(const struct exposition *exposition, const char *labels, const struct judge_service *service)
{
    const struct rule *rule = service->rule;
    bool scoped = rule != NULL && rule->scope != RULE_ANY_SCOPE;
    char name[WORDING_SIZE];
    struct text_buffer text = TEXT_BUFFER(name);

    sample_begin(exposition, PART_SERVICES, labels);
    wording_add_name(&text, service);
    fprintf(part_of(exposition, PART_SERVICES),
            "name=\"%s\",protocol=\"%s\",port=\"%u\",scope=\"%s\",stack=\"%s\",required=\"%s\"", name,
            protocol_name(service->protocol), (unsigned)service->port,
            scoped ? scope_name((enum scope)rule->scope) : "", stack_kind_name(service->stack.kind),
            rule != NULL ? rule_requirement_name(rule->requirement) : "");
    sample_end(exposition, PART_SERVICES, (uint64_t)service->state);
}

/* Where the numbers go as they are walked. */
struct numbers {
    const struct exposition *exposition;
    const char *labels;
};

static int total_part(const struct labels_value *value)
{
    int index = 0;

    while (labels_total(index)->name != value->name) {
        index++;
    }
    return PART_TOTALS + index;
}

static void number_add(void *context, const struct labels_value *value)
{
    const struct numbers *numbers = context;
    bool of_rule = *value->suffix == '_';
    int part = of_rule ? PART_RULES : total_part(value);

    sample_begin(numbers->exposition, part, numbers->labels);
    if (of_rule) {
        fprintf(part_of(numbers->exposition, part), "name=\"%s\",kind=\"%s\"", value->name, value->suffix + 1);
    }
    sample_end(numbers->exposition, part, value->value);
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

static void verdict_add(const struct exposition *exposition, const char *labels, const struct view *view)
{
    const struct judge_verdict *verdict = view->verdict;
    /* Lines do not end, so there is room for the numbers of each rule. */
    const struct labels_request request = {
        .policy = view->policy,
        .verdict = verdict,
        .set = view->perfdata == LABELS_DEFAULT ? LABELS_MAPPED : view->perfdata,
    };
    struct numbers numbers = {.exposition = exposition, .labels = labels};

    sample_add(exposition, PART_STATE, labels, (uint64_t)verdict->state);
    sample_add(exposition, PART_TIME, labels, (uint64_t)view->snapshot->time);
    for (size_t i = 0; i < verdict->service_count; i++) {
        service_add(exposition, labels, &verdict->services[i]);
    }
    labels_walk(&request, number_add, &numbers);
}

/* Writes why there is no verdict, as comments. `name` stands before each sentence, unless it is "". */
static void reasons_write(const struct sink *sink, const char *name, const struct writer_failure *failure)
{
    for (size_t i = 0; i < failure->count; i++) {
        sink_text(sink, "# ");
        sink_text(sink, state_name(failure->state));
        sink_text(sink, ": ");
        text_write(sink, name, "");
        sink_text(sink, *name != '\0' ? ": " : "");
        text_write(sink, failure->sentences[i], "");
        sink_text(sink, "\n");
    }
}

static void failure_add(const struct exposition *exposition, const char *labels, const char *name,
                        const struct writer_failure *failure)
{
    const struct sink comments = {.write = part_write, .context = part_of(exposition, PART_COMMENTS)};

    reasons_write(&comments, name, failure);
    sample_add(exposition, PART_STATE, labels, (uint64_t)failure->state);
}

static void head_write(const struct sink *sink, const struct metric *metric)
{
    const char *const texts[] = {"# HELP " PREFIX, metric->name, " ",       metric->help, "\n",
                                 "# TYPE " PREFIX, metric->name, " gauge\n"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        sink_text(sink, texts[i]);
    }
}

/* Writes all parts. Returns 0, or -ENOMEM before anything was written. */
static int exposition_write(struct exposition *exposition, const struct sink *sink)
{
    int count = part_count();

    for (int i = 0; i < count; i++) {
        if (exposition->parts[i].is_broken) {
            return -ENOMEM;
        }
    }
    for (int i = 0; i < count; i++) {
        const struct metric metric = metric_of(i);
        const struct memory_stream *part = &exposition->parts[i];
        if (part->length == 0) {
            continue;
        }
        if (metric.name != NULL) {
            head_write(sink, &metric);
        }
        sink->write(part->bytes, part->length, sink->context);
    }
    return 0;
}

static int verdict_write(const struct view *view, const struct sink *sink)
{
    struct exposition *exposition = exposition_create();
    int result = -ENOMEM;

    if (exposition != NULL) {
        verdict_add(exposition, "", view);
        result = exposition_write(exposition, sink);
    }
    exposition_free(exposition);
    return result;
}

/* It takes no memory: there may be none. */
static int failure_write(const struct writer_failure *failure, const struct sink *sink)
{
    char sample[sizeof PREFIX "state{} 0\n"];

    snprintf(sample, sizeof sample, PREFIX "state{} %u\n", (unsigned)failure->state % 10);
    reasons_write(sink, "", failure);
    head_write(sink, &metrics[PART_STATE]);
    sink_text(sink, sample);
    return 0;
}

/* --- fleets ------------------------------------------------------------------------------------------------------ */

static void label_write(FILE *labels, const char *name, const char *value)
{
    const struct sink sink = {.write = part_write, .context = labels};

    if (value != NULL && *value != '\0') {
        fprintf(labels, "%s=\"", name);
        text_write(&sink, value, "\\\"");
        fputs("\",", labels);
    }
}

/* Returns how many hosts of that name came right before this one, or -ENOMEM. */
static int repeats_count(struct exposition *exposition, const char *name)
{
    if (exposition->name != NULL && strcmp(exposition->name, name) == 0) {
        exposition->repeats++;
        return exposition->repeats;
    }
    free(exposition->name);
    exposition->name = strdup(name);
    exposition->repeats = 0;
    return exposition->name != NULL ? 0 : -ENOMEM;
}

/*
 * Which host of the fleet it is, or which namespace of this host. Captures without a name are told apart by their
 * number if they are in one file: a sample that is there twice is an error. Returns 0 or -ENOMEM.
 */
static int labels_make(struct memory_stream *labels, const struct writer_fleet *fleet, const struct writer_host *host)
{
    const char *name = *host->name != '\0' ? host->name : host->file;
    bool is_told_apart = *host->name != '\0' || fleet->is_of_namespaces;
    int repeats = is_told_apart ? 0 : repeats_count(fleet->kept, name);

    if (repeats < 0 || memory_stream_open(labels) != 0) {
        return -ENOMEM;
    }
    label_write(labels->file, "host", fleet->is_of_namespaces ? "" : name);
    label_write(labels->file, "namespace", host->namespace);
    if (repeats > 0) {
        fprintf(labels->file, "capture=\"%d\",", repeats + 1);
    }
    putc('\0', labels->file);
    return labels->is_broken ? -ENOMEM : 0;
}

static struct exposition *exposition_of(struct writer_fleet *fleet)
{
    if (fleet->kept == NULL) {
        fleet->kept = exposition_create();
    }
    return fleet->kept;
}

static int fleet_host(struct writer_fleet *fleet, const struct writer_host *host, const struct sink *sink)
{
    struct exposition *exposition = exposition_of(fleet);
    struct memory_stream labels = {.file = NULL};
    char bytes[WORDING_SIZE];
    struct text_buffer name = TEXT_BUFFER(bytes);
    int result = exposition != NULL ? labels_make(&labels, fleet, host) : -ENOMEM;

    (void)sink;
    if (result == 0 && host->failure != NULL) {
        fleet_add_failed_name(&name, fleet, host);
        failure_add(exposition, labels.bytes, bytes, host->failure);
    } else if (result == 0) {
        verdict_add(exposition, labels.bytes, host->view);
    }
    memory_stream_close(&labels);
    return result;
}

/* What is not complete has a state of its own, of no host: comments are not read. */
static int fleet_end(struct writer_fleet *fleet, const struct sink *sink)
{
    struct exposition *exposition = exposition_of(fleet);

    if (exposition == NULL) {
        return -ENOMEM;
    }
    if (fleet->stopped != NULL) {
        fprintf(part_of(exposition, PART_COMMENTS), "# %s: %s after %zu of %zu %ss\n", state_name(fleet->state),
                fleet->stopped, fleet->count, fleet->expected, fleet_noun(fleet));
        sample_add(exposition, PART_STATE, "", (uint64_t)fleet->state);
    }
    return exposition_write(exposition, sink);
}

static void fleet_kept_clear(struct writer_fleet *fleet)
{
    exposition_free(fleet->kept);
    fleet->kept = NULL;
}

const struct writer prometheus_writer = {
    .name = "prometheus",
    .only_verdicts = true,
    .verdict = verdict_write,
    .failure = failure_write,
    .fleet_host = fleet_host,
    .fleet_end = fleet_end,
    .fleet_clear = fleet_kept_clear,
};
