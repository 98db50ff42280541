# SPDX-License-Identifier: Apache-2.0
# What the benchmarks run; bench/README.md says what they measure.

.PHONY: bench
BENCH_OUT      := $(B)/bench
BENCH_PROGRAMS := $(addprefix $(BENCH_OUT)/,timer firstbyte seccomp hello \
	calls hello-go-exit epoll hello-c hello-go)
BENCH_CFLAGS   := -std=gnu17 -O2 -g $(WARN) -D_GNU_SOURCE -MMD -MP

bench: all $(BENCH_PROGRAMS)

# The harness runs on the host, the others on both sides.
$(BENCH_OUT)/timer: bench/timer.c
$(BENCH_OUT)/firstbyte: bench/firstbyte.c bench/answer.c bench/answer.h
$(BENCH_OUT)/seccomp: bench/seccomp.c bench/seccomp_bpf.c \
	bench/seccomp_bpf.h $(B)/gen/bench/syscall_names.inc
$(addprefix $(BENCH_OUT)/,timer firstbyte seccomp):
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(filter-out -MMD -MP,$(BENCH_CFLAGS)) -I. -I$(B)/gen \
		-static -o $@ $(filter %.c,$^)
$(B)/gen/bench/syscall_names.inc: $(B)/gen/cli/syscall_names.inc
	@mkdir -p $(@D)
	$(Q)cp $< $@
BENCH_STATIC := $(addprefix $(BENCH_OUT)/,hello calls epoll)
$(BENCH_STATIC): $(BENCH_OUT)/%: bench/%.c
	@mkdir -p $(@D)
	$(call say,MUSL,$@)
	$(Q)$(MUSL_CC) $(BENCH_CFLAGS) -static -pthread \
		-idirafter /usr/include \
		-idirafter /usr/include/x86_64-linux-gnu -o $@ $<
$(BENCH_OUT)/hello-go-exit: bench/hello.go
	@mkdir -p $(@D)
	$(call say,GO,$@)
	$(Q)$(call build_go,$<,$@)
$(BENCH_OUT)/hello-c: examples/hello-c/hello.c
	$(Q)$(MAKE) -s -C $(<D) OUT=$(abspath $(BENCH_OUT))
$(BENCH_OUT)/hello-go: examples/hello-go/main.go
	$(Q)$(MAKE) -s -C $(<D) OUT=$(abspath $(BENCH_OUT))
