/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * --format=prometheus: the text exposition format (version 0.0.4), for node_exporter's textfile collector. Source:
 * prometheus.io/docs/instrumenting/exposition_formats.
 */
#ifndef RENDER_PROMETHEUS_H
#define RENDER_PROMETHEUS_H

#include "render/writer.h"

/*
 * All samples of a metric stand together behind its HELP and TYPE, so they are kept until the last host is known. Those
 * of a fleet have the host as a label. The reason for a missing verdict is a comment.
 */
extern const struct writer prometheus_writer;

#endif
