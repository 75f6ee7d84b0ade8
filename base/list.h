/* Intrusive doubly linked list. A list head and a node are the same struct; a node that is in no
 * list points to itself, so list_remove may be called twice. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

void list_init(struct list *l);
bool list_empty(const struct list *l);
void list_append(struct list *head, struct list *node);
void list_remove(struct list *node);

#define LIST_OF(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* The node may be removed (and freed) inside; others may not. */
#define LIST_EACH(it, head)                                                                        \
	for (struct list *it = (head)->next, *it##_next = it->next; it != (head);                  \
	     it = it##_next, it##_next = it->next)

#endif
