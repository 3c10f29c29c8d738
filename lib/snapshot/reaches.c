/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "snapshot/reaches.h"

#include "socket/address.h"
#include "socket/host.h"

#include <errno.h>
#include <stdio.h>

static enum address_origin address_origin_of(const struct sources_request *request)
{
    if (request->copies != NULL) {
        return ADDRESS_ORIGIN_COPIES;
    }
    return request->choice == SOURCES_CHOICE_PROCFS ? ADDRESS_ORIGIN_PROCFS : ADDRESS_ORIGIN_HOST;
}

static void listener_reach_find(struct tally_listener *listener, enum record_protocol protocol,
                                struct address_table *table, const struct address_facts *addresses, bool asks_leases)
{
    listener->presence = address_table_find(table, &listener->address, listener->interface);
    listener->interface_state = address_table_interface(table, listener->interface);
    listener->leased = asks_leases ? address_table_is_leased(table, &listener->address) : RECORD_NO;
    host_interface_name(listener->interface_name, listener->interface);
    tally_reach_set(listener, protocol, addresses);
}

int reaches_find(struct tally *tally, const struct sources *sources, const struct sources_request *request)
{
    struct address_table *table = NULL;
    struct fault fault;
    int result;

    sources_report_stage(sources, "reading the addresses of this host");
    result = address_table_read(&table, address_origin_of(request), sources_directory(sources), &fault);
    if (result == -ENOMEM) {
        return result;
    }
    tally->addresses = *address_table_facts(table);
    snprintf(tally->addresses_unread, sizeof tally->addresses_unread, "%s", fault.text);
    for (size_t i = 0; i < tally->service_count; i++) {
        struct tally_service *service = &tally->services[i];
        for (size_t j = 0; j < service->listener_count; j++) {
            listener_reach_find(&service->listeners[j], service->protocol, table, &tally->addresses,
                                request->asks_leases);
        }
    }
    address_table_free(table);
    return 0;
}
