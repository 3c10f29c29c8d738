/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "render/clients.h"

#include "capture/capture_format.h"
#include "plugin/text_buffer.h"

#include <inttypes.h>
#include <stdio.h>

#define LINE_SIZE 160

/* An address with the interface of a link-local one: "fe80::1%eth0". */
#define ADDRESS_SIZE (RECORD_ADDRESS_SIZE + IF_NAMESIZE)

/* The client's address as it is on the wire: a v4-mapped one as plain IPv4. Returns text. */
static const char *address_format(char text[static ADDRESS_SIZE], const struct peers_client *client)
{
    enum record_family family = record_is_ipv4(&client->address) ? RECORD_INET : RECORD_INET6;
    bool has_interface = client->interface_name != NULL;
    char address[RECORD_ADDRESS_SIZE];

    snprintf(text, ADDRESS_SIZE, "%s%s%s", record_address_format(address, family, &client->address),
             has_interface ? "%" : "", has_interface ? client->interface_name : "");
    return text;
}

/* --- text -------------------------------------------------------------------------------------------------------- */

static void heading_add(struct text_buffer *text, enum tally_kind kind, const struct peers *peers, uint64_t connections)
{
    static const char *const families[TALLY_KINDS] = {
        [TALLY_IPV4] = "IPv4",
        [TALLY_MAPPED] = "IPv4 (mapped)",
        [TALLY_IPV6] = "IPv6",
    };

    text_buffer_add(text, "%s: ", families[kind]);
    text_buffer_add_count(text, connections, "connection");
    text_buffer_add(text, peers->floor == 0 ? " from " : " from at least ");
    text_buffer_add_count(text, peers->distinct, "client");
}

static void client_add(struct text_buffer *text, const struct peers_client *client)
{
    char address[ADDRESS_SIZE];

    text_buffer_add(text, "  %" PRIu64 " from %s", client->connections, address_format(address, client));
    if (client->excess > 0) {
        text_buffer_add(text, " (at most %" PRIu32 " too many)", client->excess);
    }
}

static void kind_walk(enum tally_kind kind, const struct peers *peers, uint64_t connections, clients_line *line,
                      void *context)
{
    char bytes[LINE_SIZE];
    struct text_buffer text = TEXT_BUFFER(bytes);

    heading_add(&text, kind, peers, connections);
    line(context, bytes);
    for (size_t i = 0; i < peers->count; i++) {
        text = TEXT_BUFFER(bytes);
        client_add(&text, &peers->clients[i]);
        line(context, bytes);
    }
    if (peers->distinct > peers->count) {
        text = TEXT_BUFFER(bytes);
        text_buffer_add(&text, "  ... and ");
        text_buffer_add_count(&text, peers->distinct - peers->count, "more client");
        line(context, bytes);
    }
}

void clients_walk(const struct peers *peers, const uint64_t connections[static TALLY_KINDS], clients_line *line,
                  void *context)
{
    for (int kind = 0; peers != NULL && kind < TALLY_KINDS; kind++) {
        if (peers[kind].count > 0) {
            kind_walk((enum tally_kind)kind, &peers[kind], connections[kind], line, context);
        }
    }
}

/* --- JSON -------------------------------------------------------------------------------------------------------- */

static void client_write(struct json_stream *json, const struct peers_client *client)
{
    enum record_family family = record_is_ipv4(&client->address) ? RECORD_INET : RECORD_INET6;
    char address[RECORD_ADDRESS_SIZE];

    json_stream_object(json, NULL);
    json_stream_text(json, "address", record_address_format(address, family, &client->address));
    json_stream_text_or_null(json, "interface", client->interface_name);
    json_stream_integer(json, "connections", (int64_t)client->connections);
    json_stream_integer(json, "excess", client->excess);
    json_stream_object_end(json);
}

static void kind_write(struct json_stream *json, enum tally_kind kind, const struct peers *peers)
{
    json_stream_object(json, capture_kind_word((int)kind));
    json_stream_integer(json, "clients", (int64_t)peers->distinct);
    json_stream_boolean(json, "exact", peers->floor == 0);
    json_stream_array(json, "busiest");
    for (size_t i = 0; i < peers->count; i++) {
        client_write(json, &peers->clients[i]);
    }
    json_stream_array_end(json);
    json_stream_object_end(json);
}

void clients_write(struct json_stream *json, bool known, const struct peers *peers)
{
    static const struct peers none = {.count = 0};

    if (!known) {
        json_stream_null(json, "peers");
        return;
    }
    json_stream_object(json, "peers");
    for (int kind = 0; kind < TALLY_KINDS; kind++) {
        kind_write(json, (enum tally_kind)kind, peers != NULL ? &peers[kind] : &none);
    }
    json_stream_object_end(json);
}
