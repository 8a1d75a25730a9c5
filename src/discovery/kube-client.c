/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-client.h"

#include <string.h>

#include "kube-auth.h"

#define CONNECT_LIMIT_USEC (10 * USEC_PER_SEC)

/* One of our own: for some that it knows (curl's, browsers') the server writes its replies for people. */
#define USER_AGENT "User-Agent: agenthost/" AGENTHOST_VERSION " (linux)"

struct KubeClient {
        HttpClient *http;
        KubeConfig config;
        KubeAuth *auth;
};

int kube_client_new(sd_event *event, KubeConfig *config, KubeClient **ret)
{
        KubeClient *c = g_new0(KubeClient, 1);
        int r;

        r = http_client_new(event, &c->http);
        if (r < 0) {
                g_free(c);
                return r;
        }

        c->config = *config;
        *config = (KubeConfig){ 0 };
        c->auth = kube_auth_new(&c->config);
        *ret = c;
        return 0;
}

KubeClient *kube_client_free(KubeClient *c)
{
        if (!c)
                return NULL;

        http_client_free(c->http);
        kube_auth_free(c->auth);
        kube_config_done(&c->config);
        g_free(c);
        return NULL;
}

const KubeConfig *kube_client_config(const KubeClient *c)
{
        return &c->config;
}

void kube_client_refused(KubeClient *c)
{
        kube_auth_refused(c->auth);
}

int kube_client_get(KubeClient *c,
        const KubeRequest *request,
        const HttpHandlers *handlers,
        void *userdata,
        HttpRequest **ret_request,
        Fault *fault)
{
        g_autofree char *url = g_strconcat(c->config.server, request->path, NULL);
        const char *headers[] = { USER_AGENT, "Accept: application/json", NULL, NULL };
        HttpOptions options = {
                .url = url,
                .headers = headers,
                .gzip = request->gzip,
                .reply_max = request->reply_max,
                .connect_usec = CONNECT_LIMIT_USEC,
                .total_usec = request->total_usec,
        };
        int r;

        r = kube_auth_get(c->auth, &options.tls, &headers[2], fault);
        if (r < 0)
                return r;
        return http_request_start(c->http, &options, handlers, userdata, ret_request, fault);
}
