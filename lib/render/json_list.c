/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "render/json_list.h"

#include "capture/capture_format.h"
#include "capture/json_stream.h"
#include "render/clients.h"
#include "render/wording.h"
#include "socket/host.h"
#include "socket/protocol.h"

/* null for what does not listen. */
static void reach_write(struct json_stream *json, const struct tally *tally, const struct sock_record *record)
{
    struct tally_listener listener;

    if (!record_is_listener(record)) {
        json_stream_null(json, "reach");
        return;
    }
    listener = tally_listener_of(tally, record);
    json_stream_object(json, "reach");
    json_stream_text_or_null(json, "ipv4", wording_reach(tally, &listener, RECORD_INET));
    json_stream_text_or_null(json, "ipv6", wording_reach(tally, &listener, RECORD_INET6));
    json_stream_object_end(json);
}

static void endpoints_write(struct json_stream *json, const struct sock_record *record)
{
    char address[RECORD_ADDRESS_SIZE];

    json_stream_text(json, "address", record_address_format(address, record->family, &record->local));
    json_stream_integer(json, "port", record->local_port);
    if (record->remote_port != 0) {
        json_stream_text(json, "remote_address", record_address_format(address, record->family, &record->remote));
        json_stream_integer(json, "remote_port", record->remote_port);
    } else {
        json_stream_null(json, "remote_address");
        json_stream_null(json, "remote_port");
    }
}

/* null for anything but a unit: a path, a cgroup that is gone. */
static void owner_write(struct json_stream *json, const struct writer_row *row)
{
    bool has_user = row->user != NULL && row->record->uid != RECORD_UID_HIDDEN;
    bool is_unit = row->unit != NULL && row->unit->name != NULL && row->unit->name[0] != '/';
    char text[NETSTAT_OWNER_SIZE];

    json_stream_integer_or_null(json, "uid", has_user, row->record->uid);
    json_stream_text_or_null(json, "user", has_user ? netstat_user_format(text, row->user) : NULL);
    json_stream_text_or_null(json, "unit", is_unit ? netstat_unit_format(text, row->unit) : NULL);
}

void json_list_row(const struct writer_list *list, const struct writer_row *row, const struct sink *sink)
{
    const struct sock_record *record = row->record;
    const char *state = netstat_state(record);
    struct json_stream json = {.sink = sink};
    char sentence[NETSTAT_SENTENCE_SIZE];
    char interface[IF_NAMESIZE];

    host_interface_name(interface, record->interface);
    json_stream_object(&json, NULL);
    if (list->namespace != NULL) {
        json_stream_text(&json, "namespace", list->namespace);
    }
    json_stream_text(&json, "protocol", protocol_name(record->protocol));
    json_stream_text(&json, "family", capture_family_word((int)record->family));
    json_stream_text(&json, "state", *state != '\0' ? state : "UNCONNECTED");
    json_stream_integer(&json, "receive_queue", record->receive_queue);
    json_stream_integer(&json, "send_queue", record->send_queue);
    endpoints_write(&json, record);
    json_stream_text_or_null(&json, "interface", interface);
    json_stream_v6only(&json, record->family, record->v6only);
    json_stream_text(&json, "on_the_wire", netstat_on_the_wire(list->tally, record));
    reach_write(&json, list->tally, record);
    owner_write(&json, row);
    json_stream_text_or_null(&json, "note", netstat_explain(sentence, list->tally, record));
    json_stream_object_end(&json);
    json_stream_end(&json);
}

static void clients_list_write(struct json_stream *json, const struct writer_list_end *end)
{
    json_stream_array(json, "clients");
    for (size_t i = 0; i < end->client_count; i++) {
        json_stream_object(json, NULL);
        json_stream_text(json, "protocol", protocol_name(end->clients[i].protocol));
        json_stream_integer(json, "port", end->clients[i].port);
        clients_write(json, true, end->clients[i].peers);
        json_stream_object_end(json);
    }
    json_stream_array_end(json);
}

void json_list_whole(const struct writer_list_end *end, const struct sink *sink)
{
    struct json_stream json = {.sink = sink};

    json_stream_object(&json, NULL);
    json_stream_text(&json, "plugin", "check_dualstack");
    json_stream_text(&json, "version", PACKAGE_VERSION);
    if (end->namespace != NULL) {
        json_stream_text(&json, "namespace", end->namespace);
    }
    json_stream_text(&json, "state", state_name(STATE_OK));
    json_stream_integer(&json, "sockets", (int64_t)end->rows);
    if (end->clients != NULL) {
        clients_list_write(&json, end);
    }
    json_stream_array(&json, "remarks");
    for (size_t i = 0; i < end->remark_count; i++) {
        json_stream_text(&json, NULL, end->remarks[i]);
    }
    json_stream_array_end(&json);
    json_stream_array(&json, "errors");
    json_stream_array_end(&json);
    json_stream_object_end(&json);
    json_stream_end(&json);
}
