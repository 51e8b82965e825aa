/** Golden paths of providers, and why none is run: what is made belongs to a resource that git asks for. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { stringify } from "yaml";
import { z } from "zod";
import type { JsonRecord } from "../../../model/json.ts";
import { compareText } from "../../../model/problem.ts";
import type { GoldenPath, Provider } from "../../../provider/provider.ts";
import { guard, type Authorize } from "../auth/authorize.ts";
import { endPage, readPage } from "../pages.ts";
import { ApiError, notFound } from "../problem.ts";
import { createRouter, pageResponses, problems, type ApiEnv } from "../router.ts";
import {
  goldenPath,
  goldenPathName,
  goldenPathQuery,
  goldenPathsQuery,
} from "../schemas/golden-path.ts";
import type { ApiServices } from "../services.ts";
import { refusedRoutes, type Asked } from "./refused.ts";

interface Found {
  readonly provider: Provider;
  readonly path: GoldenPath;
}

export function goldenPathRoutes(services: ApiServices, authorize: Authorize): OpenAPIHono<ApiEnv> {
  const router = createRouter();
  const keyOf = ({ provider, path }: Found): string => `${path.name} ${provider.name}`;

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/golden-paths",
      summary: "Golden paths of the providers that are loaded",
      ...guard(authorize, "read"),
      request: { query: goldenPathsQuery },
      responses: pageResponses(goldenPath, "By name"),
    }),
    (context) => {
      const page = readPage(context.req.valid("query"), z.string());
      const found = all(services)
        .toSorted((a, b) => compareText(keyOf(a), keyOf(b)))
        .filter((it) => page.after === undefined || compareText(keyOf(it), page.after) > 0);
      return context.json(endPage(context, page, found, keyOf).map(view), 200);
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/golden-paths/{name}",
      summary: "One golden path",
      ...guard(authorize, "read"),
      request: { params: goldenPathName, query: goldenPathQuery },
      responses: {
        200: {
          description: "The path",
          content: { "application/json": { schema: goldenPath } },
        },
        ...problems,
      },
    }),
    (context) => {
      const { name } = context.req.valid("param");
      const { provider } = context.req.valid("query");
      return context.json(view(theOne(services, name, provider)), 200);
    },
  );

  const execution = refusedRoutes(services, authorize, [
    {
      method: "post",
      path: "/api/workflows/golden-paths/{name}/execute",
      summary: "Nothing runs that git does not ask for: answers the lines that ask for it",
      permission: "write",
      status: 501,
      answer: (asked) => ({
        code: "golden-path-not-run",
        detail: `nothing runs that git does not ask for, as nobody could delete it: "${asked.params["name"]}" was not run`,
        hint: whatToWrite(theOne(services, asked.params["name"] ?? "", undefined), asked),
      }),
    },
  ]);
  router.route("/", execution);
  return router;
}

function all({ providers }: ApiServices): readonly Found[] {
  return providers().flatMap((provider) =>
    provider.goldenPaths.map((path) => ({ provider, path })),
  );
}

/** @throws {ApiError} where there is none, or several */
function theOne(services: ApiServices, name: string, provider: string | undefined): Found {
  const found = all(services).filter(
    (it) => it.path.name === name && (provider === undefined || it.provider.name === provider),
  );
  const [first, second] = found;
  if (first === undefined) throw notFound(`golden path "${name}"`);
  if (second === undefined) return first;
  throw new ApiError(409, {
    code: "ambiguous",
    detail: `several providers have a golden path "${name}": ${found.map((it) => it.provider.name).join(", ")}`,
    hint: "add ?provider=",
  });
}

/** Types of the same provider that the path's own workflow creates. */
const typesOf = ({ provider, path }: Found): readonly string[] =>
  provider.capabilities
    .filter(({ operations: { create } }) =>
      [create?.default, ...(create?.tagged ?? []).map((it) => it.name)].includes(path.name),
    )
    .map((it) => it.type);

function whatToWrite(found: Found, { body }: Asked): string {
  const { provider, path } = found;
  const [served] = typesOf(found);
  const type = served ?? path.name;
  const claim = {
    capabilities: {
      resourceTypeCapabilities: [
        { type, operations: { create: { workflow: path.name }, delete: { workflow: "DELETE" } } },
      ],
    },
  };
  const ask = { resources: { [path.name]: { type, ...withParams(body.parameters) } } };
  const first =
    served === undefined
      ? `have ${provider.name} (${provider.place.file}) serve a type with it, and name the workflow that takes back what it makes as DELETE:\n${stringify(claim)}then `
      : "";
  return `${first}ask for it in the Score spec of ${body.application}, and commit it or submit it with \`innominatus-ctl deploy\`:\n${stringify(ask)}`;
}

const withParams = (params: JsonRecord) => (Object.keys(params).length === 0 ? {} : { params });

const view = (found: Found): z.output<typeof goldenPath> => {
  const { provider, path } = found;
  const workflow = provider.workflows.get(path.name);
  return {
    name: path.name,
    provider: provider.name,
    provider_version: provider.version,
    description: path.description,
    category: "goldenpath",
    version: path.version,
    tags: [...path.tags],
    parameters: (workflow?.parameters ?? []).map((it) => ({
      name: it.name,
      type: it.type,
      required: it.required,
      default: it.sensitive ? null : (it.default ?? null),
      description: it.description,
    })),
    steps: (workflow?.steps ?? []).map(({ name, type }) => ({ name, type })),
    resource_types: [...typesOf(found)],
  };
};
