/** A page to read the OpenAPI document on, with everything it loads served from here. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { ApiEnv } from "../router.ts";

/** What of the package is served: nothing a request says becomes a path. */
const assets = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
} as const;

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>innominatus API</title>
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</body>
</html>
`;

const start = `SwaggerUIBundle({ url: "/api/openapi.json", dom_id: "#swagger-ui", deepLinking: true });\n`;

/** No inline script, nothing from elsewhere; the drawings in the style sheet are `data:`. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function docsRoutes(router: OpenAPIHono<ApiEnv>): void {
  const require = createRequire(import.meta.url);
  const folder = dirname(require.resolve("swagger-ui-dist/package.json"));
  router.get("/api/docs", (context) =>
    context.body(page, 200, {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
    }),
  );
  // Where upstream has its own.
  for (const path of ["/swagger", "/swagger/*"]) {
    router.get(path, (context) => context.redirect("/api/docs", 308));
  }
  router.get("/api/docs/start.js", (context) =>
    context.body(start, 200, { "content-type": "text/javascript; charset=utf-8" }),
  );
  for (const [name, type] of Object.entries(assets)) {
    router.get(`/api/docs/${name}`, async (context) =>
      context.body(await readFile(join(folder, name)), 200, {
        "content-type": type,
        "cache-control": "public, max-age=86400",
      }),
    );
  }
}
