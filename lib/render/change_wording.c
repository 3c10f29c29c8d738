/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 */
#include "config.h"

#include "render/change_wording.h"

#include "audit/day.h"
#include "render/wording.h"
#include "socket/protocol.h"

/* Of a unit's name; the kernel's cgroups have none that is longer, but a capture may. */
#define UNIT_MOST 255

/* --- what changed ------------------------------------------------------------------------------------------------ */

/* What a service is, to stand after "is" and "was". */
static const char *stack_words(const struct judge_service *service)
{
    static const char *const words[] = {
        [STACK_CLOSED] = "reached from nowhere",
        [STACK_V4_ONLY] = "v4-only",
        [STACK_V6_ONLY] = "v6-only",
        [STACK_DUAL] = "dual-stack",
        [STACK_UNKNOWN] = "of unknown stack",
    };
    _Static_assert(sizeof words / sizeof *words == STACK_KINDS, "each kind has words");

    return words[service->stack.kind];
}

static void stack_add(struct text_buffer *text, const struct change *change)
{
    text_buffer_add(text, "%s, was %s", stack_words(&change->after), stack_words(&change->before));
}

/* "reached over IPv6 from the link, previously from everywhere" */
static void reach_add(struct text_buffer *text, const struct change *change)
{
    static const char *const from[] = {
        [REACH_NONE] = "nowhere",
        [REACH_LOOPBACK] = "this host alone",
        [REACH_LINK] = "the link",
        [REACH_EXTERNAL] = "everywhere",
    };
    _Static_assert(sizeof from / sizeof *from == REACH_EXTENTS, "each extent has words");
    const struct stack *before = &change->before.stack;
    const struct stack *after = &change->after.stack;
    const char *separator = "";

    for (int family = 0; family < RECORD_FAMILIES; family++) {
        if (before->extent[family] != after->extent[family]) {
            text_buffer_add(text, "%sreached over %s from %s, previously from %s", separator,
                            record_family_name((enum record_family)family), from[after->extent[family]],
                            from[before->extent[family]]);
            separator = ", ";
        }
    }
}

static void form_add(struct text_buffer *text, const struct change *change)
{
    text_buffer_add(text, "form %s, was %s", stack_form_name(change->after.stack.form),
                    stack_form_name(change->before.stack.form));
}

/* "now on 0.0.0.0:443 (nginx.service), [::]:443 (nginx.service) and 2 more" */
static void sockets_add(struct text_buffer *text, const char *start, const struct judge_service *service,
                        const struct change_sockets *sockets)
{
    for (size_t i = 0; i < sockets->count && i < CHANGE_SHOWN; i++) {
        text_buffer_add(text, "%s", i == 0 ? start : ", ");
        wording_add_listener(text, service, sockets->first[i]);
    }
    if (sockets->count > CHANGE_SHOWN) {
        text_buffer_add(text, " and %zu more", sockets->count - CHANGE_SHOWN);
    }
}

static void endpoints_add(struct text_buffer *text, const struct change *change,
                          const struct change_difference *difference)
{
    sockets_add(text, "now on ", &change->after, &difference->after);
    text_buffer_add(text, "%s", difference->after.count > 0 && difference->before.count > 0 ? ", " : "");
    sockets_add(text, "no longer on ", &change->before, &difference->before);
}

static const char *v6only_word(const struct tally_listener *listener)
{
    return tally_accepts(listener).ipv4 == RECORD_YES ? "off" : "on";
}

/* "IPV6_V6ONLY is on for [::]:443, was off" */
static void v6only_add(struct text_buffer *text, const struct change *change,
                       const struct change_difference *difference)
{
    const struct tally_listener *after = difference->after.first[0];
    const struct tally_listener *before = difference->before.first[0];

    text_buffer_add(text, "IPV6_V6ONLY is %s%s for ", after != NULL ? "" : "no longer ",
                    v6only_word(after != NULL ? after : before));
    wording_add_endpoint(text, &change->after, after != NULL ? after : before);
    if (after != NULL && before != NULL) {
        text_buffer_add(text, ", was %s", v6only_word(before));
    }
}

