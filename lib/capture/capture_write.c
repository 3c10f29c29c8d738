/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * Writes what there is to judge as JSON.
 */
#include "config.h"

#include "capture/capture_write.h"

#include "capture/capture_format.h"
#include "capture/json_stream.h"
#include "plugin/escape.h"
#include "socket/host_port.h"
#include "socket/protocol.h"

#include <assert.h>
#include <string.h>

/* Valid UTF-8 of at most `most` bytes. */
static void text_write(struct json_stream *json, const char *key, const char *text, size_t most)
{
    char whole[CAPTURE_OWNER_MOST + 1];

    assert(most < sizeof whole);
    escape_copy(whole, most + 1, text, strlen(text), ESCAPE_UTF8);
    json_stream_text(json, key, whole);
}

static void text_or_null_write(struct json_stream *json, const char *key, const char *text, size_t most)
{
    if (text == NULL || *text == '\0') {
        json_stream_null(json, key);
    } else {
        text_write(json, key, text, most);
    }
}

/* Numbers above JSON's are no longer the same, but still a number. */
static int64_t id_of(uint64_t id)
{
    return (int64_t)(id & INT64_MAX);
}

static void switch_write(struct json_stream *json, const char *key, enum record_answer answer)
{
    json_stream_integer_or_null(json, key, answer != RECORD_UNKNOWN, answer == RECORD_YES);
}

/* --- the head ---------------------------------------------------------------------------------------------------- */

static void ports_write(struct json_stream *json, const char *key, int64_t first, int64_t last)
{
    json_stream_array(json, key);
    json_stream_integer(json, NULL, first);
    json_stream_integer(json, NULL, last);
    json_stream_array_end(json);
}

/* The first and last port of each range that is reserved. */
static void reserved_ports_write(struct json_stream *json, const struct sock_host *host)
{
    json_stream_array(json, "net.ipv4.ip_local_reserved_ports");
    for (uint32_t port = 1; port <= UINT16_MAX; port++) {
        uint32_t first = port;
        while (port <= UINT16_MAX && host_port_is_reserved(host, (uint16_t)port)) {
            port++;
        }
        if (port > first) {
            ports_write(json, NULL, first, port - 1);
        }
    }
    json_stream_array_end(json);
}

static void sysctls_write(struct json_stream *json, const struct sock_host *host)
{
    json_stream_object(json, "sysctls");
    switch_write(json, "net.ipv6.bindv6only", host->bindv6only);
    switch_write(json, "net.ipv6.conf.all.disable_ipv6", host->disable_ipv6);
    if (host_port_range_is_known(host)) {
        ports_write(json, "net.ipv4.ip_local_port_range", host->port_range_first, host->port_range_last);
    } else {
        json_stream_null(json, "net.ipv4.ip_local_port_range");
    }
    reserved_ports_write(json, host);
    json_stream_object_end(json);
}

/* The scopes that the host, or an interface, has an address of, for each family. */
static void addresses_write(struct json_stream *json, const struct address_facts *addresses)
{
    json_stream_object(json, "addresses");
    for (int family = 0; family < RECORD_FAMILIES; family++) {
        if (!addresses->families[family].known) {
            json_stream_null(json, capture_addresses_word(family));
            continue;
        }
        json_stream_array(json, capture_addresses_word(family));
        for (int scope = 0; scope < SCOPES; scope++) {
            if ((addresses->families[family].scopes & SCOPE_BIT(scope)) != 0) {
                json_stream_text(json, NULL, scope_word(scope));
            }
        }
        json_stream_array_end(json);
    }
    json_stream_object_end(json);
}

static void protocols_write(struct json_stream *json, const struct snapshot *snapshot)
{
    json_stream_object(json, "protocols");
    for (int i = 0; i < RECORD_PROTOCOLS; i++) {
        json_stream_object(json, protocol_word(i));
        text_or_null_write(json, "unreadable", snapshot->tally->unreadable[i], CAPTURE_SENTENCE_MOST);
        text_or_null_write(json, "remark", snapshot->remarks[i], CAPTURE_SENTENCE_MOST);
        json_stream_object_end(json);
    }
    json_stream_object_end(json);
}

