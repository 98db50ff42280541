/* SPDX-License-Identifier: Apache-2.0 */
/* What a function is called if nobody says. */
#ifndef CLI_DEPLOY_NAME_H
#define CLI_DEPLOY_NAME_H

#define DEPLOY_NAME_MAX 64 /* bytes, with the NUL */

/*
 * From the last word of the source: lower case, without .img and the like,
 * without a tag, and - for what a name cannot have.
 */
void deploy_name(char ret[DEPLOY_NAME_MAX], const char *source);

#endif
