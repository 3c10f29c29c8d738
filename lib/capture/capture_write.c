/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --capture: what there is to judge, as JSON.
 */
#include "config.h"

#include "capture/capture_write.h"

#include "capture/capture_format.h"
#include "capture/json_value.h"
#include "plugin/escape.h"
#include "socket/protocol.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Valid UTF-8 of at most `most` bytes. */
static json_t *text_json(const char *text, size_t most)
{
    char whole[CAPTURE_OWNER_MOST + 1];

    assert(most < sizeof whole);
    escape_copy(whole, most + 1, text, strlen(text), ESCAPE_UTF8);
    return json_string(whole);
}

static json_t *text_or_null_json(const char *text, size_t most)
{
    return text == NULL || *text == '\0' ? json_null() : text_json(text, most);
}

static json_t *answer_json(enum record_answer answer)
{
    return answer == RECORD_UNKNOWN ? json_null() : json_boolean(answer == RECORD_YES);
}

static json_t *switch_json(enum record_answer answer)
{
    return answer == RECORD_UNKNOWN ? json_null() : json_integer(answer == RECORD_YES);
}

/* Numbers above JSON's are no longer the same, but still a number. */
static json_int_t id_json(uint64_t id)
{
    return (json_int_t)(id & INT64_MAX);
}

static json_int_t count_json(uint64_t count)
{
    return (json_int_t)(count < CAPTURE_COUNT_MOST ? count : CAPTURE_COUNT_MOST);
}

static json_t *sysctls_json(const struct sock_host *host)
{
    bool known = host->port_range_first <= host->port_range_last;

    return json_pack("{s:o, s:o, s:o}", "net.ipv6.bindv6only", switch_json(host->bindv6only),
                     "net.ipv6.conf.all.disable_ipv6", switch_json(host->disable_ipv6), "net.ipv4.ip_local_port_range",
                     known ? json_pack("[i, i]", (int)host->port_range_first, (int)host->port_range_last)
                           : json_null());
}

static json_t *protocols_json(const struct snapshot *snapshot)
{
    json_t *protocols = json_object();

    for (int i = 0; i < RECORD_PROTOCOLS; i++) {
        json_object_set_new(protocols, protocol_word(i),
                            json_pack("{s:o, s:o}", "unreadable",
                                      text_or_null_json(snapshot->tally->unreadable[i], CAPTURE_SENTENCE_MOST),
                                      "remark", text_or_null_json(snapshot->remarks[i], CAPTURE_SENTENCE_MOST)));
    }
    return protocols;
}

/* All but the lists and what stands behind them. */
static json_t *head_json(const struct snapshot *snapshot)
{
    const struct sock_host *host = &snapshot->tally->host;

    return json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "format", CAPTURE_FORMAT,
                     "schema", CAPTURE_SCHEMA, "version", PACKAGE_VERSION, "time", json_value_time(snapshot->time),
                     "host", text_json(host->name, CAPTURE_HOST_MOST), "kernel",
                     text_json(host->kernel, CAPTURE_HOST_MOST), "netns",
                     host->netns != 0 ? json_integer(id_json(host->netns)) : json_null(), "namespace",
                     text_or_null_json(snapshot->namespace, CAPTURE_NAMESPACE_MOST), "source", snapshot->source,
                     "fault", text_or_null_json(snapshot->fault, CAPTURE_FAULT_MOST), "ipv6", answer_json(host->ipv6),
                     "sysctls", sysctls_json(host), "protocols", protocols_json(snapshot));
}

