/* The intrusive list: a ring through its head. A node outside any list is a ring of one. */
#include "base/list.h"

void list_init(struct list *l)
{
	l->next = l->prev = l;
}

bool list_empty(const struct list *l)
{
	return l->next == l;
}

void list_append(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}
