# SPDX-License-Identifier: Apache-2.0
# Mayfly's build. `make help` lists the targets.

CC       ?= gcc
OBJCOPY  ?= objcopy
B        ?= build
PREFIX   ?= /usr/local
VERSION  := 0.1.0

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings \
	-Wundef -Wvla -Wformat=2 -Wconversion -Wno-sign-conversion \
	-Wswitch-enum -Wimplicit-fallthrough
COMMON := -std=gnu17 -O2 -g $(WARN) -I. -MMD -MP

HOST_CFLAGS := $(COMMON) -I$(B)/gen -Wframe-larger-than=8192 -D_GNU_SOURCE \
	-DMF_VERSION='"$(VERSION)"' -I$(B)/gen -fPIE \
	-fstack-protector-strong $(EXTRA_CFLAGS)
HOST_LDFLAGS := -static-pie $(EXTRA_LDFLAGS)

comma := ,

# The monitor is linked with musl where it is installed: the start of a
# glibc program costs a nested host 0.25 ms more (CPUID, relocations).
MUSL := $(if $(EXTRA_CFLAGS),,$(shell command -v musl-gcc 2>/dev/null))
MONITOR_CC := $(or $(MUSL),$(CC))
# Debian's musl-gcc does not know -static-pie; this is what it would do.
MUSL_CRT := $(addprefix /usr/lib/x86_64-linux-musl/,rcrt1.o crti.o crtn.o)
MUSL_PIE := -static -nostartfiles -Wl,-pie,--no-dynamic-linker,-z,text \
	$(MUSL_CRT)
MONITOR_LDFLAGS := $(if $(MUSL),$(MUSL_PIE) -Wl$(comma)-z$(comma)relro,\
	$(HOST_LDFLAGS))
MONITOR_CFLAGS := $(HOST_CFLAGS) $(if $(MUSL),-idirafter /usr/include \
	-idirafter /usr/include/x86_64-linux-gnu)

GCC_INC := $(shell $(CC) -print-file-name=include)
KERNEL_CFLAGS := $(COMMON) -Wframe-larger-than=2048 -Ikernel -ffreestanding \
	-nostdinc -isystem $(GCC_INC) -isystem /usr/include \
	-isystem /usr/include/x86_64-linux-gnu \
	-fPIE -fvisibility=hidden -mgeneral-regs-only -mno-red-zone \
	-fno-stack-protector -fno-strict-aliasing \
	-fno-asynchronous-unwind-tables \
	-fcf-protection=none -fno-tree-loop-distribute-patterns \
	-ffunction-sections -fdata-sections

