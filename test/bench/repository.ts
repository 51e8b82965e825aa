/** Repositories of any size, made in one go: through `git fast-import`, without a work tree. */
import { spawn, execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Generated {
  readonly url: string;
  readonly folder: string;
  /** Commits files on top of `main`. */
  commit(files: ReadonlyMap<string, string>, subject: string): Promise<void>;
  remove(): Promise<void>;
}

export async function generateRepository(files: ReadonlyMap<string, string>): Promise<Generated> {
  const folder = await mkdtemp(join(tmpdir(), "innominatus-bench-"));
  const url = join(folder, "origin.git");
  await run("git", ["init", "-q", "--bare", "-b", "main", url]);
  let parent = false;
  const commit = async (changed: ReadonlyMap<string, string>, subject: string): Promise<void> => {
    const who = `bench <bench@example.org> ${Math.floor(Date.now() / 1000)} +0000`;
    const body = [...changed].map(
      ([path, text]) => `M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`,
    );
    const from = parent ? "from refs/heads/main^0\n" : "";
    const head = `commit refs/heads/main\ncommitter ${who}\ndata ${Buffer.byteLength(subject)}\n${subject}\n${from}`;
    await importInto(url, `${head}${body.join("")}\n`);
    parent = true;
  };
  await commit(files, "Start");
  return { url, folder, commit, remove: () => rm(folder, { recursive: true, force: true }) };
}

function importInto(gitdir: string, stream: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const git = spawn("git", ["-C", gitdir, "fast-import", "--quiet"], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    git.on("error", reject);
    git.on("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`git fast-import ended with ${code}`)),
    );
    git.stdin.end(stream);
  });
}

export const specPath = (index: number): string =>
  `apps/team${Math.floor(index / 100)}/app${index}/score.yaml`;

/** Of the size that people's specs have: a container with variables, a service, two resources. */
export const spec = (index: number, size = "small"): string => `apiVersion: score.dev/v1b1
metadata:
  name: app${index}
  annotations:
    example.org/team: team${Math.floor(index / 100)}
containers:
  web:
    image: ghcr.io/example/app${index}:1.0.${index}
    variables:
      DATABASE_HOST: \${resources.db.host}
      DATABASE_NAME: \${resources.db.database_name}
      LOG_LEVEL: info
    readinessProbe:
      httpGet:
        path: /ready
        port: 8080
service:
  ports:
    http:
      port: 80
      targetPort: 8080
resources:
  db:
    type: postgres-mock
    params:
      size: ${size}
`;

export const specs = (count: number): Map<string, string> =>
  new Map(Array.from({ length: count }, (_, index) => [specPath(index), spec(index)]));
