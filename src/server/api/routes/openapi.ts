/** The OpenAPI document of all of the routes, made from the schemas that check them. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { sessionCookie } from "../auth/cookie.ts";
import type { ApiEnv } from "../router.ts";
import type { ApiServices } from "../services.ts";

export function openApiRoutes(router: OpenAPIHono<ApiEnv>, { version }: ApiServices): void {
  router.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    description: "A session's token, an API key, or a token of the configured OIDC issuer",
  });
  router.openAPIRegistry.registerComponent("securitySchemes", "cookie", {
    type: "apiKey",
    in: "cookie",
    name: sessionCookie,
    description:
      "A session of a browser; a change with it needs Origin or Sec-Fetch-Site of this site",
  });
  let document: string | undefined;
  router.get("/api/openapi.json", (context) => {
    document ??= JSON.stringify(openApiDocument(router, version));
    return context.body(document, 200, { "content-type": "application/json" });
  });
}

const openApiDocument = (router: OpenAPIHono<ApiEnv>, version: string) =>
  router.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "innominatus",
      version,
      license: { name: "Apache-2.0" },
      description: "The record of a GitOps controller, and the ways to change what git wants.",
    },
    servers: [{ url: "/" }],
    security: [{ bearer: [] }],
  });
