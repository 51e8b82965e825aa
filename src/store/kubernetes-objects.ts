/** Objects that a resource's steps made in a cluster, in the order they were first recorded. */
import { z } from "zod";
import type { Scope, Uid } from "../model/uid.ts";
import type { Queryable } from "./database.ts";

interface Entry {
  readonly cluster: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly keeper: string;
  readonly objectUid: string | undefined;
}

/** What steps need, by their own interface (execute/kube/inventory.ts). */
export interface KubernetesObjects {
  read(scope: Scope, uid: Uid): Promise<readonly Entry[]>;
  put(scope: Scope, uid: Uid, entries: readonly Entry[]): Promise<void>;
  forget(scope: Scope, uid: Uid, entries: readonly Entry[]): Promise<void>;
}

const row = z.object({
  cluster: z.string(),
  api_version: z.string(),
  kind: z.string(),
  namespace: z.string(),
  name: z.string(),
  keeper: z.string(),
  object_uid: z.string().nullable(),
});

export function kubernetesObjects(db: Queryable): KubernetesObjects {
  return {
    async read({ repository, environment }, uid) {
      const { rows } = await db.query(
        `select cluster, api_version, kind, namespace, name, keeper, object_uid
         from kubernetes_objects where repository = $1 and environment = $2 and uid = $3
         order by position`,
        [repository, environment, uid],
      );
      return rows.map((it) => {
        const { api_version, namespace, object_uid, ...same } = row.parse(it);
        return {
          ...same,
          apiVersion: api_version,
          namespace: namespace === "" ? undefined : namespace,
          objectUid: object_uid ?? undefined,
        };
      });
    },
    async put({ repository, environment }, uid, entries) {
      if (entries.length === 0) return;
      await db.query(
        `insert into kubernetes_objects (repository, environment, uid, cluster, api_group, kind,
           namespace, name, api_version, keeper, object_uid)
         select $1, $2, $3, it.cluster, it.api_group, it.kind, it.namespace, it.name,
           it.api_version, it.keeper, it.object_uid
         from jsonb_to_recordset($4::jsonb) as it (cluster text, api_group text, kind text,
           namespace text, name text, api_version text, keeper text, object_uid text)
         on conflict (repository, environment, uid, cluster, api_group, kind, namespace, name)
         do update set api_version = excluded.api_version, keeper = excluded.keeper,
           object_uid = coalesce(excluded.object_uid, kubernetes_objects.object_uid)`,
        [repository, environment, uid, JSON.stringify(entries.map(toRow))],
      );
    },
    async forget({ repository, environment }, uid, entries) {
      await db.query(
        `delete from kubernetes_objects x using jsonb_to_recordset($4::jsonb) as it (cluster text,
           api_group text, kind text, namespace text, name text)
         where x.repository = $1 and x.environment = $2 and x.uid = $3 and x.cluster = it.cluster
           and x.api_group = it.api_group and x.kind = it.kind and x.namespace = it.namespace
           and x.name = it.name`,
        [repository, environment, uid, JSON.stringify(entries.map(toRow))],
      );
    },
  };
}

const toRow = (it: Entry) => ({
  cluster: it.cluster,
  api_group: it.apiVersion.includes("/") ? it.apiVersion.slice(0, it.apiVersion.indexOf("/")) : "",
  kind: it.kind,
  namespace: it.namespace ?? "",
  name: it.name,
  api_version: it.apiVersion,
  keeper: it.keeper,
  object_uid: it.objectUid ?? null,
});