static void unit_add(struct text_buffer *text, const struct tally_listener *listener)
{
    if (listener->unit_state != TALLY_UNIT_KNOWN) {
        text_buffer_add(text, "an unknown unit");
        return;
    }
    text_buffer_add(text, "%s", listener->unit[0] == '/' ? "cgroup " : "");
    text_buffer_add_cut(text, listener->unit, UNIT_MOST);
}

/* "[::]:443 belongs to apache2.service, no longer to nginx.service" */
static void owners_add(struct text_buffer *text, const struct change *change,
                       const struct change_difference *difference,
                       void (*owner_add)(struct text_buffer *text, const struct tally_listener *listener))
{
    const struct tally_listener *after = difference->after.first[0];
    const struct tally_listener *before = difference->before.first[0];

    wording_add_endpoint(text, &change->after, after != NULL ? after : before);
    text_buffer_add(text, "%s to ", after != NULL ? " belongs" : " no longer belongs");
    owner_add(text, after != NULL ? after : before);
    if (after != NULL) {
        text_buffer_add(text, before != NULL ? ", no longer to " : " too");
    }
    if (after != NULL && before != NULL) {
        owner_add(text, before);
    }
}

static void point_add(struct text_buffer *text, const struct change *change, enum change_point point)
{
    const struct change_difference *difference = &change->differences[point];

    switch (point) {
    case CHANGE_STACK:
        stack_add(text, change);
        break;
    case CHANGE_REACH:
        reach_add(text, change);
        break;
    case CHANGE_FORM:
        form_add(text, change);
        break;
    case CHANGE_ADDRESSES:
    case CHANGE_INTERFACES:
        endpoints_add(text, change, difference);
        break;
    case CHANGE_V6ONLY:
        v6only_add(text, change, difference);
        break;
    case CHANGE_UNITS:
        owners_add(text, change, difference, unit_add);
        break;
    case CHANGE_USERS:
        owners_add(text, change, difference, wording_add_user);
        break;
    case CHANGE_CLIENT_PORT:
        break;
    }
}

/* The points in their order, the first `most` of them. */
static void points_add(struct text_buffer *text, const struct change *change, int most)
{
    bool heads = (change->points & (CHANGE_BIT(CHANGE_STACK) | CHANGE_BIT(CHANGE_REACH))) != 0;
    int count = 0;

    text_buffer_add(text, heads ? " is " : " changed: ");
    for (int point = 0; point < CHANGE_POINTS && count < most; point++) {
        if ((change->points & CHANGE_BIT(point)) != 0) {
            text_buffer_add(text, "%s", count == 0 ? "" : heads && count == 1 ? ": " : ", ");
            point_add(text, change, (enum change_point)point);
            count++;
        }
    }
}

/* --- what cannot be compared ------------------------------------------------------------------------------------- */

/* What is not known where these points are unknown, and the point that stands for all of them. */
static const struct lack {
    unsigned points;
    enum change_point point;
    const char *what;
} lacks[] = {
    {CHANGE_BIT(CHANGE_STACK) | CHANGE_BIT(CHANGE_REACH) | CHANGE_BIT(CHANGE_FORM) | CHANGE_BIT(CHANGE_V6ONLY),
     CHANGE_V6ONLY, "IPV6_V6ONLY"},
    {CHANGE_BIT(CHANGE_INTERFACES), CHANGE_INTERFACES, "the interface it is bound to"},
    {CHANGE_BIT(CHANGE_UNITS), CHANGE_UNITS, "its unit"},
    {CHANGE_BIT(CHANGE_USERS), CHANGE_USERS, "its user"},
    {CHANGE_BIT(CHANGE_CLIENT_PORT), CHANGE_CLIENT_PORT,
     "net.ipv4.ip_local_port_range, which says whether the port is a client's,"},
};

static bool side_lacks(const struct lack *lack, const struct tally *tally, const struct judge_service *service)
{
    for (size_t i = 0; i < service->listener_count; i++) {
        if (!change_point_is_known(lack->point, tally, service->protocol, service->listeners[i])) {
            return true;
        }
    }
    return false;
}

