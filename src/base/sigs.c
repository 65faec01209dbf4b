/* sigs.c -- what pool process, zygote and child do with signals: nothing. Orders come over their links. */
#include "src/base/sigs.h"

#include <signal.h>
#include <stddef.h>
#include "src/base/mem.h"

static void nothing(int signo)
{
	(void)signo;
}

void sigs_harmless(void)
{
	static const int all[] = { SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGHUP };
	struct sigaction act = { .sa_handler = nothing, .sa_flags = SA_RESTART };

	sigemptyset(&act.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		sigaction(all[i], &act, NULL);
	signal(SIGPIPE, SIG_IGN);
}
