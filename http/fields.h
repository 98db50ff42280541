/* SPDX-License-Identifier: Apache-2.0 */
/* Lines after the first, for http/head.c. */
#ifndef HTTP_FIELDS_H
#define HTTP_FIELDS_H

#include "http/head.h"

/* Notes what is wrong; returns HTTP_BAD. */
enum http_state http_head_bad(struct http_head *h, uint16_t answer,
			      const char *why);

/* One line without its end, not empty. Returns HTTP_MORE or HTTP_BAD. */
enum http_state http_fields_add(struct http_head *h, const char *buf,
				uint32_t off, uint32_t len);

/* After the last line. Returns HTTP_DONE or HTTP_BAD. */
enum http_state http_fields_finish(struct http_head *h, const char *buf);

#endif