static void unknown_add(struct text_buffer *text, const struct change *change, const struct change_list *list)
{
    const char *separator = " cannot be compared: ";

    for (size_t i = 0; i < sizeof lacks / sizeof *lacks; i++) {
        if ((change->unknown & lacks[i].points) != 0) {
            bool then = side_lacks(&lacks[i], list->before, &change->before);
            bool now = side_lacks(&lacks[i], list->after, &change->after);
            text_buffer_add(text, "%s%s is not visible %s", separator, lacks[i].what,
                            then && now ? "in either"
                            : then      ? "in the baseline"
                                        : "now");
            separator = ", ";
        }
    }
}

/* --- sentences --------------------------------------------------------------------------------------------------- */

void change_wording_add_brief(struct text_buffer *text, const struct change *change, const struct change_list *list)
{
    wording_add_service(text, &change->after);
    switch (change->kind) {
    case CHANGE_APPEARED:
        text_buffer_add(text, " appeared");
        break;
    case CHANGE_GONE:
        text_buffer_add(text, " is gone");
        break;
    case CHANGE_CHANGED:
        points_add(text, change, 1);
        break;
    case CHANGE_UNKNOWN:
        unknown_add(text, change, list);
        break;
    }
}

/* "dual-stack on [::]:443 (nginx.service)" */
static void side_add(struct text_buffer *text, const struct judge_service *service)
{
    struct change_sockets sockets = {.count = service->listener_count};

    for (size_t i = 0; i < sockets.count && i < CHANGE_SHOWN; i++) {
        sockets.first[i] = service->listeners[i];
    }
    text_buffer_add(text, "%s", stack_words(service));
    sockets_add(text, " on ", service, &sockets);
}

void change_wording_add(struct text_buffer *text, const struct change *change, const struct change_list *list)
{
    switch (change->kind) {
    case CHANGE_APPEARED:
        change_wording_add_brief(text, change, list);
        text_buffer_add(text, ": ");
        side_add(text, &change->after);
        break;
    case CHANGE_GONE:
        change_wording_add_brief(text, change, list);
        text_buffer_add(text, ", was ");
        side_add(text, &change->before);
        break;
    case CHANGE_CHANGED:
        wording_add_service(text, &change->after);
        points_add(text, change, CHANGE_POINTS);
        break;
    case CHANGE_UNKNOWN:
        change_wording_add_brief(text, change, list);
        break;
    }
}

void change_wording_add_summary(struct text_buffer *text, const struct change_list *list, time_t time)
{
    const char *separator = ", ";
    char since[DAY_TIME_SIZE];
    int unreadable = 0;

    for (int i = 0; i < RECORD_PROTOCOLS; i++) {
        unreadable += list->unreadable[i];
    }
    if (unreadable == RECORD_PROTOCOLS) {
        text_buffer_add(text, "nothing can be compared");
    } else if (list->certain > 0) {
        text_buffer_add_count(text, list->certain, "change");
    } else if (list->count > 0) {
        text_buffer_add_count(text, list->count, "service");
        text_buffer_add(text, " cannot be compared");
    } else {
        text_buffer_add(text, "no change");
    }
    text_buffer_add(text, " since %s", *day_time_format(since, time) != '\0' ? since : "an unknown time");
    for (int i = 0; i < RECORD_PROTOCOLS; i++) {
        if (list->unreadable[i]) {
            text_buffer_add(text, "%s%s", separator, protocol_of((enum record_protocol)i)->label);
            separator = " and ";
        }
    }
    text_buffer_add(text, "%s", *separator == ' ' ? " cannot be compared" : "");
}

void change_wording_add_unreadable(struct text_buffer *text, const struct change_list *list,
                                   enum record_protocol protocol)
{
    const char *then = list->before->unreadable[protocol];
    const char *now = list->after->unreadable[protocol];

    text_buffer_add(text, "%s cannot be compared, ", protocol_of(protocol)->label);
    if (*now != '\0') {
        text_buffer_add(text, "as it cannot be read");
    } else {
        text_buffer_add(text, "the baseline could not read it: ");
        text_buffer_add_cut(text, then, 300);
    }
}
