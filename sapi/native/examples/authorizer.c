/* authorizer.c -- an Authorizer (FastCGI 1.0, section 6.3): lets a request pass whose cookie has the token of the
 * environment variable APP_TOKEN (env[APP_TOKEN] = ... in the pool's section). The environment is read once, before
 * any request. */
#include <stdlib.h>
#include <string.h>
#include <weir/native.h>

static const char *token;

static int start(void)
{
	token = getenv("APP_TOKEN");
	if (token && *token)
		return 0;
	return 1;                               /* without one nobody could pass: a fault of the configuration */
}

/* Takes as long for a wrong token as for the right one. */
static int has_token(const char *cookies)
{
	const char *at = cookies ? strstr(cookies, "token=") : NULL;
	size_t len = strlen(token);
	unsigned char differs = 0;

	if (!at || strcspn(at + 6, "; ") != len)
		return 0;
	for (size_t i = 0; i < len; i++)
		differs |= (unsigned char)(at[6 + i] ^ token[i]);
	return differs == 0;
}

int weir_handler(FCGX_Request *r)
{
	if (r->role != 2)                       /* FCGI_AUTHORIZER */
		FCGX_PutS("Status: 500 Not An Authorizer\r\n\r\n", r->out);
	else if (has_token(FCGX_GetParam("HTTP_COOKIE", r->envp)))
		FCGX_PutS("Status: 200 OK\r\nVariable-APP_USER: bearer\r\n\r\n", r->out);
	else
		FCGX_PutS("Status: 403 Forbidden\r\nContent-Type: text/plain\r\n\r\nno token\n", r->out);
	return 0;
}

const struct weir_native_info weir_native = { .abi = WEIR_NATIVE_ABI, .thread_safe = 1, .init = start };
