/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of the internet, as words. No names: to look them up, a program
 * that is linked statically would need glibc's shared libraries.
 */
#ifndef HOST_ADDRESS_H
#define HOST_ADDRESS_H

#include <stdint.h>
#include <sys/socket.h>

/*
 * [ADDR:]PORT, an IPv6 address in brackets; without an address 127.0.0.1. 0
 * or -EINVAL.
 */
int address_parse(struct sockaddr_storage *ret, socklen_t *ret_len,
		  const char *text);

#endif
