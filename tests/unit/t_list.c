/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/list.h: order, removal in the middle of a walk, removal twice, and
 * popping until nothing is left.
 */
#include "lib/list.h"
#include "tests/unit/check.h"

struct item {
	int value;
	struct list node;
};

static struct item items[3] = { { .value = 0 },
				{ .value = 1 },
				{ .value = 2 } };
static struct list head;

static void fill(void)
{
	list_init(&head);
	for (int i = 0; i < 3; i++)
		list_add_tail(&head, &items[i].node);
}

static int sum_in_order(void)
{
	struct list *pos;
	int sum = 0;

	list_for_each(pos, &head)
		sum = sum * 10 + container_of(pos, struct item, node)->value;
	return sum;
}

static void test_order(void)
{
	fill();
	check_int(sum_in_order(), 12);
	list_del(&items[0].node);
	list_del(&items[2].node);
	list_add_head(&head, &items[2].node);
	check_int(sum_in_order(), 21);
	check(!list_empty(&head));
}

static void test_delete_twice(void)
{
	fill();
	list_del(&items[1].node);
	list_del(&items[1].node);
	check_int(sum_in_order(), 2);
	check(list_empty(&items[1].node));
}

static void test_delete_while_walking(void)
{
	struct list *pos, *next;

	fill();
	list_for_each_safe(pos, next, &head)
		list_del(pos);
	check(list_empty(&head));
}

static void test_pop(void)
{
	fill();
	check_ptr(list_pop_head(&head), &items[0].node);
	check_ptr(list_pop_head(&head), &items[1].node);
	check_ptr(list_pop_head(&head), &items[2].node);
	check_ptr(list_pop_head(&head), NULL);
}

int main(void)
{
	RUN(test_order);
	RUN(test_delete_twice);
	RUN(test_delete_while_walking);
	RUN(test_pop);
	return check_done();
}