/* Who was captured, when and how; a line a member. */
static void head_write(struct json_stream *json, const struct snapshot *snapshot)
{
    const struct sock_host *host = &snapshot->tally->host;

    json_stream_text(json, "format", CAPTURE_FORMAT);
    json_stream_line(json);
    json_stream_integer(json, "schema", CAPTURE_SCHEMA);
    json_stream_line(json);
    json_stream_text(json, "version", PACKAGE_VERSION);
    json_stream_line(json);
    json_stream_time(json, "time", snapshot->time);
    json_stream_line(json);
    text_write(json, "host", host->name, CAPTURE_HOST_MOST);
    json_stream_line(json);
    text_write(json, "kernel", host->kernel, CAPTURE_HOST_MOST);
    json_stream_line(json);
    json_stream_integer_or_null(json, "netns", host->netns != 0, id_of(host->netns));
    json_stream_line(json);
    text_or_null_write(json, "namespace", snapshot->namespace, CAPTURE_NAMESPACE_MOST);
    json_stream_line(json);
    json_stream_text_or_null(json, "source", snapshot->source);
    json_stream_line(json);
    text_or_null_write(json, "fault", snapshot->fault, CAPTURE_FAULT_MOST);
    json_stream_line(json);
    json_stream_answer(json, "netns_of_process_1", host->netns_of_init);
    json_stream_line(json);
    json_stream_answer(json, "ipv6", host->ipv6);
    json_stream_line(json);
    addresses_write(json, &snapshot->tally->addresses);
    json_stream_line(json);
    sysctls_write(json, host);
    json_stream_line(json);
    protocols_write(json, snapshot);
}

/* --- the lists --------------------------------------------------------------------------------------------------- */

static void interface_state_write(struct json_stream *json, const struct tally_listener *listener)
{
    if (listener->interface == 0) {
        json_stream_null(json, "interface_state");
        return;
    }
    json_stream_object(json, "interface_state");
    json_stream_answer(json, "there", listener->interface_state.there);
    json_stream_answer(json, "up", listener->interface_state.up);
    json_stream_answer(json, "ipv6", listener->interface_state.ipv6);
    json_stream_answer(json, "vrf", listener->interface_state.vrf);
    addresses_write(json, &listener->interface_state.own);
    json_stream_object_end(json);
}

static void listener_write(struct json_stream *json, const struct tally_service *service,
                           const struct tally_listener *listener)
{
    const char *unit = listener->unit_state == TALLY_UNIT_KNOWN ? listener->unit : NULL;
    char address[RECORD_ADDRESS_SIZE];

    json_stream_line(json);
    json_stream_object(json, NULL);
    json_stream_text(json, "protocol", protocol_name(service->protocol));
    json_stream_integer(json, "port", service->port);
    json_stream_text(json, "family", capture_family_word((int)listener->family));
    json_stream_text(json, "address", record_address_format(address, listener->family, &listener->address));
    json_stream_text(json, "presence", capture_presence_word((int)listener->presence));
    json_stream_integer(json, "interface", listener->interface);
    text_or_null_write(json, "interface_name", listener->interface_name, CAPTURE_INTERFACE_MOST);
    interface_state_write(json, listener);
    json_stream_v6only(json, listener->family, listener->v6only);
    json_stream_integer(json, "sockets", listener->sockets);
    json_stream_integer_or_null(json, "uid", listener->uid != RECORD_UID_HIDDEN, listener->uid);
    text_or_null_write(json, "user", listener->user, CAPTURE_OWNER_MOST);
    json_stream_text(json, "unit_state", capture_unit_word(CAPTURE_UNIT_WORD(listener->unit_state)));
    text_or_null_write(json, "unit", unit, CAPTURE_OWNER_MOST);
    json_stream_object_end(json);
}

static void listeners_write(struct json_stream *json, const struct tally *tally)
{
    json_stream_array(json, "listeners");
    for (size_t i = 0; i < tally->service_count; i++) {
        const struct tally_service *service = &tally->services[i];
        for (size_t j = 0; j < service->listener_count; j++) {
            listener_write(json, service, &service->listeners[j]);
        }
    }
    json_stream_array_end(json);
}

