/** What is declared in the settings or in git: where, and which lines to write there. */
import { stringify } from "yaml";
import { reachOf } from "../auth/roles.ts";
import { roles } from "../schemas/session.ts";
import type { Asked, Refused } from "./refused.ts";
import { theResource } from "./resources.ts";

const inSettings = "in innominatus.yaml, and start the controller again";

const userLines = ({ body: { username, team, role: given } }: Asked): string => {
  // Upstream has `user` and `admin`.
  const role = roles.find((it) => it === given) ?? "operator";
  const where = team === "" ? { role } : { teams: { [team]: role } };
  const user = { username, ...where, passwordHash: "HASH" };
  return `for HASH run \`innominatus user hash\`, with the password on standard input; add ${inSettings}:\n${stringify({ api: { users: [user] } })}`;
};

export const declaredElsewhere: readonly Refused[] = [
  {
    method: "post",
    path: "/api/admin/users",
    summary: "Users are declared in the settings: answers the lines to add",
    permission: "admin",
    status: 405,
    answer: (asked) => ({
      code: "declared-in-settings",
      detail: `users are declared in the controller's settings: "${asked.body.username}" was not added`,
      hint: userLines(asked),
      headers: { allow: "GET" },
    }),
  },
  {
    method: "put",
    path: "/api/admin/users/{username}",
    summary: "Users are declared in the settings: answers the lines to change",
    permission: "admin",
    status: 405,
    answer: (asked) => ({
      code: "declared-in-settings",
      detail: `users are declared in the controller's settings: "${asked.params["username"]}" was not changed`,
      hint: userLines({
        ...asked,
        body: { ...asked.body, username: asked.params["username"] ?? "NAME" },
      }),
      headers: { allow: "GET" },
    }),
  },
  {
    method: "delete",
    path: "/api/admin/users/{username}",
    summary: "Users are declared in the settings: answers what to remove",
    permission: "admin",
    status: 405,
    answer: ({ params: { username = "" } }) => ({
      code: "declared-in-settings",
      detail: `users are declared in the controller's settings: "${username}" was not removed`,
      hint: `remove the entry with \`username: ${username}\` from \`api.users\` ${inSettings}: sessions and API keys of a user end with the entry`,
      headers: { allow: "GET" },
    }),
  },
  {
    method: "post",
    path: "/api/admin/users/{username}/api-keys",
    summary: "Nobody makes an API key for another: answers how its owner does",
    permission: "admin",
    status: 405,
    answer: ({ params: { username = "" }, body: { name } }) => ({
      code: "own-keys-only",
      detail: `an API key acts as its owner, so that only "${username}" makes one for "${username}"`,
      hint: `they run \`innominatus-ctl login --username ${username}\` and \`innominatus-ctl api-key create ${name}\`; for a machine, give it a user of its own in \`api.users\``,
      headers: { allow: "GET" },
    }),
  },
  {
    method: "post",
    path: "/api/teams",
    summary: "Teams are declared in the settings: answers the lines to add",
    permission: "admin",
    status: 405,
    answer: ({ body: { name } }) => ({
      code: "declared-in-settings",
      detail: `teams are declared in the controller's settings: "${name}" was not added`,
      hint: `\`workloads\` are the names of its Score specs, with * for any characters; add ${inSettings}:\n${stringify({ api: { teams: [{ name, workloads: [`${name}-*`] }] } })}`,
      headers: { allow: "GET" },
    }),
  },
  {
    method: "delete",
    path: "/api/teams/{id}",
    summary: "Teams are declared in the settings: answers what to remove",
    permission: "admin",
    status: 405,
    answer: ({ params: { id = "" } }) => ({
      code: "declared-in-settings",
      detail: `teams are declared in the controller's settings: "${id}" was not removed`,
      hint: `remove the entry with \`name: ${id}\` from \`api.teams\`, and the team from \`api.users[].teams\`, ${inSettings}`,
      headers: { allow: "GET" },
    }),
  },
  {
    method: "post",
    path: "/api/resources",
    summary: "Resources are declared in Score specs: answers the lines to add",
    permission: "write",
    status: 405,
    answer: ({ body: { application_name, resource_name, resource_type, configuration } }) => ({
      code: "declared-in-git",
      detail: `resources are declared in Score specs: "${application_name}.${resource_name}" was not made`,
      hint: `add to the spec of ${application_name}, and commit it or submit it with \`innominatus-ctl deploy\`:\n${stringify(
        {
          resources: {
            [resource_name]: {
              type: resource_type,
              ...(Object.keys(configuration).length === 0 ? {} : { params: configuration }),
            },
          },
        },
      )}`,
      headers: { allow: "GET" },
    }),
  },
  {
    method: "put",
    path: "/api/resources/{id}",
    summary: "Resources are declared in Score specs: answers the lines to change",
    permission: "write",
    status: 405,
    async answer(asked) {
      const { body: given } = asked;
      const { uid, name, place, type } = await writable(asked);
      const lines = { resources: { [name]: { type, params: given.configuration } } };
      const detail =
        given.state === ""
          ? `what ${uid} is to be is declared in ${place.file}: nothing was changed`
          : `the state of ${uid} follows from its runs: it was not set to "${given.state}"`;
      const retry = `\`innominatus-ctl resource retry ${uid}\` tries again what failed, and \`innominatus-ctl why ${uid}\` says what happens next`;
      return {
        code: "declared-in-git",
        detail,
        hint:
          given.state !== "" || Object.keys(given.configuration).length === 0
            ? `change its params in ${place.file}; ${retry}`
            : `change it in ${place.file}, and commit it or submit it with \`innominatus-ctl deploy\`:\n${stringify(lines)}`,
        headers: { allow: "GET" },
      };
    },
  },
  {
    method: "delete",
    path: "/api/resources/{id}",
    summary: "Resources are declared in Score specs: answers what to remove",
    permission: "write",
    status: 405,
    async answer(asked) {
      const { uid, name, place } = await writable(asked);
      return {
        code: "declared-in-git",
        detail: `${uid} is declared in ${place.file}: nothing was deleted`,
        hint: `remove \`resources.${name}\` from ${place.file} and commit it: \`innominatus-ctl resource delete ${uid}\` does so`,
        headers: { allow: "GET" },
      };
    },
  },
];

const writable = ({ services: { db, settings }, context, params: { id = "" } }: Asked) =>
  theResource(db, id, reachOf(context.get("principal"), "write", settings.teams));
