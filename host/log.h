/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to whoever runs a program of ours: lines on stderr. */
#ifndef HOST_LOG_H
#define HOST_LOG_H

/* What a line begins with, before ": "; "mayfly" unless a program says so. */
void log_set_name(const char *name);

/*
 * A line, in one write; what could act on a terminal is shown as ?. At most
 * 1000 bytes of it.
 */
void log_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
