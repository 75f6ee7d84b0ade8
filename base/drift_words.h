/* What may be done about an object that somebody changed at Cloudflare, for tables of accepted
 * values in model and declarations. */
#ifndef BASE_DRIFT_WORDS_H
#define BASE_DRIFT_WORDS_H

#define DRIFT_WORDS "report", "repair", "ignore"

#endif