# Code shared by guest and host, and the files each program is made of.
LIB_SRC     := $(wildcard lib/*.c)
KERNEL_SRC  := $(wildcard kernel/core/*.c kernel/fs/*.c kernel/net/*.c \
	kernel/dev/*.c kernel/sys/*.c kernel/arch/x86_64/*.c) $(LIB_SRC)
KERNEL_ASM  := $(wildcard kernel/arch/x86_64/*.S)
HOST_SRC    := $(wildcard host/*.c) $(LIB_SRC)
MONITOR_SRC := $(wildcard monitor/*.c monitor/substrates/*.c)
MONITOR_ASM := $(wildcard monitor/substrates/*.S)
IMAGE_SRC   := $(wildcard image/*.c)
LAUNCH_SRC  := $(wildcard launch/*.c)
HTTP_SRC    := $(wildcard http/*.c)
CLI_SRC     := $(wildcard cli/*.c)
SPAWNER_SRC := $(wildcard spawner/*.c)
DAEMON_SRC  := $(wildcard daemon/*.c daemon/*/*.c)
UNPACK_SRC  := $(wildcard unpack/*.c)
REWRITE_SRC := $(wildcard rewrite/*.c)

# `make V=1` shows the commands, else one short line stands for each.
Q   := $(if $(V),,@)
say  = @$(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),:,printf \
	'  %-8s%s\n' $(1) $(2))

kobj = $(patsubst %,$(B)/kernel-obj/%.o,$(basename $(1)))
mobj = $(patsubst %,$(B)/monitor-obj/%.o,$(basename $(1)))
hobj = $(patsubst %,$(B)/obj/%.o,$(basename $(1)))

.PHONY: all help install clean
PROGRAMS := $(addprefix $(B)/bin/,mayfly mayfly-monitor mayfly-rewrite \
	mayfly-spawner mayfly-unpack mayflyd)
all: $(PROGRAMS) $(B)/kernel $(B)/builders $(B)/compare \
	$(B)/bench/firstbyte $(B)/bench/seccomp

# ---- the guest kernel: a flat file, see abi/guest.h ------------------------
$(B)/kernel-obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(KERNEL_CFLAGS) -c $< -o $@
$(B)/kernel-obj/%.o: %.S
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(KERNEL_CFLAGS) -c $< -o $@
# The vDSO is linked on its own and embedded as a blob.
VDSO_LD := kernel/vdso/vdso.ld
$(B)/kernel-obj/vdso.so: $(B)/kernel-obj/kernel/vdso/vdso.o $(VDSO_LD)
	$(call say,LINK,$@)
	$(Q)$(CC) -shared -nostdlib -Wl,-soname=linux-vdso.so.1 \
		-Wl,--hash-style=both -Wl,--build-id=none -Wl,-Bsymbolic \
		-Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,-s \
		-Wl,-T,$(VDSO_LD) -o $@ $<
$(B)/kernel-obj/kernel/arch/x86_64/vdso_blob.o: $(B)/kernel-obj/vdso.so
$(B)/kernel-obj/kernel/arch/x86_64/vdso_blob.o: KERNEL_CFLAGS += \
	-Wa,-I$(B)/kernel-obj

$(B)/kernel.elf: $(call kobj,$(KERNEL_SRC) $(KERNEL_ASM)) \
		kernel/arch/x86_64/kernel.ld
	$(call say,LINK,$@)
	$(Q)$(CC) -static -nostdlib -no-pie -Wl,--build-id=none \
		-Wl,--gc-sections -Wl,-z,noexecstack \
		-Wl,-T,kernel/arch/x86_64/kernel.ld \
		-o $@ $(filter %.o,$^)
$(B)/kernel: $(B)/kernel.elf
	$(call say,OBJCOPY,$@)
	$(Q)$(OBJCOPY) -O binary $< $@

# ---- host programs ---------------------------------------------------------
$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(HOST_CFLAGS) -c $< -o $@
$(B)/obj/%.o: %.S
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(HOST_CFLAGS) -c $< -o $@

# The names of system calls, from the system's own header.
$(B)/gen/cli/syscall_names.inc:
	@mkdir -p $(@D)
	$(Q)echo '#include <asm/unistd.h>' | $(CC) -E -dM -xc - | sed -n \
		's/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$$/[\2] = "\1",/p' \
		>$@.tmp
	$(Q)mv $@.tmp $@
$(foreach o,stats trace_table,$(addsuffix /cli/$(o).o,$(B)/obj $(B)/fuzz-obj \
	$(B)/lint/host)): \
	$(B)/gen/cli/syscall_names.inc

# The jail's filters, made by libseccomp now instead of at every start.
JAIL_GEN := monitor/gen/jail_filter.c monitor/rings_syscalls.c
$(B)/gen/jail-filter: $(JAIL_GEN) $(wildcard monitor/*.h \
		monitor/substrates/*.h abi/*.h)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(filter-out -MMD -MP $(EXTRA_CFLAGS),$(HOST_CFLAGS)) \
		-o $@ $(JAIL_GEN) -lseccomp
$(B)/gen/monitor/jail_filter.inc: $(B)/gen/jail-filter
	@mkdir -p $(@D)
	$(Q)$< >$@.tmp
	$(Q)mv $@.tmp $@
$(addsuffix /monitor/jail.o,$(B)/obj $(B)/monitor-obj $(B)/fuzz-obj \
		$(B)/lint/host): \
	$(B)/gen/monitor/jail_filter.inc

$(B)/monitor-obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(MONITOR_CC) $(MONITOR_CFLAGS) -c $< -o $@
$(B)/monitor-obj/%.o: %.S
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(MONITOR_CC) $(MONITOR_CFLAGS) -c $< -o $@

$(B)/bin/mayfly-monitor: $(call mobj,$(MONITOR_SRC) $(MONITOR_ASM) host/err.c \
		host/file_io.c host/snapshot_check.c)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(MONITOR_CC) $(MONITOR_LDFLAGS) -o $@ $^

$(B)/bin/mayfly-spawner: $(call mobj,$(SPAWNER_SRC) host/err.c host/cgroup.c)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(MONITOR_CC) $(MONITOR_LDFLAGS) -o $@ $^

$(B)/bin/mayfly: $(call hobj,$(CLI_SRC) $(HTTP_SRC) $(LAUNCH_SRC) \
		$(IMAGE_SRC) $(HOST_SRC))
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_LDFLAGS) -o $@ $^ -ljansson -lsodium -lyaml

# Linked dynamically: libarchive would bring a dozen libraries along.
UNPACK_LDFLAGS := $(patsubst -static-pie,-pie,$(HOST_LDFLAGS))
$(B)/bin/mayfly-unpack: $(call hobj,$(UNPACK_SRC) $(HOST_SRC))
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(UNPACK_LDFLAGS) -o $@ $^ -larchive -ljansson -lsodium
# So is this: Debian has Zydis as a shared library only.
$(B)/bin/mayfly-rewrite: $(call hobj,$(REWRITE_SRC) $(HOST_SRC))
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(UNPACK_LDFLAGS) -o $@ $^ -ljansson -lZydis -lZycore

# And this, for SQLite and OpenSSL.
$(B)/bin/mayflyd: $(call hobj,$(DAEMON_SRC) $(HTTP_SRC) $(LAUNCH_SRC) \
		$(IMAGE_SRC) $(HOST_SRC))
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(UNPACK_LDFLAGS) -o $@ $^ -ljansson -lsodium -lsqlite3 \
		-lssl -lcrypto -lm -pthread

# Where the command finds the builders and the comparison, see launch/paths.h.
$(B)/builders:
	@mkdir -p $(@D)
	$(Q)ln -sfn $(abspath builders) $@
$(B)/compare:
	@mkdir -p $(@D)
	$(Q)ln -sfn $(abspath bench/compare) $@

include tests/tests.mk
include tools/lint.mk
include bench/bench.mk

define HELP
make             the programs in $(B)/bin and the guest kernel
make install     installs below PREFIX ($(PREFIX)), staged below DESTDIR
make test        everything ./test runs; ./test --help tells more
make lint        all checks of the sources; one part: make lint-PART, of
                 $(LINT_PARTS)
make format      formats the C sources
make fuzz        each fuzz target for FUZZ_SECONDS ($(FUZZ_SECONDS))
make tests       builds the tests only
make bench       builds what bench/run measures with
make clean       removes $(B)
endef
help:
	$(info $(HELP))@:

# launch/paths.h knows these places, and bench/compare/places.py the last.
COMPARE_TO := $(DESTDIR)$(PREFIX)/libexec/mayfly/compare
install: all
	for name in mayfly mayflyd; do install -D -m 755 -s $(B)/bin/$$name \
		$(DESTDIR)$(PREFIX)/bin/$$name || exit 1; done
	for part in monitor rewrite spawner unpack; do install -D -m 755 -s \
		$(B)/bin/mayfly-$$part \
		$(DESTDIR)$(PREFIX)/libexec/mayfly/mayfly-$$part; done
	install -D -m 644 $(B)/kernel $(DESTDIR)$(PREFIX)/lib/mayfly/kernel
	for file in $$(cd builders && find . -type f); do install -D \
		-m $$([ -x builders/$$file ] && echo 755 || echo 644) \
		builders/$$file \
		$(DESTDIR)$(PREFIX)/libexec/mayfly/builders/$$file || exit 1; \
		done
	install -D -m 644 -t $(COMPARE_TO) $(wildcard bench/compare/*.py \
		bench/compare/*.css) bench/memory.py bench/report.py
	install -D -m 644 -t $(COMPARE_TO)/plots bench/compare/plots/*.gp
	install -m 755 tools/install-deps $(COMPARE_TO)
	install -m 755 -s $(B)/bench/firstbyte $(B)/bench/seccomp $(COMPARE_TO)
	for file in examples/hello-node/* examples/hello-go/*; do \
		[ -d $$file ] || install -D -m 644 $$file \
		$(COMPARE_TO)/$$file || exit 1; done
	mkdir -p $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|@PREFIX@|$(PREFIX)|' packaging/mayflyd.service.in \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/mayflyd.service
	for dir in sysusers tmpfiles; do install -D -m 644 \
		packaging/$$dir.conf \
		$(DESTDIR)$(PREFIX)/lib/$$dir.d/mayfly.conf; done
	for page in $(wildcard docs/man/*.[158]); do install -D -m 644 $$page \
		$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; \
		done

clean:
	rm -rf $(B)

# The comparison keeps a Debian there, which has files of that name, too.
-include $(shell find $(B) -path $(B)/compare-work -prune -o -type f \
	-name '*.d' -print 2>/dev/null)