static json_t *listener_json(const struct tally_service *service, const struct tally_listener *listener)
{
    char address[RECORD_ADDRESS_SIZE];
    bool told = listener->family == RECORD_INET6 && listener->v6only != RECORD_V6ONLY_UNKNOWN;

    record_address_format(address, listener->family, &listener->address);
    return json_pack("{s:s, s:i, s:s, s:s, s:I, s:o, s:o, s:I, s:I, s:o, s:I, s:s, s:o}", "protocol",
                     protocol_name(service->protocol), "port", (int)service->port, "family",
                     capture_family_word((int)listener->family), "address", address, "interface",
                     (json_int_t)listener->interface, "interface_name",
                     text_or_null_json(listener->interface_name, CAPTURE_INTERFACE_MOST), "v6only",
                     told ? json_boolean(listener->v6only == RECORD_V6ONLY_YES) : json_null(), "sockets",
                     (json_int_t)listener->sockets, "uid", (json_int_t)listener->uid, "user",
                     text_or_null_json(listener->user, CAPTURE_OWNER_MOST), "cgroup", id_json(listener->cgroup),
                     "unit_state", capture_unit_word(CAPTURE_UNIT_WORD(listener->unit_state)), "unit",
                     text_or_null_json(listener->unit_state == TALLY_UNIT_KNOWN ? listener->unit : NULL,
                                       CAPTURE_OWNER_MOST));
}

static json_t *counts_json(const uint64_t counts[TALLY_KINDS])
{
    return json_pack("{s:I, s:I, s:I}", capture_kind_word(TALLY_IPV4), count_json(counts[TALLY_IPV4]),
                     capture_kind_word(TALLY_MAPPED), count_json(counts[TALLY_MAPPED]), capture_kind_word(TALLY_IPV6),
                     count_json(counts[TALLY_IPV6]));
}

static json_t *connections_json(const struct tally_service *service, int scope)
{
    json_t *entry = json_pack("{s:s, s:i, s:s}", "protocol", protocol_name(service->protocol), "port",
                              (int)service->port, "scope", scope_word(scope));
    json_t *counts = counts_json(service->connections[scope]);

    if (json_object_update(entry, counts) != 0) {
        json_decref(entry);
        entry = NULL;
    }
    json_decref(counts);
    return entry;
}

/* A value on a line of its own, and gone. False when there is none, for want of memory. */
static bool line_write(const struct sink *sink, const char *before, json_t *value)
{
    bool written;

    if (value == NULL) {
        return false;
    }
    sink_text(sink, before);
    written = json_dump_callback(value, sink->write, sink->context, JSON_COMPACT | JSON_ENCODE_ANY) == 0;
    json_decref(value);
    return written;
}

static bool head_write(const struct sink *sink, const struct snapshot *snapshot)
{
    json_t *head = head_json(snapshot);
    const char *separator = "{";
    bool written = head != NULL;
    const char *key;
    json_t *value;

    json_object_foreach(head, key, value)
    {
        char before[64];
        snprintf(before, sizeof before, "%s\"%s\":", separator, key);
        written = written && line_write(sink, before, json_incref(value));
        separator = ",\n";
    }
    json_decref(head);
    return written;
}

static bool listeners_write(const struct sink *sink, const struct tally *tally)
{
    const char *separator = ",\n\"listeners\":[\n";
    bool written = true;

    for (size_t i = 0; i < tally->service_count; i++) {
        const struct tally_service *service = &tally->services[i];
        for (size_t j = 0; j < service->listener_count && written; j++) {
            written = line_write(sink, separator, listener_json(service, &service->listeners[j]));
            separator = ",\n";
        }
    }
    sink_text(sink, tally->service_count == 0 ? ",\n\"listeners\":[]" : "]");
    return written;
}

static bool connections_write(const struct sink *sink, const struct tally *tally)
{
    const char *separator = "\n";
    bool written = true;

    sink_text(sink, ",\n\"connections\":[");
    for (size_t i = 0; i < tally->service_count * SCOPES && written; i++) {
        const struct tally_service *service = &tally->services[i / SCOPES];
        int scope = (int)(i % SCOPES);
        const uint64_t *counts = service->connections[scope];
        if (counts[TALLY_IPV4] > 0 || counts[TALLY_MAPPED] > 0 || counts[TALLY_IPV6] > 0) {
            written = line_write(sink, separator, connections_json(service, scope));
            separator = ",\n";
        }
    }
    sink_text(sink, "],\n");
    return written;
}

int capture_write(const struct snapshot *snapshot, const struct sink *sink)
{
    const struct tally *tally = snapshot->tally;
    bool written = head_write(sink, snapshot) && listeners_write(sink, tally) && connections_write(sink, tally) &&
                   line_write(sink, "\"outbound\":", counts_json(tally->outbound));

    sink_text(sink, "}\n");
    return written ? 0 : -ENOMEM;
}
