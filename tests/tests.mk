# SPDX-License-Identifier: Apache-2.0
# How the tests are built; tests/README.md says what they are. The rules for
# each program come from tools/gen-tests-mk, which reads their directives.

MUSL_CC ?= musl-gcc
GO      ?= go
RUSTC   ?= rustc
FUZZ_CC ?= clang

.PHONY: tests test-programs made-programs unit unit-san programs-san \
	fuzz-programs fuzz test

# ---- programs that run in the guest ----------------------------------------
TEST_CFLAGS := -std=gnu17 -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE -pthread \
	-I. -idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu
TEST_RUSTFLAGS := --edition 2021 -C opt-level=2 -C target-feature=+crt-static \
	-C panic=abort
# One cache for all that is built here, and by the tests.
GOCACHE ?= $(abspath $(B))/go-cache
export GOCACHE
build_go = cd $(dir $(1)) && CGO_ENABLED=0 GO111MODULE=off \
	GOFLAGS=-trimpath $(GO) build -o $(abspath $(2)) $(notdir $(1))

# ---- unit tests: everything of ours that runs on the host, in one archive --
UNIT_SRC     := $(filter-out %/main.c,$(HOST_SRC) $(IMAGE_SRC) $(LAUNCH_SRC) \
	$(HTTP_SRC) $(CLI_SRC) $(DAEMON_SRC) $(SPAWNER_SRC) $(MONITOR_SRC) \
	$(UNPACK_SRC) $(REWRITE_SRC))
UNIT_LDFLAGS ?= -pie
UNIT_LIBS    := -larchive -lseccomp -ljansson -lsodium -lyaml -lZydis \
	-lZycore -lsqlite3 -lssl -lcrypto -lm -pthread
UNIT_CFLAGS   = $(HOST_CFLAGS) -iquote kernel -Wno-missing-prototypes

$(B)/libtest.a: $(call hobj,$(UNIT_SRC) $(MONITOR_ASM))
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)ar rcsP $@ $^
# The kernel's headers are Linux's, not libc's: one order of includes is as
# good as another only where libc's feature macros stay away.
$(B)/unit-obj/kernel/%.o $(B)/fuzz-obj/kernel/%.o: UNIT_CFLAGS += -ffreestanding
$(B)/unit-obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(UNIT_CFLAGS) -c $< -o $@

# ---- fuzz targets: the same objects by clang -------------------------------
# To replay a corpus takes a moment, to optimize for it most of a minute;
# make fuzz, which runs them for long, has optimized ones of its own.
FUZZ_SECONDS ?= 60
FUZZ_OPT     ?= -O0
FUZZ_SAN     := -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_CFLAGS   = $(filter-out -fno-tree-loop-distribute-patterns -O2,\
	$(UNIT_CFLAGS)) $(FUZZ_OPT) -Wno-error -Wno-everything \
	-fsanitize=fuzzer-no-link $(FUZZ_SAN)
FUZZ_LDFLAGS := -pie -fsanitize=fuzzer $(FUZZ_SAN)
fobj = $(patsubst %,$(B)/fuzz-obj/%.o,$(basename $(1)))

$(B)/libfuzz.a: $(call fobj,$(UNIT_SRC) $(MONITOR_ASM))
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)ar rcsP $@ $^
$(B)/fuzz-obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CLANG,$@)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) -c $< -o $@
$(B)/fuzz-obj/%.o: %.S
	@mkdir -p $(@D)
	$(call say,CLANG,$@)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) -c $< -o $@

$(B)/tests.mk: tools/gen-tests-mk tools/testtree.py tests/guest tests/abi \
		tests/unit tests/fuzz tests/programs \
		$(wildcard tests/guest/* tests/guest/*/* \
		tests/abi/* tests/unit/* tests/fuzz/*.c tests/programs/* \
		tests/programs/*/*)
	@mkdir -p $(@D)
	@tools/gen-tests-mk >$@.new
	@mv $@.new $@
TEST_GOALS := tests test-programs made-programs unit unit-san \
	fuzz-programs fuzz $(B)/tests/% $(B)/libtest.a $(B)/libfuzz.a
ifneq ($(filter $(TEST_GOALS),$(MAKECMDGOALS)),)
include $(B)/tests.mk
endif

test-programs: $(TEST_PROGRAMS)
made-programs: $(MADE_PROGRAMS)
unit: $(UNIT_PROGRAMS)
fuzz-programs: $(FUZZ_PROGRAMS)

# The same unit tests, and Mayfly's programs, with sanitizers; -O0, for to
# compile them takes longer than to run them.
SAN_FLAGS := -O0 -fsanitize=address,undefined -fno-sanitize-recover=all \
	-Wframe-larger-than=65536 -Wno-error -Wno-conversion \
	-Wno-maybe-uninitialized
SAN_MAKE   = $(MAKE) B=$(B)/san EXTRA_CFLAGS='$(SAN_FLAGS)' \
	HOST_LDFLAGS='-pie $(SAN_FLAGS)' UNIT_LDFLAGS='-pie $(SAN_FLAGS)'
unit-san:
	+$(Q)$(SAN_MAKE) unit
programs-san: $(B)/kernel
	+$(Q)$(SAN_MAKE) $(B)/san/bin/mayfly $(B)/san/bin/mayfly-monitor \
		$(B)/san/bin/mayfly-unpack $(B)/san/bin/mayfly-rewrite \
		$(B)/san/bin/mayfly-spawner $(B)/san/bin/mayflyd \
		$(B)/san/builders
	$(Q)cp $(B)/kernel $(B)/san/kernel

tests: test-programs unit unit-san programs-san fuzz-programs

fuzz:
	+$(Q)$(MAKE) B=$(B)/fuzzing FUZZ_OPT=-O2 fuzz-programs
	tools/run-fuzz $(B)/fuzzing $(FUZZ_SECONDS)

test:
	./test
