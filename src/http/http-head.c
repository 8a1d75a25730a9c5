/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http-head.h"

#include <curl/curl.h>

#include "parse.h"

uint64_t http_parse_retry_after(const char *value, int64_t now_sec)
{
        uint64_t sec;
        time_t date;
        int r;

        if (!value)
                return 0;

        r = parse_uint64(value, 0, RETRY_AFTER_MAX_USEC / USEC_PER_SEC, &sec);
        if (r >= 0)
                return sec * USEC_PER_SEC;
        if (r == -ERANGE)
                return RETRY_AFTER_MAX_USEC;

        date = curl_getdate(value, NULL);
        if (date < 0 || date <= now_sec)
                return 0;
        sec = (uint64_t)(date - now_sec);
        return sec > RETRY_AFTER_MAX_USEC / USEC_PER_SEC ? RETRY_AFTER_MAX_USEC : sec * USEC_PER_SEC;
}
