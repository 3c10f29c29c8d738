/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * The format of captures, shared by its writer and its reader: name, version, limits and words. capture.schema.json
 * documents it for others.
 */
#ifndef CAPTURE_CAPTURE_FORMAT_H
#define CAPTURE_CAPTURE_FORMAT_H

#include "audit/tally.h"

#include <net/if.h>
#include <stdint.h>

#define CAPTURE_FORMAT "check_dualstack-capture"
#define CAPTURE_SCHEMA 2

/* The first schema is read, too: it says nothing of the host's addresses. */
#define CAPTURE_SCHEMA_OLDEST 1

/* The longest texts, in bytes; those that the program keeps in a buffer are limited by its size. */
#define CAPTURE_HOST_MOST 64
#define CAPTURE_NAMESPACE_MOST 127
#define CAPTURE_INTERFACE_MOST (IF_NAMESIZE - 1)
#define CAPTURE_SENTENCE_MOST 511
#define CAPTURE_FAULT_MOST 319
#define CAPTURE_OWNER_MOST 1024
#define CAPTURE_VERSION_MOST 64
#define CAPTURE_TIME_LENGTH (sizeof "2026-11-22T09:00:00Z" - 1)

/* So that those of all scopes add up. */
#define CAPTURE_EXCESS_MOST (UINT32_MAX / SCOPES - 1)

/* 65,535 services of both protocols would sum up to less than 2^53, which every reader of JSON can hold. */
#define CAPTURE_COUNT_MOST UINT32_MAX

/*
 * Word number `index` of a member, NULL behind the last one: static. Those of protocols and scopes are protocol_word()
 * and scope_word().
 */
const char *capture_format_word(int index);
const char *capture_source_word(int index);
const char *capture_family_word(int index);    /* enum record_family */
const char *capture_kind_word(int index);      /* enum tally_kind */
const char *capture_unit_word(int index);      /* CAPTURE_UNIT_WORD() of an enum tally_unit */
const char *capture_presence_word(int index);  /* enum address_presence */
const char *capture_addresses_word(int index); /* enum record_family, as a member of "addresses" */

/* Of a capture's listeners all were asked for. */
#define CAPTURE_UNIT_WORD(state) ((int)(state) - (int)TALLY_UNIT_KNOWN)

#endif
