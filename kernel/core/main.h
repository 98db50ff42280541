/* SPDX-License-Identifier: Apache-2.0 */
/* Called once, by the boot code in entry.S. */
#ifndef KERNEL_CORE_MAIN_H
#define KERNEL_CORE_MAIN_H

_Noreturn void kernel_main(void);

#endif