static void counts_write(struct json_stream *json, const uint64_t counts[static TALLY_KINDS])
{
    for (int kind = 0; kind < TALLY_KINDS; kind++) {
        uint64_t count = counts[kind] < CAPTURE_COUNT_MOST ? counts[kind] : CAPTURE_COUNT_MOST;
        json_stream_integer(json, capture_kind_word(kind), (int64_t)count);
    }
}

static bool has_connections(const uint64_t counts[static TALLY_KINDS])
{
    return counts[TALLY_IPV4] > 0 || counts[TALLY_MAPPED] > 0 || counts[TALLY_IPV6] > 0;
}

static void connections_write(struct json_stream *json, const struct tally *tally)
{
    json_stream_array(json, "connections");
    for (size_t i = 0; i < tally->service_count * SCOPES; i++) {
        const struct tally_service *service = &tally->services[i / SCOPES];
        int scope = (int)(i % SCOPES);
        if (has_connections(service->connections[scope])) {
            json_stream_line(json);
            json_stream_object(json, NULL);
            json_stream_text(json, "protocol", protocol_name(service->protocol));
            json_stream_integer(json, "port", service->port);
            json_stream_text(json, "scope", scope_word(scope));
            counts_write(json, service->connections[scope]);
            json_stream_object_end(json);
        }
    }
    json_stream_array_end(json);
}

static void client_write(struct json_stream *json, const struct peers_client *client)
{
    enum record_family family = record_is_ipv4(&client->address) ? RECORD_INET : RECORD_INET6;
    uint64_t connections = client->connections < CAPTURE_COUNT_MOST ? client->connections : CAPTURE_COUNT_MOST;
    uint32_t excess = client->excess < CAPTURE_EXCESS_MOST ? client->excess : CAPTURE_EXCESS_MOST;
    char address[RECORD_ADDRESS_SIZE];

    json_stream_line(json);
    json_stream_object(json, NULL);
    json_stream_text(json, "address", record_address_format(address, family, &client->address));
    json_stream_integer(json, "interface", client->interface);
    text_or_null_write(json, "interface_name", client->interface_name, CAPTURE_INTERFACE_MOST);
    json_stream_integer(json, "connections", (int64_t)connections);
    json_stream_integer(json, "excess", excess);
    json_stream_object_end(json);
}

static void clients_write(struct json_stream *json, const struct tally_service *service, int scope, int kind)
{
    const struct peers *peers = &service->peers->by[scope][kind];

    if (peers->count == 0) {
        return;
    }
    json_stream_line(json);
    json_stream_object(json, NULL);
    json_stream_text(json, "protocol", protocol_name(service->protocol));
    json_stream_integer(json, "port", service->port);
    json_stream_text(json, "scope", scope_word(scope));
    json_stream_text(json, "connections", capture_kind_word(kind));
    json_stream_integer(json, "clients", (int64_t)peers->distinct);
    json_stream_boolean(json, "exact", peers->floor == 0);
    json_stream_array(json, "busiest");
    for (size_t i = 0; i < peers->count; i++) {
        client_write(json, &peers->clients[i]);
    }
    json_stream_array_end(json);
    json_stream_object_end(json);
}

static void peers_write(struct json_stream *json, const struct tally *tally)
{
    json_stream_array(json, "peers");
    for (size_t i = 0; i < tally->service_count; i++) {
        const struct tally_service *service = &tally->services[i];
        for (int j = 0; service->peers != NULL && j < SCOPES * TALLY_KINDS; j++) {
            clients_write(json, service, j / TALLY_KINDS, j % TALLY_KINDS);
        }
    }
    json_stream_array_end(json);
}

void capture_write(const struct snapshot *snapshot, const struct sink *sink)
{
    struct json_stream json = {.sink = sink};

    json_stream_object(&json, NULL);
    head_write(&json, snapshot);
    json_stream_line(&json);
    listeners_write(&json, snapshot->tally);
    json_stream_line(&json);
    connections_write(&json, snapshot->tally);
    if (snapshot->tally->counts_peers) {
        json_stream_line(&json);
        peers_write(&json, snapshot->tally);
    }
    json_stream_line(&json);
    json_stream_object(&json, "outbound");
    counts_write(&json, snapshot->tally->outbound);
    json_stream_object_end(&json);
    json_stream_object_end(&json);
    json_stream_end(&json);
}
