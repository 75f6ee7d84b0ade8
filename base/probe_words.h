/* How the origin of a route is asked, for tables of accepted values in model and declarations. */
#ifndef BASE_PROBE_WORDS_H
#define BASE_PROBE_WORDS_H

#define PROBE_WORDS "tcp", "http", "none"

#endif
