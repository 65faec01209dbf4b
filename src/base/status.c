/* status.c -- a pool's status on its way between processes. Any process. Looks at nothing but sizes and seals: what
 * the numbers mean is said where they are made. */
#include "src/base/status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "src/base/fd.h"
#include "src/base/mem.h"

#define STATUS_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

const char *status_state_name(uint32_t state)
{
	static const char *const names[STATUS_STATES] = {
		[STATUS_IDLE] = "Idle",           [STATUS_READING] = "Reading headers",
		[STATUS_RUNNING] = "Running",     [STATUS_FINISHING] = "Finishing",
		[STATUS_ENDING] = "Ending",
	};

	return names[state < STATUS_STATES ? state : STATUS_IDLE];
}

size_t status_size(size_t child_count)
{
	return sizeof(struct status) + child_count * sizeof(struct status_child);
}

int status_write(const struct status *status)
{
	BUG_IF(status->magic != STATUS_MAGIC);
	return fd_memfd_sealed("weir-status", status, status_size(status->child_count));
}

static bool fits(const struct status *s, size_t size)
{
	return s->magic == STATUS_MAGIC && status_size(s->child_count) == size;
}

const struct status *status_map(int fd, size_t *size_out)
{
	const struct status *s;
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || fstat(fd, &st) < 0)
		return NULL;
	if ((seals & STATUS_SEALS) != STATUS_SEALS || st.st_size < (off_t)sizeof(*s)) {
		errno = EINVAL;
		return NULL;
	}
	*size_out = (size_t)st.st_size;
	s = mmap(NULL, *size_out, PROT_READ, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED)
		return NULL;
	if (fits(s, *size_out))
		return s;
	status_unmap(&s, *size_out);
	errno = EINVAL;
	return NULL;
}

void status_unmap(const struct status **status, size_t size)
{
	if (*status)
		munmap((void *)(uintptr_t)*status, size);
	*status = NULL;
}
