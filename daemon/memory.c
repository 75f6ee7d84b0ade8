/*
 * Left alone, malloc raises its thresholds with the largest buffer that was ever freed, and keeps
 * as much for the next one. And the linker, which walks the symbols of some forty libraries, and
 * their own beginnings leave almost twice the pages behind that are used afterwards. Those are the
 * files' own, never written to: whichever is needed again is mapped again.
 */
#include "daemon/memory.h"

#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define LARGE (64 * 1024) /* bytes: mapped for itself, and unmapped when it is freed */
#define TOP   (64 * 1024) /* bytes that may lie free at the end of all others */
#define STEP  (16 * 1024) /* bytes by which that end moves on; so many stay when it goes back */

void memory_begin(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, LARGE);
	(void)mallopt(M_TRIM_THRESHOLD, TOP);
	(void)mallopt(M_TOP_PAD, STEP);
	(void)mallopt(M_ARENA_MAX, 1); /* threads look up names and do nothing else */
}

/* What the linker may write to (its relocations) lies in segments that are writable in the file,
 * whatever they are protected with by now. */
static int object_settle(struct dl_phdr_info *object, size_t size, void *owner)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)owner;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &object->dlpi_phdr[i];
		uintptr_t begin = (object->dlpi_addr + p->p_vaddr + page - 1) / page * page;
		uintptr_t end = (object->dlpi_addr + p->p_vaddr + p->p_filesz) / page * page;

		if (p->p_type == PT_LOAD && !(p->p_flags & PF_W) && begin < end)
			(void)madvise((void *)begin, end - begin, MADV_DONTNEED);
	}
	return 0;
}

void memory_settle(void)
{
	(void)malloc_trim(0);
	(void)dl_iterate_phdr(object_settle, NULL);
}
